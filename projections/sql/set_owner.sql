-- A claim. Run by: the projector at a start.
INSERT INTO owner (claim, journal, process) SELECT {claim:UInt32}, {journal:String}, {process:String}
