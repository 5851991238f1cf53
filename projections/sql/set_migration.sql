-- Run by: the projector after every statement of a migration has run.
INSERT INTO migrations (version, name, sha256) SELECT {version:UInt32}, {name:String}, {sha256:String}
