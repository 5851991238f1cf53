-- Fills the patient-first table for one year of received time. Read by: TestRowsRead, BenchmarkWhoViewed.
INSERT INTO accesses_by_patient_v1
    (patient_key, occurred, position, patient_ordinal, patient, received, recorded_delay, codes, actor, labels, setting,
     object_values, objects, pair_key)
SELECT
    if(unresolved, 1, greatest(xxHash64(concat('urn:mrn|', patient)), 2)), at, pos, 0,
    if(unresolved, concat('\x1f\x1fName ', patient), concat('urn:mrn\x1f', patient, '\x1f')), at + 1, 0,
    -- A read, a success, deliberate, by a person, about one patient.
    1 + 256 + 65536 + 16777216 + bitShiftLeft(toUInt64(1), 40),
    concat('source', toString(i % 3), '\x1furn:staff\x1fu', reader, '\x1fName of ', reader, '\x1f\x1f\x1f\x1fDepartment ', toString(i % 40)),
    'pTREAT', concat('\x1f\x1f\x1f\x1fnorth\x1fws', toString(i % 1500), '\x1f\x1f'), [toString(i)], 'Observation\x1furn:o\x1f\x1f1',
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
