-- Steps of cases: each row is one entry of the journal, whether it counts or not (of two that claim a number of a case, the earlier one
-- does): what a case is, is folded from its rows when a question is asked. Read by: the list of cases (all rows, without the long texts),
-- one case (by its id). Cost: a row a step, of some hundred bytes.
CREATE TABLE IF NOT EXISTS cases_vN
(
    -- KSUID text.
    case_id  String,
    position UInt64,
    received DateTime64(6, 'UTC'),
    -- The step's number in its case, from 1.
    version  UInt32,
    -- What kind of step: the field's number in CaseEntry, 10 opened to 21 reopened.
    step     UInt8,
    -- Of a question or an answer: which; else 0.
    question UInt32,
    asker    String,
    role     LowCardinality(String),
    at       DateTime64(6, 'UTC'),
    -- KSUID texts of the alerts that the step adds to the case; none of a step whose number another one had before.
    alerts   Array(String),
    -- The CaseEntry, serialised.
    body     String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (case_id, position)
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
