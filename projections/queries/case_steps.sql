-- Steps of one case, in the order of the journal.
-- Read by: one case, commands on it, its breach scope. Cost: the granules of 256 steps that hold the case.
SELECT position, body
FROM cases_vN
WHERE case_id = {id:String} AND position <= {position:UInt64}
ORDER BY position
