-- Names each patient of the bulk rows under its own key, as events do. Read by: TestRowsRead, the benchmarks.
INSERT INTO event_links_v1 (key, other_key, kind, system, value, other_system, other_value, position, source)
SELECT DISTINCT patient_key, 0, 1, patient_system, patient_value, '', '', 8192, ''
FROM accesses_by_patient_fields_v1
WHERE patient_key > 1
