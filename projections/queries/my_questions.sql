-- Steps of the cases in which a question may have been put to somebody, case by case, in the order of the journal: whether one was, the
-- reader says. Only what a question rests on comes with its body: opened, asked, answered, closed and reopened.
-- Read by: the questions of a respondent. Cost: the bodies of all questions ever put, which are searched for the name, and the granules
-- of 256 steps that hold the cases found.
SELECT case_id, position, version, if(step IN (10, 14, 15, 20, 21), body, '') AS read_body
FROM cases_vN
WHERE position <= {position:UInt64} AND case_id IN
(
    SELECT case_id
    FROM cases_vN
    WHERE step = 14 AND position <= {position:UInt64} AND countSubstrings(body, {to:String}) > 0
)
ORDER BY case_id, position
