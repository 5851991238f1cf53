-- When the events occurred whose patient is known by text only, between two positions.
-- Read by: the header of answers, which remembers them: what an earlier answer read need not be read again. Cost: the granules that the
-- index over positions leaves, few when the earlier answer is not long ago; at the first answer all unresolved rows.
SELECT toUnixTimestamp64Micro(occurred) AS occurred_us, position
FROM accesses_by_patient_vN
WHERE patient_key = 1 AND position > {after:UInt64} AND position <= {position:UInt64}
LIMIT {limit:UInt64}
