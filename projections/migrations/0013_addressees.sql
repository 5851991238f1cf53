-- To whom questions of cases are put. Rows from before this migration name nobody until a rebuild.

-- Who answers the question through Readtrail, as they sign in; '' of every other step, and of a question that whoever asks sets down the
-- answer of. Read by: the questions of a respondent. Cost: a byte or two a step, which each of their looks reads.
ALTER TABLE cases_vN ADD COLUMN IF NOT EXISTS addressee LowCardinality(String) CODEC(ZSTD(1));
