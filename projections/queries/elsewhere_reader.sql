-- How many events some readers have, in all: asked for with what is outside of an asker's limits, they are counted and not shown.
-- Read by: a reader's activity and profile, for an asker with limits. Cost: the reader's own rows of the period.
SELECT uniqExact(position) AS reports
FROM accesses_by_reader_vN
PREWHERE reader_key IN {keys:Array(UInt64)}
WHERE reader IN {packed:Array(String)}
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
