-- All events whose patient is known by text only. A condition on the key alone is counted by granules, not by rows.
-- Read by: the header of answers over all time, between two readings of unresolved_after.sql. Cost: two granules a part.
SELECT count() AS events
FROM accesses_by_patient_vN
WHERE patient_key = 1
