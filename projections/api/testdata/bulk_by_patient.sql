-- Fills the patient-first table for one year of received time. Read by: TestRowsRead, BenchmarkWhoViewed.
INSERT INTO accesses_by_patient_v1
    (patient_key, occurred, position, patient_ordinal, patient_count, patient_system, patient_value, patient_text, received,
     recorded_delay, action, outcome, mode, reader_system, reader_value, reader_name, reader_type, department, object_types,
     object_systems, object_values, object_names, object_counts, workstation, site, source, purposes, pair_key)
SELECT
    if(unresolved, 1, greatest(xxHash64(concat('urn:mrn|', patient)), 2)), at, pos, 0, 1,
    if(unresolved, '', 'urn:mrn'), if(unresolved, '', patient), if(unresolved, concat('Name ', patient), ''), at + 1,
    0, 1, 1, 1, 'urn:staff', concat('u', reader), concat('Name of ', reader), 1, concat('Department ', toString(i % 40)), ['Observation'],
    ['urn:o'], [toString(i)], [''], [1], concat('ws', toString(i % 1500)), 'north', concat('source', toString(i % 3)), ['TREAT'],
    (i / 2) % 1000000
FROM
(
    SELECT
        number + {year:UInt64} * {rows:UInt64} AS i,
        toDateTime64('2016-01-01 00:00:00', 6, 'UTC') + toIntervalDay({year:UInt64} * 365)
            + toIntervalSecond(intDiv(number * 31536000, {rows:UInt64})) AS at,
        (intDiv(i, 500) + 2) * 4096 + i % 500 AS pos,
        toString(cityHash64(i) % {patients:UInt64}) AS patient,
        toString(cityHash64(i, 1) % {readers:UInt64}) AS reader,
        i % 200 = 0 AS unresolved
    FROM numbers({rows:UInt64})
)
