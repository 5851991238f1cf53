-- Rollups, filled by the projector 'rollups' with its own watermark. They hold only idempotent states (min, max, sets):
-- folding a message twice changes nothing, so recovery simply folds everything above the watermark again. Rows may not
-- be merged yet: always group by the key. They cannot answer --as-of.

-- Extent of what a source sent, by the hour it occurred in. Read by: coverage of a month in progress or of an --as-of, dashboards.
CREATE TABLE IF NOT EXISTS source_hours_vN
(
    source         LowCardinality(String),
    hour           DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    first_occurred SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last_occurred  SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    first_received SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last_received  SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    first_position SimpleAggregateFunction(min, UInt64),
    last_position  SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (source, hour)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Extent of what a source sent, by the month it was received in: a few rows a source and year, where source_hours_vN has
-- thousands. Read by: coverage in every answer header; a month that goes on beyond the asked position is read from
-- source_hours_vN instead.
CREATE TABLE IF NOT EXISTS source_extents_vN
(
    source         LowCardinality(String),
    month          Date,
    first_occurred SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last_occurred  SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    first_received SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last_received  SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    first_position SimpleAggregateFunction(min, UInt64),
    last_position  SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (source, month)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Exact counts of events by source and hour. The key holds the message's sequence, and what one message counts never
-- changes: max() of it is idempotent where a sum would not be. A question sums over
--   (SELECT source, hour, sequence, max(events) AS events ... GROUP BY source, hour, sequence).
-- Read by: dashboards, ListSources.
CREATE TABLE IF NOT EXISTS source_counts_vN
(
    source      LowCardinality(String) CODEC(ZSTD(1)),
    hour        DateTime('UTC')        CODEC(Delta(4), ZSTD(1)),
    sequence    UInt64                 CODEC(Delta(8), ZSTD(1)),
    events      SimpleAggregateFunction(max, UInt16) CODEC(ZSTD(1)),
    -- Events that name no patient; events with a patient known by text only.
    patientless SimpleAggregateFunction(max, UInt16) CODEC(ZSTD(1)),
    unresolved  SimpleAggregateFunction(max, UInt16) CODEC(ZSTD(1)),
    break_glass SimpleAggregateFunction(max, UInt16) CODEC(ZSTD(1)),
    failed      SimpleAggregateFunction(max, UInt16) CODEC(ZSTD(1)),
    INDEX sequence_range sequence TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (source, hour, sequence)
SETTINGS index_granularity = 8192,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Which records a reader touched on a UTC day (many records). Read by: dashboards.
CREATE TABLE IF NOT EXISTS reader_days_vN
(
    day         Date   CODEC(Delta(2), ZSTD(1)),
    reader_key  UInt64 CODEC(Delta(8), ZSTD(1)),
    -- Low 32 bits of the patient keys: a set for counting, a sketch beyond 10,000 records a day.
    patients    SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32)) CODEC(ZSTD(1)),
    break_glass SimpleAggregateFunction(max, UInt8) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (day, reader_key)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Which readers touched a record on a UTC day (many readers). Read by: dashboards.
CREATE TABLE IF NOT EXISTS patient_days_vN
(
    day         Date   CODEC(Delta(2), ZSTD(1)),
    patient_key UInt64 CODEC(Delta(8), ZSTD(1)),
    -- Low 32 bits of the reader keys.
    readers     SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (day, patient_key)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- When a reader first touched a record. Read by: the "new relationship" column of dashboards and case views.
CREATE TABLE IF NOT EXISTS first_seen_vN
(
    reader_key  UInt64 CODEC(Delta(8), ZSTD(1)),
    patient_key UInt64 CODEC(Delta(8), ZSTD(1)),
    occurred    SimpleAggregateFunction(min, DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)),
    position    SimpleAggregateFunction(min, UInt64)               CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (reader_key, patient_key)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
