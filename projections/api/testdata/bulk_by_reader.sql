-- Fills the reader-first table from the patient-first one. Read by: TestRowsRead, BenchmarkReaderActivity, the benchmarks of scopes.
INSERT INTO accesses_by_reader_v1
    (reader_key, occurred, position, patient_ordinal, patient_key, reader, received, codes, site, workstation, source, pair_key, parts, sensitivity, group_key)
SELECT reader_key, occurred, position, patient_ordinal, patient_key, concat(reader_system, '\x1f', reader_value), received, codes,
    site, workstation, source, pair_key, arrayStringConcat(arraySort(arrayDistinct(object_types)), '\x1f'),
    arrayStringConcat(arraySort(sensitivity), '\x1f'),
    xxHash64(concat('department ', toString(reader_key % 20), '\x1f')) AS group_key
FROM accesses_by_patient_fields_v1
WHERE toYear(received) = 2016 + {year:UInt64}
