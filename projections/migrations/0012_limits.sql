-- Which accesses alerts rest on, for askers who are limited to some sites and departments; and who broke the glass.

-- Positions of the accesses that the version cites. Read by: alerts and cases, for an asker with limits. Rows from before this migration
-- have none until a rebuild, and are kept from such askers. Cost: a few bytes an alert.
ALTER TABLE alerts_vN ADD COLUMN IF NOT EXISTS positions Array(UInt64) CODEC(Delta(8), ZSTD(1));

-- KSUID text of the broken glass that the question was asked under, else ''. Read by: the list of broken glasses.
ALTER TABLE questions_vN ADD COLUMN IF NOT EXISTS glass_id LowCardinality(String);

-- Broken glasses and their reviews, a row an entry. Of several reviews of one glass the first holds. Read by: the list of broken glasses.
-- Cost: two rows a glass.
CREATE TABLE IF NOT EXISTS broken_glass_vN
(
    -- KSUID text.
    glass_id    String,
    position    UInt64,
    received    DateTime64(6, 'UTC'),
    -- True: a review of it; false: it was broken.
    review      Bool,
    asker       String,
    role        LowCardinality(String),
    -- The reason, or the reviewer's note.
    text        String CODEC(ZSTD(1)),
    -- Number of GlassVerdict in proto/readtrail/v1/limits.proto.
    verdict     UInt8,
    at          DateTime64(6, 'UTC'),
    until       DateTime64(6, 'UTC'),
    sites       Array(String),
    departments Array(String),
    nothing     Bool
)
ENGINE = MergeTree
ORDER BY (glass_id, position)
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
