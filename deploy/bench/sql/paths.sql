-- One repetition, into both path tables. Cost: the inserts of a million rows and more.
INSERT INTO accesses_by_patient_v1 SELECT * EXCEPT (new_reader_key) FROM bench_replica;

INSERT INTO accesses_by_reader_v1
    (reader_key, occurred, position, patient_ordinal, patient_key, reader_system, reader_value, received, action, outcome,
     mode, break_glass, site, workstation, network_address, source, import_key, pair_key)
SELECT new_reader_key, occurred, position, patient_ordinal, patient_key, reader_system, reader_value, received, action, outcome,
       mode, break_glass, site, workstation, network_address, source, import_key, pair_key
FROM bench_replica
