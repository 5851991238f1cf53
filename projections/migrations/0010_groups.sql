-- Who acts in which department and role. Rows from before this migration have no group until a rebuild.

-- GroupKey (keys.go) of the department and role that the event states of its reader; 0: it states neither. Read by: the profile of a
-- reader. Cost: next to nothing, because neighbours in reader order nearly always share it.
ALTER TABLE accesses_by_reader_vN ADD COLUMN IF NOT EXISTS group_key UInt64 CODEC(ZSTD(1));

CREATE OR REPLACE VIEW accesses_by_reader_fields_vN AS
SELECT
    reader_key, occurred, position, patient_ordinal, patient_key, reader, received, codes, site, workstation,
    network_address, source, import_key, pair_key, parts, sensitivity, group_key,
    if(parts = '', emptyArrayString(), arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), splitByChar('\x1f', parts))) AS part_names,
    if(sensitivity = '', emptyArrayString(), arrayMap(f -> replaceAll(replaceAll(f, '\x1eu', '\x1f'), '\x1er', '\x1e'), splitByChar('\x1f', sensitivity))) AS sensitivity_labels,
    replaceAll(replaceAll(splitByChar('\x1f', reader)[1], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_system,
    replaceAll(replaceAll(splitByChar('\x1f', reader)[2], '\x1eu', '\x1f'), '\x1er', '\x1e') AS reader_value,
    toUInt8(bitAnd(codes, 255)) AS action,
    toUInt8(bitAnd(bitShiftRight(codes, 8), 255)) AS outcome,
    toUInt8(bitAnd(bitShiftRight(codes, 16), 255)) AS mode,
    toBool(bitAnd(bitShiftRight(codes, 32), 1)) AS break_glass
FROM accesses_by_reader_vN;

-- Which readers acted in a department and role on a UTC day, at the smallest position that says so. It stands under the watermark of
-- the accesses, so that what is known at a position is in it. Group by the key: rows may not be merged yet.
-- Read by: the profile of a reader, to find the peers, whose rows are then read in reader order. Cost: the rows of one group and period,
-- rounded up to granules of 256. A row a reader, day and group takes 15 bytes of disk, 0.25 an event
-- where a reader makes 60 accesses a day.
CREATE TABLE IF NOT EXISTS reader_groups_vN
(
    group_key  UInt64                 CODEC(Delta(8), ZSTD(1)),
    day        Date                   CODEC(Delta(2), ZSTD(1)),
    reader_key UInt64                 CODEC(Delta(8), ZSTD(1)),
    -- System and value, as in accesses_by_reader_vN.
    reader     LowCardinality(String) CODEC(ZSTD(1)),
    -- Department and role as sent: the role's code, else its text.
    department LowCardinality(String) CODEC(ZSTD(1)),
    role       LowCardinality(String) CODEC(ZSTD(1)),
    position   SimpleAggregateFunction(min, UInt64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PRIMARY KEY (group_key, day, reader_key)
ORDER BY (group_key, day, reader_key, reader, department, role)
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
