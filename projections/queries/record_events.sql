-- Every event about one record, newest first, with what pairing and counting need: rows stream, nothing is held.
-- _part is where a row stands, so that its details are not searched in all parts.
-- rule_key pairs events without a request id by the rule of their source: same reader, object and action. Sources are packed.
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
    if({rules:Bool},
       if(pair_key = 0 AND substringIndex(actor, '\x1f', 1) IN {ruled:Array(String)},
          sipHash64(substringIndex(actor, '\x1f', 3), bitAnd(codes, 255), object_values,
             arrayFilter((f, i) -> i % 4 IN (1, 2), splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects)))), 0),
       0) AS rule_key,
    _part
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE substringIndex(patient, '\x1f', 2) IN {packed:Array(String)}
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND (occurred, position) <= (fromUnixTimestamp64Micro({start_occurred:Int64}), {start_position:UInt64})
ORDER BY occurred DESC, position DESC
SETTINGS use_skip_indexes = 0
