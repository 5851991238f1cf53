-- Names the patients and readers of the bulk rows. Read by: TestRowsRead, the benchmarks.
INSERT INTO identities_v1 (kind, key, said, text, version, position)
SELECT 10 + kind, greatest(xxHash64(concat('|', lower(value))), 2), concat(system, '\x1f', value), text, 0, 8192
FROM
(
    SELECT DISTINCT 1 AS kind, patient_system AS system, patient_value AS value, '' AS text FROM accesses_by_patient_fields_v1 WHERE patient_key > 1
    UNION ALL
    SELECT DISTINCT 2, reader_system, reader_value, '' FROM accesses_by_patient_fields_v1
    UNION ALL
    SELECT DISTINCT 3, '', patient_text, patient_text FROM accesses_by_patient_fields_v1 WHERE patient_key = 1
)
