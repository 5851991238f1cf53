-- Steps of all cases, case by case, in the order of the journal. Notes, questions and answers come without their texts.
-- Read by: the list of cases, and the metrics of open ones. Cost: all steps; of long texts, those of assessments and notices only.
SELECT case_id, position, version, step, question, asker, toUnixTimestamp64Micro(at) AS at_us, if(step IN (13, 14, 15), '', body) AS short_body
FROM cases_vN
WHERE position <= {position:UInt64}
ORDER BY case_id, position
