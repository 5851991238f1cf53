-- Every event of one reader, newest first, one row an event (its first patient), as record_events.sql; named: one a patient.
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
WHERE reader IN {packed:Array(String)}
  AND position <= {position:UInt64} AND (patient_ordinal = 0 OR {named:Bool})
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND (occurred, position) <= (fromUnixTimestamp64Micro({start_occurred:Int64}), {start_position:UInt64})
ORDER BY occurred DESC, position DESC, patient_ordinal
SETTINGS use_skip_indexes = 0
