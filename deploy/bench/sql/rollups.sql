-- What the rollups hold of one repetition, as the projector folds it.
INSERT INTO source_hours_v1 (source, hour, first_occurred, last_occurred, first_received, last_received, first_position, last_position)
SELECT source, toStartOfHour(occurred) AS hour, min(occurred), max(occurred), min(received), max(received), min(position), max(position)
FROM bench_replica
GROUP BY source, hour;

INSERT INTO source_extents_v1 (source, month, first_occurred, last_occurred, first_received, last_received, first_position, last_position)
SELECT source, toStartOfMonth(received) AS month, min(occurred), max(occurred), min(received), max(received), min(position), max(position)
FROM bench_replica
GROUP BY source, month;

INSERT INTO source_counts_v1 (source, hour, sequence, events, patientless, unresolved, break_glass, failed)
SELECT source, toStartOfHour(occurred) AS hour, intDiv(position, 4096) AS sequence, count(), countIf(patient_key = 0),
       countIf(patient_key = 1), countIf(break_glass), countIf(outcome > 1)
FROM bench_replica
WHERE patient_ordinal = 0
GROUP BY source, hour, sequence;

INSERT INTO reader_days_v1 (day, reader_key, patients, break_glass)
SELECT toDate(occurred) AS day, new_reader_key, groupUniqArrayIf(toUInt32(bitAnd(patient_key, 4294967295)), patient_key > 1),
       max(toUInt8(break_glass))
FROM bench_replica
WHERE new_reader_key > 0
GROUP BY day, new_reader_key;

INSERT INTO patient_days_v1 (day, patient_key, readers)
SELECT toDate(occurred) AS day, patient_key, groupUniqArrayIf(toUInt32(bitAnd(new_reader_key, 4294967295)), new_reader_key > 0)
FROM bench_replica
WHERE patient_key > 1
GROUP BY day, patient_key;

INSERT INTO first_seen_v1 (reader_key, patient_key, occurred, position)
SELECT new_reader_key, patient_key, min(occurred), min(position)
FROM bench_replica
WHERE new_reader_key > 0 AND patient_key > 1
GROUP BY new_reader_key, patient_key;

INSERT INTO reader_groups_v1 (group_key, day, reader_key, reader, department, role, position)
SELECT group_key, toDate(occurred) AS day, new_reader_key, concat(reader_system, '\x1f', reader_value) AS packed, any(g.department), any(g.role),
       min(position)
FROM bench_replica
INNER JOIN bench_groups AS g USING (group_key)
WHERE new_reader_key > 0 AND group_key > 0
GROUP BY group_key, day, new_reader_key, packed;

INSERT INTO place_readers_v1 (place_key, month, reader_key, days, position)
SELECT place, toStartOfMonth(occurred) AS month, new_reader_key, groupBitOr(bitShiftLeft(toUInt32(1), toDayOfMonth(occurred) - 1)), min(position)
FROM bench_replica
ARRAY JOIN
    [
        if(workstation = '', 0, greatest(xxHash64(concat('workstation|', workstation)), 2)),
        if(network_address = '', 0, greatest(xxHash64(concat('address|', network_address)), 2))
    ] AS place
WHERE patient_ordinal = 0 AND place > 0
GROUP BY place, month, new_reader_key
