-- The two path tables. Each holds every access event once per patient it names, identified by position; count() is
-- exact and needs no FINAL, because the projector inserts each position once (recovery asks which are there).
--
-- Keys are xxHash64 of "system|value" (proto.Key), at least 2; the identifier stands beside the key, so that a
-- question filters collisions by it. patient_key 0: the event names no patient (a login, a search). patient_key 1: the
-- patient is unresolved, there is only patient_text. reader_key 0: no reader was named.
--
-- Partitions are years of *received*: one insert touches one partition, and nothing expires. No event id: it would
-- cost 20 bytes in each table; it stands in the journal at the position.
--
-- `received` never falls as position rises, so `position <= P` and `received <= t` cut alike (--as-of).
-- Enumerations are the numbers of proto/readtrail/v1/access.proto.
--
-- LowCardinality is for what has hundreds of values. A question that reads one granule of such a column unpacks the dictionary of
-- the part, of up to 8,192 values: with thousands of readers that took as long as all the rest of a record.
--
-- Codecs, measured on a million accesses of a synthetic hospital with times in milliseconds: GCD before Delta takes the
-- three decimals that sources do not fill (1.3 bytes in each table). Both tables together take about 31 bytes an event, of
-- which 3.3 each are the random part of occurred.

-- Patient first. Read by: who-viewed (patient_key, then occurred), search by object, one access by
-- (patient_key, occurred, position). Cost: granules of 512 rows, a few per part for one patient.
--
-- What a question reads costs per column and part, not per byte: a page of accesses with a column a field took four times
-- the time of this. So fields that are read together are packed into one text each, behind separators (0x1F; packed.go
-- escapes it inside a value), and codes into one number. A dictionary of packed texts also takes less than those of their
-- fields: a reader has one name, role and department. The fields are columns of a view, for searches and for people: as
-- aliases of the table, each statement would analyse all forty of them, which took longer than to read a record.
CREATE TABLE IF NOT EXISTS accesses_by_patient_vN
(
    patient_key     UInt64                 CODEC(Delta(8), ZSTD(1)),
    occurred        DateTime64(6, 'UTC')   CODEC(GCD, Delta(8), ZSTD(1)),
    position        UInt64                 CODEC(Delta(8), ZSTD(1)),
    -- Place of the patient among the event's distinct patients, from 0: countIf(patient_ordinal = 0) counts events.
    patient_ordinal UInt16                 CODEC(ZSTD(1)),
    -- System, value, text.
    patient         String                 CODEC(ZSTD(1)),
    received        DateTime64(6, 'UTC')   CODEC(GCD, Delta(8), ZSTD(1)),
    -- Microseconds from occurred to recorded; the smallest Int64 when the source stated no recorded time.
    recorded_delay  Int64                  CODEC(ZSTD(1)),
    -- Action, outcome, mode and type of the reader, a byte each from the lowest; then break-glass, a byte; then how many
    -- distinct patients the event names, which stays at 65,535 beyond it.
    codes           UInt64                 CODEC(ZSTD(1)),
    -- Source, then the reader: system, value, name, system, code and display of the role, department. System and value are
    -- the identifier that keys the reader: the first one, else ("source:<name>#name", the name as sent).
    actor           String                 CODEC(ZSTD(1)),
    -- Each behind a letter: p purpose (code, else display, as sent), s sensitivity of the event or an object, f flag, as the
    -- adapter set it; "conflict" is added when the id was seen before with other content.
    labels          LowCardinality(String) CODEC(ZSTD(1)),
    -- Action code, application (name, else identifier value), on behalf of, organization, site, workstation, network
    -- address, system of the encounter.
    setting         LowCardinality(String) CODEC(ZSTD(1)),
    -- One element an object, in the event's order. Objects and labels stand in each row of the event, but in the first one
    -- only when there would be more than 64,000 of them.
    object_values   Array(String)          CODEC(ZSTD(1)),
    -- Type, system, name and count of each object; the count is empty when none is stated.
    objects         String                 CODEC(ZSTD(1)),
    encounter_value String                 CODEC(ZSTD(1)),
    -- 0 came live; else imports_vN.import_key of the import that brought it (backfill or not stands there).
    import_key      UInt64                 CODEC(ZSTD(1)),
    -- 40 bits of xxHash64(request id); 0: the event states none. Two events with equal keys, about one patient, of like
    -- action and close in time, report one access. Constant request ids exist in the field, so an equal key alone pairs
    -- nothing.
    pair_key        UInt64                 CODEC(ZSTD(1)),

    INDEX position_range      position      TYPE minmax             GRANULARITY 16,
    INDEX object_value_filter object_values TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYear(received)
PRIMARY KEY (patient_key, occurred)
ORDER BY (patient_key, occurred, position, patient_ordinal)
SETTINGS index_granularity = 512,
         -- A question unpacks one granule of a column, not 64 KB: a third less processor time to read a record, for a tenth
         -- more bytes.
         min_compress_block_size = 4096,
         -- A year that is over becomes one part, a day after its last row came: every part costs every question.
         min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Reader first, narrow. Read by: a reader's activity (list and counts), breach scopes and their exports, search by
-- workstation, address and site (a reader uses few of them, so their filters prune here and would not in patient order). Details of a row come from
-- accesses_by_patient_vN by (patient_key, occurred, position). Cost: granules of 1,024 rows, a few per part for one
-- reader and month.
CREATE TABLE IF NOT EXISTS accesses_by_reader_vN
(
    reader_key      UInt64                 CODEC(Delta(8), ZSTD(1)),
    occurred        DateTime64(6, 'UTC')   CODEC(GCD, Delta(8), ZSTD(1)),
    position        UInt64                 CODEC(Delta(8), ZSTD(1)),
    patient_ordinal UInt16                 CODEC(ZSTD(1)),
    patient_key     UInt64                 CODEC(ZSTD(1)),
    -- System and value of the reader, packed as in accesses_by_patient_vN; codes as there.
    reader          String                 CODEC(ZSTD(1)),
    received        DateTime64(6, 'UTC')   CODEC(GCD, Delta(8), ZSTD(1)),
    codes           UInt64                 CODEC(ZSTD(1)),
    site            LowCardinality(String) CODEC(ZSTD(1)),
    workstation     String                 CODEC(ZSTD(1)),
    network_address String                 CODEC(ZSTD(1)),
    source          LowCardinality(String) CODEC(ZSTD(1)),
    import_key      UInt64                 CODEC(ZSTD(1)),
    pair_key        UInt64                 CODEC(ZSTD(1)),
    -- Distinct types of the event's objects, and distinct sensitivity labels of the event and its objects: sorted, each behind
    -- a separator as in the patient-first table. A breach scope asks what a reader saw in a year: from there it would be
    -- a granule an access. At most 100 of each and 2,000 bytes; the patient-first table has them all.
    parts           LowCardinality(String) CODEC(ZSTD(1)),
    sensitivity     LowCardinality(String) CODEC(ZSTD(1)),

    INDEX position_range   position        TYPE minmax             GRANULARITY 16,
    INDEX workstations     workstation     TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX addresses        network_address TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX sites            site            TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX sources          source          TYPE bloom_filter(0.01) GRANULARITY 2
)
ENGINE = MergeTree
PARTITION BY toYear(received)
PRIMARY KEY (reader_key, occurred)
ORDER BY (reader_key, occurred, position, patient_ordinal)
SETTINGS index_granularity = 1024,
         -- A year that is over becomes one part, a day after its last row came: every part costs every question.
         min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- The fields of the packed columns, each as its event said it: what packed.go escapes is undone. Read by: searches, whoever looks
-- by hand.
CREATE VIEW IF NOT EXISTS accesses_by_patient_fields_vN AS
SELECT
    patient_key, occurred, position, patient_ordinal, received, recorded_delay, codes, patient, actor, labels,
    setting, objects, object_values, encounter_value, import_key, pair_key,
    replaceAll(replaceAll(splitByChar('\x1f', patient)[1], '\x1eu', '\x1f'), '\x1er', '\x1e') AS patient_system,
    replaceAll(replaceAll(splitByChar('\x1f', patient)[2], '\x1eu', '\x1f'), '\x1er', '\x1e') AS patient_value,
    replaceAll(replaceAll(splitByChar('\x1f', patient)[3], '\x1eu', '\x1f'), '\x1er', '\x1e') AS patient_text,
    toUInt16(bitAnd(bitShiftRight(codes, 40), 65535)) AS patient_count,
    if(recorded_delay = -9223372036854775808, toDateTime64(0, 6, 'UTC'), addMicroseconds(occurred, recorded_delay)) AS recorded,
    toUInt8(bitAnd(codes, 255)) AS action,
    toUInt8(bitAnd(bitShiftRight(codes, 8), 255)) AS outcome,
    toUInt8(bitAnd(bitShiftRight(codes, 16), 255)) AS mode,
    toUInt8(bitAnd(bitShiftRight(codes, 24), 255)) AS reader_type,
    toBool(bitAnd(bitShiftRight(codes, 32), 1)) AS break_glass,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[1], '\x1eu', '\x1f'), '\x1er', '\x1e') AS source,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[2], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_system,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[3], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_value,
    if(reader_value = '', 0, greatest(xxHash64(concat(reader_system, '|', reader_value)), 2)) AS reader_key,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[4], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_name,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[5], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_role_system,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[6], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_role,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[7], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_role_display,
    replaceAll(replaceAll(splitByChar('\x1f', actor)[8], '\x1eu', '\x1f'), '\x1er', '\x1e') AS department,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[1], '\x1eu', '\x1f'), '\x1er', '\x1e') AS action_code,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[2], '\x1eu', '\x1f'), '\x1er', '\x1e') AS application,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[3], '\x1eu', '\x1f'), '\x1er', '\x1e') AS on_behalf_of,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[4], '\x1eu', '\x1f'), '\x1er', '\x1e') AS organization,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[5], '\x1eu', '\x1f'), '\x1er', '\x1e') AS site,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[6], '\x1eu', '\x1f'), '\x1er', '\x1e') AS workstation,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[7], '\x1eu', '\x1f'), '\x1er', '\x1e') AS network_address,
    replaceAll(replaceAll(splitByChar('\x1f', setting)[8], '\x1eu', '\x1f'), '\x1er', '\x1e') AS encounter_system,
    arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), arrayMap(l -> substring(l, 2), arrayFilter(l -> startsWith(l, 'p'), splitByChar('\x1f', labels)))) AS purposes,
    arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), arrayMap(l -> substring(l, 2), arrayFilter(l -> startsWith(l, 's'), splitByChar('\x1f', labels)))) AS sensitivity,
    arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), arrayMap(l -> substring(l, 2), arrayFilter(l -> startsWith(l, 'f'), splitByChar('\x1f', labels)))) AS flags,
    if(objects = '', emptyArrayString(), arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), arrayFilter((f, i) -> i % 4 = 1, splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects))))) AS object_types,
    arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), arrayFilter((f, i) -> i % 4 = 2, splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects)))) AS object_systems,
    arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), arrayFilter((f, i) -> i % 4 = 3, splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects)))) AS object_names,
    arrayMap(c -> toUInt32OrZero(c), arrayFilter((f, i) -> i % 4 = 0, splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects)))) AS object_counts
FROM accesses_by_patient_vN;

CREATE VIEW IF NOT EXISTS accesses_by_reader_fields_vN AS
SELECT
    reader_key, occurred, position, patient_ordinal, patient_key, reader, received, codes, site, workstation,
    network_address, source, import_key, pair_key, parts, sensitivity,
    if(parts = '', emptyArrayString(), arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), splitByChar('\x1f', parts))) AS part_names,
    if(sensitivity = '', emptyArrayString(), arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), splitByChar('\x1f', sensitivity))) AS sensitivity_labels,
    replaceAll(replaceAll(splitByChar('\x1f', reader)[1], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_system,
    replaceAll(replaceAll(splitByChar('\x1f', reader)[2], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_value,
    toUInt8(bitAnd(codes, 255)) AS action,
    toUInt8(bitAnd(bitShiftRight(codes, 8), 255)) AS outcome,
    toUInt8(bitAnd(bitShiftRight(codes, 16), 255)) AS mode,
    toBool(bitAnd(bitShiftRight(codes, 32), 1)) AS break_glass
FROM accesses_by_reader_vN;
