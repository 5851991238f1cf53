-- The flip: from this row on questions read the version. Run by: rebuild, and the first start.
INSERT INTO active (flip, version) SELECT {flip:UInt32}, {version:UInt32}
