-- Steps of the cases in which a question was put to somebody, case by case, in the order of the journal: whether one of them counts, the
-- reader says. Only what a question rests on comes with its body: opened, asked, answered, closed and reopened.
-- Read by: the questions of a respondent. Cost: who was asked in each step of any case, a byte or two, and the granules of 256 steps that
-- hold the cases found.
SELECT case_id, position, version, if(step IN (10, 14, 15, 20, 21), body, '') AS read_body
FROM cases_vN
WHERE position <= {position:UInt64} AND case_id IN
(
    SELECT case_id
    FROM cases_vN
    WHERE addressee = {to:String} AND position <= {position:UInt64}
)
ORDER BY case_id, position
