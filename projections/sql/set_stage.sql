-- Run by: the first start, rebuild.
INSERT INTO versions (version, stage) SELECT {version:UInt32}, {stage:UInt8}
