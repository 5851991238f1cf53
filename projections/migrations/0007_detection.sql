-- What detectors found, and what people decided on it. verdicts, judged and findings are folded from the FINDINGS stream, alerts
-- from ALERTS, each under a watermark of its own that counts messages of its stream ("findings", "alerts"). What people decided,
-- and what else stands in the journal, is folded with the accesses.
--
-- `cause` is the journal position of the entry that made detectors judge: `cause <= P` is what was known at P (--as-of). `sequence`
-- is the message of the stream, by which recovery finds what stands above the watermark. `at` is the received time of the cause;
-- a run of messages is of one year of it, so that each insert touches one partition and is one part.

-- The verdict on an access: a row for each patient of the event, and once more when a later fact changed it. The row of the
-- largest cause holds.
-- Read by: every list of accesses, by position. Accesses of one record lie far apart, so each costs a granule: it is small. Cost: 128
-- rows an access, of 8 bytes in the blocks that are opened. 60 million verdicts a month take 1 to 2 bytes each.
CREATE TABLE IF NOT EXISTS verdicts_vN
(
    position    UInt64               CODEC(Delta(8), ZSTD(1)),
    -- Which of the event's distinct patients it is about: accesses_by_patient_vN.patient_ordinal.
    patient     UInt16               CODEC(ZSTD(1)),
    cause       UInt64               CODEC(Delta(8), ZSTD(1)),
    -- Numbers of Verdict and Explanation in proto/readtrail/v1/detection.proto.
    verdict     UInt8                CODEC(ZSTD(1)),
    explanation UInt8                CODEC(ZSTD(1)),
    -- Its day was closed; false: a sign did not wait for the end of the day, and a later row follows.
    closed      Bool                 CODEC(ZSTD(1)),
    sequence    UInt64               CODEC(Delta(8), ZSTD(1)),
    at          DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),

    INDEX sequence_range sequence TYPE minmax GRANULARITY 64
)
ENGINE = MergeTree
PARTITION BY toYear(at)
PRIMARY KEY position
ORDER BY (position, patient, cause)
SETTINGS index_granularity = 128, min_compress_block_size = 4096,
         min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- What a message of FINDINGS says of itself: which day was judged, by which rules, and which context was missing. The last messages
-- of their causes are the low-water marks, and stand together.
-- Read by: every answer header (how far detectors have judged), the context that was missing for a verdict. Cost: a row a cause.
CREATE TABLE IF NOT EXISTS judged_vN
(
    last     Bool,
    cause    UInt64               CODEC(Delta(8), ZSTD(1)),
    ordinal  UInt32               CODEC(ZSTD(1)),
    sequence UInt64               CODEC(Delta(8), ZSTD(1)),
    -- Local day of the site.
    day      Date,
    at       DateTime64(6, 'UTC'),
    -- The day was over and judged as a whole.
    closed   Bool,
    backfill Bool,
    -- Hexadecimal.
    rule_set LowCardinality(String),
    missing  Array(LowCardinality(String)),
    verdicts UInt32,
    findings UInt32,

    INDEX sequence_range sequence TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
ORDER BY (last, cause, ordinal, sequence)
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Findings, each as it was made. reader_key and patient_key are keys as in the path tables; 0 where the unit has none.
-- Read by: the search for findings, the scorecard of detectors. Cost: the rows of the days asked for; by reader or record the
-- granules of 256 that their filters leave.
CREATE TABLE IF NOT EXISTS findings_vN
(
    day            Date                    CODEC(Delta(2), ZSTD(1)),
    detector       LowCardinality(String)  CODEC(ZSTD(1)),
    sequence       UInt64                  CODEC(Delta(8), ZSTD(1)),
    -- Place in its message, from 0.
    number         UInt32                  CODEC(Delta(4), ZSTD(1)),
    cause          UInt64                  CODEC(Delta(8), ZSTD(1)),
    grade          UInt32                  CODEC(ZSTD(1)),
    words          String                  CODEC(ZSTD(1)),
    reader_key     UInt64                  CODEC(ZSTD(1)),
    reader_system  LowCardinality(String)  CODEC(ZSTD(1)),
    reader_value   String                  CODEC(ZSTD(1)),
    patient_key    UInt64                  CODEC(ZSTD(1)),
    patient_system LowCardinality(String)  CODEC(ZSTD(1)),
    patient_value  String                  CODEC(ZSTD(1)),
    positions      Array(UInt64)           CODEC(Delta(8), ZSTD(1)),
    -- How many other accesses the unit has.
    more           UInt32                  CODEC(ZSTD(1)),
    rule_set       LowCardinality(String)  CODEC(ZSTD(1)),
    at             DateTime64(6, 'UTC')    CODEC(Delta(8), ZSTD(1)),
    -- Its day was closed when it was made.
    closed         Bool                    CODEC(ZSTD(1)),
    backfill       Bool                    CODEC(ZSTD(1)),

    INDEX sequence_range sequence    TYPE minmax             GRANULARITY 16,
    INDEX readers        reader_key  TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX patients       patient_key TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYear(at)
ORDER BY (day, detector, sequence, number)
SETTINGS index_granularity = 256,
         min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Versions of alerts and of candidates that are not shown. The latest version of an alert_id holds; all its versions are of one day,
-- because the id is made from the day.
-- Read by: the queue of a day or a range, one alert with its versions. Cost: light columns of the versions of the days asked for,
-- bodies of the rows shown only; by reader or record the granules of 256 that their filters leave.
CREATE TABLE IF NOT EXISTS alerts_vN
(
    day          Date                           CODEC(Delta(2), ZSTD(1)),
    -- KSUID text.
    alert_id     String                         CODEC(ZSTD(1)),
    version      UInt32                         CODEC(ZSTD(1)),
    sequence     UInt64                         CODEC(Delta(8), ZSTD(1)),
    cause        UInt64                         CODEC(Delta(8), ZSTD(1)),
    at           DateTime64(6, 'UTC')           CODEC(Delta(8), ZSTD(1)),
    -- Numbers of AlertState, Shape and Severity in proto/readtrail/v1/detection.proto.
    state        UInt8                          CODEC(ZSTD(1)),
    shape        UInt8                          CODEC(ZSTD(1)),
    severity     UInt8                          CODEC(ZSTD(1)),
    scenario     LowCardinality(String)         CODEC(ZSTD(1)),
    score        Int32                          CODEC(ZSTD(1)),
    -- Per mille.
    chance       UInt16                         CODEC(ZSTD(1)),
    rank         UInt32                         CODEC(ZSTD(1)),
    shown        Bool                           CODEC(ZSTD(1)),
    sampled      Bool                           CODEC(ZSTD(1)),
    hard         Bool                           CODEC(ZSTD(1)),
    backfill     Bool                           CODEC(ZSTD(1)),
    queue        LowCardinality(String)         CODEC(ZSTD(1)),
    detectors    Array(LowCardinality(String))  CODEC(ZSTD(1)),
    reader_keys  Array(UInt64)                  CODEC(ZSTD(1)),
    patient_keys Array(UInt64)                  CODEC(ZSTD(1)),
    -- The AlertVersion, serialised.
    body         String                         CODEC(ZSTD(3)),

    INDEX sequence_range sequence     TYPE minmax             GRANULARITY 16,
    INDEX ids            alert_id     TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX readers        reader_keys  TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX patients       patient_keys TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYear(at)
ORDER BY (day, alert_id, version)
SETTINGS index_granularity = 256,
         min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- What people decided on alerts; the row of the largest position of an alert_id holds, all are kept. Read by: the queue, one alert,
-- the scorecard. Cost: a few rows an alert that was looked at.
CREATE TABLE IF NOT EXISTS decisions_vN
(
    -- KSUID text.
    alert_id    String,
    position    UInt64,
    received    DateTime64(6, 'UTC'),
    -- The version of the alert that was looked at.
    version     UInt32,
    -- Number of Disposition in proto/readtrail/v1/detection.proto.
    disposition UInt8,
    comment     String CODEC(ZSTD(1)),
    asker       String,
    role        LowCardinality(String),
    decided     DateTime64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (alert_id, position)
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Imports whose alerts an officer lets notify. Read by: one alert of a backfill. Cost: a row an import.
CREATE TABLE IF NOT EXISTS backfill_releases_vN
(
    import_key UInt64,
    position   UInt64,
    received   DateTime64(6, 'UTC'),
    -- Hexadecimal.
    import_id  String,
    asker      String
)
ENGINE = MergeTree
ORDER BY (import_key, position)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Context that detectors need and that became absent or stale, or came back; the row of the largest position of a context holds.
-- Read by: every answer header. Cost: a row a change.
CREATE TABLE IF NOT EXISTS context_gaps_vN
(
    context  LowCardinality(String),
    position UInt64,
    received DateTime64(6, 'UTC'),
    absent   Bool,
    -- 1970-01-01: there never was any.
    newest   DateTime64(6, 'UTC'),
    blind    Array(String)
)
ENGINE = MergeTree
ORDER BY (context, position)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Rule sets: code, configuration, weights and calendars in force from a position on. Read by: who looks by hand. Cost: a few rows.
CREATE TABLE IF NOT EXISTS rule_sets_vN
(
    -- Hexadecimal.
    hash     String,
    position UInt64,
    received DateTime64(6, 'UTC'),
    code     String,
    config   String CODEC(ZSTD(1)),
    weights  String CODEC(ZSTD(1)),
    asker    String
)
ENGINE = MergeTree
ORDER BY position
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
