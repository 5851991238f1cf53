-- How far every version and projector is, and which version answers; retired versions are left out.
-- Read by: GetStatus. Cost: a few rows.
SELECT
    w.version AS version,
    w.projector AS projector,
    max(w.position) AS position,
    toUnixTimestamp64Micro(argMax(w.received, w.position)) AS received_us,
    w.version = (SELECT argMax(version, flip) FROM active) AS is_active
FROM watermarks AS w
WHERE w.version NOT IN (SELECT version FROM versions WHERE stage = 3)
GROUP BY w.version, w.projector
ORDER BY version, projector
