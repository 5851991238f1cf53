-- What a look through Readtrail says, in one text, for who-viewed. A question reads a granule of each column in each part that has rows of a
-- record: nine columns, four of them dictionaries, took twice the time of one.

-- System and value of whom it was about, the question's id, who asked, their role, what and why they asked, when in microseconds since 1970,
-- and how many rows they got, packed as in accesses_by_patient_vN. Computed from the columns of those fields when a row is inserted, by
-- whichever release; rows from before this migration are computed once, below, so that no rebuild is needed. Read by: looks.sql.
ALTER TABLE questions_vN ADD COLUMN IF NOT EXISTS look String MATERIALIZED
    arrayStringConcat(arrayMap(f -> replaceAll(replaceAll(f, '\x1e', '\x1er'), '\x1f', '\x1eu'),
        [toString(subject_system), subject_value, question_id, asker, toString(role), toString(query), purpose,
         toString(toUnixTimestamp64Micro(asked)), toString(rows)]), '\x1f') CODEC(ZSTD(1));

ALTER TABLE questions_vN MATERIALIZE COLUMN look;
