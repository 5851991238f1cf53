-- The rows of a page in full: each patient of each event that stands under one of the keys, the first patients_shown of them; a
-- list screen can name thousands. The names of parts, where they are known, leave those that hold a row of the page; else the
-- received times leave those that may.
-- Read by: every list of accesses, once a page, but for those that record_whole.sql lists in full. Cost: granules of 512 rows at the places of the page's rows.
SELECT
    position,
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
    import_key
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)} AND position IN {positions:Array(UInt64)}
WHERE occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND received IN {received:Array(DateTime64(6, 'UTC'))}
  AND (empty({parts:Array(String)}) OR _part IN {parts:Array(String)})
ORDER BY position, patient_ordinal
LIMIT {patients_shown:UInt16} BY position
