-- Versions of saved views: each row is one entry of the journal. What a view is, its latest version says; of two rows of one version the
-- earlier one. Read by: the list of views, one view, and commands on views. Cost: a row a version, of some hundred bytes.
CREATE TABLE IF NOT EXISTS views_vN
(
    -- KSUID text.
    view_id  String,
    position UInt64,
    received DateTime64(6, 'UTC'),
    -- From 1.
    version  UInt32,
    -- Whose it is: who saved it first.
    owner    String,
    shared   Bool,
    deleted  Bool,
    -- ViewPage.
    page     UInt8,
    -- The ViewEntry, serialised.
    body     String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (view_id, position)
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
