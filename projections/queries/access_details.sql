-- The rows of a page in full: each patient of each event. At most patients_shown patients of an event are read; a list
-- screen can name thousands.
-- Read by: every list of accesses, once a page. Cost: granules of 512 rows at the places of the page's rows.
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(recorded) AS recorded_us,
    toUnixTimestamp64Micro(received) AS received_us,
    patient_ordinal,
    patient_count,
    patient_system,
    patient_value,
    patient_text,
    action,
    action_code,
    outcome,
    mode,
    reader_system,
    reader_value,
    reader_name,
    reader_type,
    reader_role_system,
    reader_role,
    reader_role_display,
    department,
    object_types,
    object_systems,
    object_values,
    object_names,
    object_counts,
    encounter_system,
    encounter_value,
    application,
    on_behalf_of,
    organization,
    site,
    workstation,
    network_address,
    purposes,
    break_glass,
    sensitivity,
    source,
    flags,
    import_key != 0 AND import_key IN (SELECT import_key FROM imports_vN WHERE backfill) AS backfill
FROM accesses_by_patient_vN
WHERE patient_key IN {keys:Array(UInt64)}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND position IN {positions:Array(UInt64)}
  AND patient_ordinal < {patients_shown:UInt16}
ORDER BY position, patient_ordinal
