-- The rows of a page in full: each patient of each event. At most patients_shown patients of an event are read; a list
-- screen can name thousands. The received times leave the parts that hold a row of the page.
-- Read by: every list of accesses, once a page. Cost: granules of 512 rows at the places of the page's rows.
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(recorded) AS recorded_us,
    toUnixTimestamp64Micro(received) AS received_us,
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
  AND received IN arrayMap(us -> fromUnixTimestamp64Micro(us, 'UTC'), {received:Array(Int64)})
  AND patient_ordinal < {patients_shown:UInt16}
ORDER BY position, patient_ordinal
