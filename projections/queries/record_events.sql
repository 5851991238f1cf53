-- Every event about one record, newest first, with what pairing and counting need: rows stream, nothing is held.
-- rule_key pairs events without a request id by the rule of their source: same reader, object and action.
-- Read by: who-viewed (whole record on the first page, from the page on afterwards), the pairs of GetEvent.
-- Cost: the record's own rows, rounded up to granules of 512 an identifier and part; parts without the record read its key
-- only.
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(received) AS received_us,
    codes,
    actor,
    labels,
    pair_key,
    -- Without a source that has a rule the condition is constant, and the objects are not even read.
    if({rules:Bool},
       if(pair_key = 0 AND source IN {ruled:Array(String)},
          sipHash64(source, reader_system, reader_value, action, object_types, object_systems, object_values), 0),
       0) AS rule_key
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE substringIndex(patient, '\x1f', 2) IN {packed:Array(String)}
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND (occurred, position) <= (fromUnixTimestamp64Micro({start_occurred:Int64}), {start_position:UInt64})
ORDER BY occurred DESC, position DESC
