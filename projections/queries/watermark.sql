-- How far one version of the tables goes: nothing above this position is in an answer.
-- Read by: every question, once. Cost: a few rows.
SELECT
    max(w.position) AS position,
    toUnixTimestamp64Micro(argMax(w.received, w.position)) AS received_us
FROM watermarks AS w
WHERE w.version = {version:UInt32} AND w.projector = 'accesses'
