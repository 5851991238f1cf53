-- Names each patient of the bulk rows under its own key, as events do. Read by: TestRowsRead, the benchmarks.
INSERT INTO identities_v1 (kind, key, said, version, position)
SELECT DISTINCT 1, patient_key, concat(patient_system, '\x1f', patient_value, '\x1f\x1f\x1f'), 0, 8192
FROM accesses_by_patient_fields_v1
WHERE patient_key > 1
