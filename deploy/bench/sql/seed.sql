-- The pattern that the generated years repeat: what was really imported, in order of time. Run once, before bench_replica.
-- SELECT * on purpose here and in the other files: the copies have the columns of the tables, whatever those are. Fields that
-- are packed there are columns here, for the table by reader and the rollups.
CREATE TABLE bench_seed ENGINE = MergeTree ORDER BY n AS
SELECT accesses_by_patient_v1.*, splitByChar('\x1f', patient)[1] AS patient_system, splitByChar('\x1f', patient)[2] AS patient_value,
    splitByChar('\x1f', actor)[2] AS reader_system, splitByChar('\x1f', actor)[3] AS reader_value, toUInt8(bitAnd(codes, 255)) AS action,
    toUInt8(bitAnd(bitShiftRight(codes, 8), 255)) AS outcome, toUInt8(bitAnd(bitShiftRight(codes, 16), 255)) AS mode,
    bitAnd(bitShiftRight(codes, 32), 1) = 1 AS break_glass, splitByChar('\x1f', setting)[5] AS site,
    splitByChar('\x1f', setting)[6] AS workstation, splitByChar('\x1f', setting)[7] AS network_address,
    splitByChar('\x1f', actor)[1] AS source, groups.group_key AS group_key,
    toUInt64(dense_rank() OVER (ORDER BY occurred, position) - 1) AS n
FROM accesses_by_patient_v1
LEFT JOIN (SELECT position, any(group_key) AS group_key FROM accesses_by_reader_v1 GROUP BY position) AS groups USING (position);

CREATE TABLE bench_groups ENGINE = MergeTree ORDER BY tuple() AS
SELECT group_key, any(department) AS department, any(role) AS role FROM reader_groups_v1 GROUP BY group_key;

CREATE TABLE bench_identities ENGINE = MergeTree ORDER BY tuple() AS
SELECT kind, text, splitByChar('\x1f', said) AS fields FROM identities_v1 WHERE kind != 3;

-- One row a repetition; the last one is what bench_replica shows.
--   k                  number of the repetition
--   slot, generation   which of the populations of patients and of readers it is about
--   first_n            number of its first event, first_sequence that of the first generated message
--   every, remainder   every event of the pattern (1, 0), or a share of it
--   shift              microseconds from the pattern's time to the repetition's; scatter > 0: anywhere within so many
--                      microseconds after since instead
--   received, pace     received time of event 0 and microseconds from event to event
CREATE TABLE bench_at
(
    k UInt32, slot UInt32, generation UInt32, first_n UInt64, first_sequence UInt64, every UInt32, remainder UInt32,
    shift Int64, scatter UInt64, since Int64, received Int64, pace Float64
)
ENGINE = MergeTree ORDER BY k;

CREATE VIEW bench_replica AS
WITH
    (SELECT argMax(tuple(slot, generation, first_n, first_sequence, every, remainder, shift, scatter, since, received, pace), k)
     FROM bench_at) AS at,
    at.3 + intDiv(n, greatest(at.5, 1)) AS number,
    at.4 + intDiv(number, 4096) AS sequence,
    if(patient_value = '', '', concat(patient_value, '-', toString(at.1))) AS new_patient,
    if(reader_value = '', '', concat(reader_value, '-', toString(at.2))) AS new_reader
SELECT
    * EXCEPT (n) REPLACE
    (
        if(patient_key < 2, patient_key, greatest(xxHash64(concat(patient_system, '|', new_patient)), 2)) AS patient_key,
        if(patient_value = '', patient, replaceOne(patient, concat('\x1f', patient_value), concat('\x1f', new_patient))) AS patient,
        if(reader_value = '', actor, replaceOne(actor, concat('\x1f', reader_value), concat('\x1f', new_reader))) AS actor,
        new_patient AS patient_value,
        new_reader AS reader_value,
        if(at.8 > 0, fromUnixTimestamp64Micro(at.9 + toInt64(cityHash64(n) % greatest(at.8, 1)), 'UTC'), addMicroseconds(occurred, at.7)) AS occurred,
        sequence * 4096 + number % 4096 AS position,
        fromUnixTimestamp64Micro(at.10 + toInt64(intDiv(number, 4096) * 4096 * at.11), 'UTC') AS received,
        arrayMap(v -> if(v = '', '', concat(v, toString(number % 100))), object_values) AS object_values,
        if(encounter_value = '', '', concat(encounter_value, '-', toString(at.1))) AS encounter_value,
        if(pair_key = 0, 0, greatest(bitShiftRight(xxHash64(pair_key, at.3), 24), 1)) AS pair_key
    ),
    if(new_reader = '', 0, greatest(xxHash64(concat(reader_system, '|', new_reader)), 2)) AS new_reader_key
FROM bench_seed
WHERE n % greatest(at.5, 1) = at.6
