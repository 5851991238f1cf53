-- Every event of one reader, newest first: a row for each of the first patients of an event, as many as are asked for.
-- Times are compared before all else is read: in a part that holds little of a reader, as late ones do, the granule of a month mostly has
-- no row of it.
-- Read by: a reader's activity. Cost: the reader's own rows of the period, rounded up to granules of 1,024.
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(received) AS received_us,
    source,
    codes,
    patient_key,
    pair_key
FROM accesses_by_reader_vN
PREWHERE reader_key IN {keys:Array(UInt64)}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
WHERE reader IN {packed:Array(String)}
  AND position <= {position:UInt64} AND patient_ordinal < {patients:UInt32}
  AND (occurred, position) <= (fromUnixTimestamp64Micro({start_occurred:Int64}), {start_position:UInt64})
ORDER BY occurred DESC, position DESC, patient_ordinal
SETTINGS use_skip_indexes = 0
