-- What stands outside the versions: which versions there are, which one answers, how far each has read, whose they are.
-- Read by: every question (active, watermarks), the projector at a start. Cost: a few rows.

-- One row a version and stage: 1 building, 2 answers or did, 3 being dropped, 4 gone. The largest stage holds.
CREATE TABLE IF NOT EXISTS versions
(
    version UInt32,
    stage   UInt8
)
ENGINE = ReplacingMergeTree(stage)
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- The version that answers is the one of the row with the largest flip. A flip is one insert of one row: a question
-- that reads `argMax(version, flip)` once sees the old version or the new one, never a mixture.
CREATE TABLE IF NOT EXISTS active
(
    flip    UInt32,
    version UInt32
)
ENGINE = MergeTree
ORDER BY flip
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Written last, after every table of a run of messages is on disk: everything up to `position` is in the tables of
-- (version, projector). `position` only rises: max(position) is the watermark. Projector is 'accesses' (everything
-- that a question reads) or 'rollups' (dashboards' tables, folded over longer runs).
-- `received` is the received time of the message that holds the position.
CREATE TABLE IF NOT EXISTS watermarks
(
    version   UInt32,
    projector LowCardinality(String),
    position  UInt64,
    received  DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(position)
ORDER BY (version, projector)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Which migration files made the tables of a version; sha256 is over the statements without comments.
CREATE TABLE IF NOT EXISTS migrations
(
    version UInt32,
    name    String,
    sha256  String
)
ENGINE = ReplacingMergeTree
ORDER BY (version, name)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Whose projections these are: the journal, by the root of its first message, and the process that writes, by a name that
-- it made for its life. The row with the largest claim holds.
CREATE TABLE IF NOT EXISTS owner
(
    claim   UInt32,
    journal String,
    process String
)
ENGINE = MergeTree
ORDER BY claim
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
