-- Names the patients and readers of the bulk rows. Read by: TestRowsRead, the benchmarks.
INSERT INTO identifiers_v1 (folded, kind, system, value, key, text, position)
SELECT DISTINCT lower(patient_value), 1, patient_system, patient_value, patient_key, '', 8192 FROM accesses_by_patient_fields_v1 WHERE patient_key > 1
UNION ALL
SELECT DISTINCT lower(reader_value), 2, reader_system, reader_value, greatest(xxHash64(concat(reader_system, '|', reader_value)), 2), '', 8192 FROM accesses_by_patient_fields_v1
UNION ALL
SELECT DISTINCT lower(patient_text), 3, '', patient_text, 1, patient_text, 8192 FROM accesses_by_patient_fields_v1 WHERE patient_key = 1
