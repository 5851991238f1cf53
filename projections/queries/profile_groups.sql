-- Which groups a reader's events of a period state, most events first; key 0 for those that state none.
-- Read by: the profile of a reader. Cost: the reader's own rows of the period. Times are compared before the other columns are read: a granule
-- of another period costs two columns.
SELECT group_key, count() AS events
FROM accesses_by_reader_vN
PREWHERE reader_key IN {keys:Array(UInt64)}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
WHERE reader IN {packed:Array(String)} AND position <= {position:UInt64} AND patient_ordinal = 0
GROUP BY group_key
ORDER BY events DESC, group_key
