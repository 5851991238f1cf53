-- How far a version of the tables has read a stream that detectors write, in messages of it.
-- Read by: questions about alerts and findings, where no projector of this process tells. Cost: a few rows.
SELECT max(w.position) AS sequence
FROM watermarks AS w
WHERE w.version = {version:UInt32} AND w.projector = {projector:String}
