-- How far each projector of a version has read. Read by: the projector at a start. Cost: a few rows.
SELECT projector, max(position), toUnixTimestamp64Micro(argMax(received, position))
FROM watermarks
WHERE version = {version:UInt32}
GROUP BY projector
