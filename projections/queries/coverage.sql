-- What was known at a position of the completeness of the sources. A later fact of the same source, kind and beginning
-- replaces the earlier one; until_us 0: still open. A gap in a source's own numbers (kind 4) is told with both of its
-- times, and told again with amount 0 once the numbers came after all: then it is none any more.
-- Read by: every answer header, ListSources. Cost: the coverage facts, some thousands of rows.
SELECT
    source,
    kind,
    toUnixTimestamp64Micro(since) AS since_us,
    toUnixTimestamp64Micro(argMax(until, position)) AS until_us,
    argMax(amount, position) AS last_amount
FROM coverage_vN
WHERE position <= {position:UInt64} AND since < fromUnixTimestamp64Micro({until:Int64})
GROUP BY source, kind, since, if(kind = 4, until, toDateTime64(0, 6, 'UTC'))
HAVING (until_us = 0 OR until_us > {from:Int64}) AND NOT (kind = 4 AND last_amount = 0)
ORDER BY since, source, kind
LIMIT {limit:UInt32}
