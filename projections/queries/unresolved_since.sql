-- Events whose patient is known by text only, between two positions.
-- Read by: the header of answers over all time: what an earlier answer counted need not be counted again. Cost: the
-- granules that the index over positions leaves, few when the earlier answer is not long ago.
SELECT count() AS events
FROM accesses_by_patient_vN
WHERE patient_key = 1 AND position > {after:UInt64} AND position <= {position:UInt64}
