-- Looks through Readtrail at a record, under any of its identifiers, newest first: one row a question, and how many there
-- are in all. Questions of which the caller holds more pages come before all others.
-- Read by: the first page of who-viewed, for a record with more rows than looks.sql may return. Cost: one granule (1,024 rows) an identifier and part.
SELECT
    question_id,
    any(asker) AS who,
    any(role) AS their_role,
    any(query) AS what,
    any(purpose) AS why,
    toUnixTimestamp64Micro(min(asked)) AS asked_us,
    sum(rows) AS rows_seen,
    uniqExact(position) AS pages,
    count() OVER () AS looks
FROM
(
    SELECT question_id, asker, role, query, purpose, asked, rows, position
    FROM questions_vN
    WHERE subject_key IN {keys:Array(UInt64)}
      AND (subject_system, subject_value) IN arrayZip({systems:Array(String)}, {values:Array(String)})
      AND position <= {position:UInt64} AND NOT summary
    LIMIT 1 BY position
)
GROUP BY question_id
ORDER BY question_id IN {unprojected:Array(String)} DESC, asked_us DESC, question_id
LIMIT {limit:UInt32}
