-- Everything in the journal that is neither an access nor context: one row an entry (questions: one a subject), by
-- position. Few rows; each table is read whole or by its first column.

-- Read by: dead letter lists, counts by source and reason. GetDeadLetter opens the journal at the position.
CREATE TABLE IF NOT EXISTS dead_letters_vN
(
    position   UInt64,
    received   DateTime64(6, 'UTC'),
    -- KSUID text.
    event_id   String,
    source     LowCardinality(String),
    reason     LowCardinality(String),
    message    String CODEC(ZSTD(1)),
    element    LowCardinality(String),
    origin     LowCardinality(String),
    line       UInt64,
    column     UInt64,
    size_bytes UInt64,
    format     LowCardinality(String),
    import_key UInt64
)
ENGINE = MergeTree
ORDER BY position
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Read beside dead_letters_vN. event_id '' and event_position 0: it failed again, and reason says why.
CREATE TABLE IF NOT EXISTS dead_letter_retries_vN
(
    dead_letter_position UInt64,
    position             UInt64,
    received             DateTime64(6, 'UTC'),
    dead_letter_id       String,
    event_id             String,
    event_position       UInt64,
    reason               LowCardinality(String),
    asker                String
)
ENGINE = MergeTree
ORDER BY (dead_letter_position, position)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Looks through Readtrail: one row a subject (the identifier asked for and each one followed); subject_key 0 when the
-- question names nobody. Read by: the looks of who-viewed, by subject_key; distinct looks are distinct question_ids.
CREATE TABLE IF NOT EXISTS questions_vN
(
    subject_key     UInt64,
    position        UInt64,
    -- Place among the question's distinct subjects, from 0.
    ordinal         UInt32,
    -- 0 nobody, 1 patient, 2 reader.
    subject_kind    UInt8,
    subject_system  LowCardinality(String),
    subject_value   String CODEC(ZSTD(1)),
    received        DateTime64(6, 'UTC'),
    -- KSUID text.
    question_id     String,
    asker           String,
    role            LowCardinality(String),
    query           LowCardinality(String),
    purpose         String CODEC(ZSTD(1)),
    rows            UInt64,
    page            UInt32,
    answer_position UInt64,
    summary         Bool,
    asked           DateTime64(6, 'UTC'),
    INDEX position_range position TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
ORDER BY (subject_key, position, ordinal)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Registrations of sources; the row with the largest position of a name holds. Credential hashes stay in the journal.
-- Read by: every answer header.
CREATE TABLE IF NOT EXISTS sources_vN
(
    name               LowCardinality(String),
    position           UInt64,
    received           DateTime64(6, 'UTC'),
    owner              String,
    time_zone          String,
    identity_policy    UInt8,
    base_url           String,
    systems            Array(String),
    expected_silence_s UInt32,
    disabled           Bool,
    asker              String,
    patient_system     String,
    reader_system      String,
    pair_within_s      UInt32
)
ENGINE = MergeTree
ORDER BY (name, position)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Coverage facts. A later fact of the same (source, kind, since) replaces the earlier one: that is how a gap closes.
-- Read by: every answer header. `until` is 1970-01-01 while the gap is open.
CREATE TABLE IF NOT EXISTS coverage_vN
(
    source   LowCardinality(String),
    kind     UInt8,
    since    DateTime64(6, 'UTC'),
    position UInt64,
    until    DateTime64(6, 'UTC'),
    amount   Int64,
    received DateTime64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (source, kind, since, position)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Begin (phase 1) and end (phase 2) of imports. An access is backfill when its import_key has a row here with backfill.
CREATE TABLE IF NOT EXISTS imports_vN
(
    import_key   UInt64,
    position     UInt64,
    received     DateTime64(6, 'UTC'),
    -- Hexadecimal.
    import_id    String,
    phase        UInt8,
    source       LowCardinality(String),
    backfill     Bool,
    name         String,
    stored       UInt64,
    duplicates   UInt64,
    conflicts    UInt64,
    dead_letters UInt64
)
ENGINE = MergeTree
ORDER BY (import_key, position)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
