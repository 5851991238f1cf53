-- What documents the explanation of a verdict. Rows from before this migration say nothing of it, also after a rebuild: the messages that
-- they come from do not.

-- Place of the document among those of its message, from 1; 0: nothing documents it. Read by: verdicts.sql. Cost: one and a half bytes a
-- verdict that is explained, next to nothing for the others.
ALTER TABLE verdicts_vN ADD COLUMN IF NOT EXISTS document UInt16 CODEC(ZSTD(1));

-- Documents of the verdicts of a message of FINDINGS, each once: the accesses of a day to one patient cite the same stay.
-- Read by: lists of accesses and one event, for the page. Cost: 128 rows a document that lies apart from the others; on disk 12 bytes a
-- document and day, two bytes an access that is explained.
CREATE TABLE IF NOT EXISTS documents_vN
(
    sequence UInt64                 CODEC(Delta(8), ZSTD(1)),
    -- From 1: verdicts_vN.document.
    number   UInt16                 CODEC(Delta(2), ZSTD(1)),
    source   LowCardinality(String) CODEC(ZSTD(1)),
    type     LowCardinality(String) CODEC(ZSTD(1)),
    id       String                 CODEC(ZSTD(1)),
    -- Microseconds since 1970 UTC; 0: it has no beginning.
    from_us  Int64                  CODEC(ZSTD(1)),
    -- From the beginning to the end; 0: it has no end. Most are a moment or go on, so this takes a quarter of what the end would.
    lasts_us Int64                  CODEC(ZSTD(1)),
    -- The access that worked on the record; 0: the document is none.
    position UInt64                 CODEC(ZSTD(1)),
    at       DateTime64(6, 'UTC')   CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYear(at)
ORDER BY (sequence, number)
SETTINGS index_granularity = 128, min_compress_block_size = 4096,
         min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
