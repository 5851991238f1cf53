-- The newest events about one record, with what pairing and counting need and what a page shows: one row a patient of each event
-- under the record's keys. Without a period no time is compared: that takes the engine a quarter less. Whoever reads this drops rows of
-- other identifiers that have the same key, and those above the position, which count against the limit: to compare either here takes the
-- engine a millisecond before it reads a row. The limits of whoever asks stand in the WHERE.
-- Lazy materialization would read granules twice, for the key and for the rest, and save nothing but for records beyond the limit.
-- Columns are read as they stand, and computed with by whoever reads them: with expressions in their place the statement took the engine a
-- sixth more. One thread reads it: two took the engine a quarter more, and no less time.
-- Read by: who-viewed, its first page about all time. Cost: the record's own rows, rounded up to granules of 512 an identifier
-- and part; parts without the record read its key only.
SELECT
    position,
    patient_ordinal,
    occurred,
    recorded_delay,
    received,
    codes,
    patient,
    actor,
    labels,
    setting,
    object_values,
    objects,
    encounter_value,
    import_key,
    pair_key
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE true
ORDER BY occurred DESC, position DESC, patient_ordinal
LIMIT {limit:UInt32}
SETTINGS use_skip_indexes = 0, query_plan_optimize_lazy_materialization = 0, max_threads = 1
