-- Context that detectors need and that is absent or stale, as known at the position.
-- Read by: every answer header. Cost: a row a change of context.
SELECT
    context,
    toUnixTimestamp64Micro(argMax(received, position)) AS since_us,
    argMax(blind, position) AS abstain
FROM context_gaps_vN
WHERE position <= {position:UInt64}
GROUP BY context
HAVING argMax(absent, position)
ORDER BY context
