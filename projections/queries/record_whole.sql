-- The newest events about one record, with what pairing and counting need and what a page shows: one row a patient of each event
-- under the record's keys. Without a period no time is compared: that takes the engine a quarter less. Whoever reads this drops rows of
-- other identifiers that have the same key: to compare them here takes the engine a millisecond before it reads a row.
-- Lazy materialization would read granules twice, for the key and for the rest, and save nothing but for records beyond the limit.
-- rule_key as in record_events.sql, which goes on where more rows follow than the limit.
-- Read by: who-viewed, its first page about all time. Cost: the record's own rows, rounded up to granules of 512 an identifier
-- and part; parts without the record read its key only.
SELECT
    position,
    patient_ordinal,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    if(recorded_delay = -9223372036854775808, 0, toUnixTimestamp64Micro(occurred) + recorded_delay) AS recorded_us,
    toUnixTimestamp64Micro(received) AS received_us,
    codes,
    patient,
    actor,
    labels,
    setting,
    object_values,
    objects,
    encounter_value,
    import_key,
    pair_key,
    if({rules:Bool},
       if(pair_key = 0 AND substringIndex(actor, '\x1f', 1) IN {ruled:Array(String)},
          sipHash64(substringIndex(actor, '\x1f', 3), bitAnd(codes, 255), object_values,
             arrayFilter((f, i) -> i % 4 IN (1, 2), splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects)))), 0),
       0) AS rule_key
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE position <= {position:UInt64}
ORDER BY occurred DESC, position DESC, patient_ordinal
LIMIT {limit:UInt32}
SETTINGS use_skip_indexes = 0, query_plan_optimize_lazy_materialization = 0
