-- Fills the reader-first table from the patient-first one. Read by: TestRowsRead, BenchmarkReaderActivity.
INSERT INTO accesses_by_reader_v1
    (reader_key, occurred, position, patient_ordinal, patient_key, reader_system, reader_value, received, action, outcome, mode,
     site, workstation, source, pair_key)
SELECT greatest(xxHash64(concat(reader_system, '|', reader_value)), 2), occurred, position, patient_ordinal, patient_key,
    reader_system, reader_value, received, action, outcome, mode, site, workstation, source, pair_key
FROM accesses_by_patient_v1
WHERE toYear(received) = 2016 + {year:UInt64}
