-- Those of them above the position, which an answer must not count.
-- Read by: the header of answers over all time. Cost: the granules that the index over positions leaves, few for an
-- answer as of now.
SELECT count() AS events
FROM accesses_by_patient_vN
WHERE patient_key = 1 AND position > {position:UInt64}
