-- Breach scopes that were set down: each row is one entry of the journal. Read by: the list of frozen scopes. Cost: a row each.
CREATE TABLE IF NOT EXISTS frozen_scopes_vN
(
    position UInt64,
    received DateTime64(6, 'UTC'),
    -- The ScopeFrozen, serialised.
    body     String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY position
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
