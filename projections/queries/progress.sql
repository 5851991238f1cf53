-- How far each projector of every version in use is, and which version answers. A projector that has written nothing yet
-- is at 0; positions of findings and alerts are messages of their streams. In use is the version that answers, and one that is being built beside it.
-- Read by: GetStatus. Cost: a few rows.
SELECT
    v.version AS version,
    p.projector AS projector,
    max(w.position) AS position,
    toUnixTimestamp64Micro(argMax(w.received, w.position)) AS received_us,
    v.version = (SELECT argMax(version, flip) FROM active) AS is_active
FROM (SELECT version, max(stage) AS latest FROM versions GROUP BY version) AS v
CROSS JOIN (SELECT arrayJoin(['accesses', 'rollups', 'findings', 'alerts']) AS projector) AS p
LEFT JOIN watermarks AS w ON w.version = v.version AND w.projector = p.projector
WHERE v.version = (SELECT argMax(version, flip) FROM active) OR v.latest = 1
GROUP BY v.version, p.projector
ORDER BY version, projector
