-- One repetition, into both path tables. Cost: the inserts of a million rows and more.
INSERT INTO accesses_by_patient_v1
SELECT * EXCEPT (new_reader_key, patient_system, patient_value, reader_system, reader_value, action, outcome, mode, break_glass,
    site, workstation, network_address, source, group_key)
FROM bench_replica;

INSERT INTO accesses_by_reader_v1
    (reader_key, occurred, position, patient_ordinal, patient_key, reader, received, codes, site, workstation, network_address,
     source, import_key, pair_key, group_key, parts, sensitivity)
SELECT new_reader_key, occurred, position, patient_ordinal, patient_key, concat(reader_system, '\x1f', reader_value), received, codes,
       site, workstation, network_address, source, import_key, pair_key, group_key,
       arrayStringConcat(arraySort(arrayDistinct(arrayFilter(t -> t != '', arrayFilter((f, i) -> i % 4 = 1,
           splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects)))))), '\x1f'),
       arrayStringConcat(arraySort(arrayMap(l -> substring(l, 2), arrayFilter(l -> startsWith(l, 's'), splitByChar('\x1f', labels)))), '\x1f')
FROM bench_replica
