-- Every event about one record, newest first, with what pairing and counting need: rows stream, nothing is held.
-- _part is where a row stands, so that its details are not searched in all parts.
-- Objects are read where a source has a rule: its events without a request id pair by same reader, objects and action (pair.go).
-- Read by: who-viewed (whole record on the first page, from the page on afterwards), the pairs of GetEvent.
-- Cost: the record's own rows, rounded up to granules of 512 an identifier and part; parts without the record read its key
-- only.
SELECT
    position,
    patient_ordinal,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(received) AS received_us,
    codes,
    actor,
    labels,
    pair_key,
    -- Without a source that has a rule the condition is constant, and the objects are not even read.
    if({rules:Bool}, object_values, emptyArrayString()) AS ruled_values,
    if({rules:Bool}, objects, '') AS ruled_objects,
    _part
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE substringIndex(patient, '\x1f', 2) IN {packed:Array(String)}
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND (occurred, position) <= (fromUnixTimestamp64Micro({start_occurred:Int64}), {start_position:UInt64})
ORDER BY occurred DESC, position DESC
SETTINGS use_skip_indexes = 0
