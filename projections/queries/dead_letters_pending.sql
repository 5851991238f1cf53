-- Positions of dead letters that no retry turned into an event, oldest first.
-- Read by: a retry of dead letters. Cost: the dead letters above {after}, and the retries.
SELECT position
FROM dead_letters_vN
WHERE position > {after:UInt64}
  AND ({source:String} = '' OR source = {source:String})
  AND ({reason:String} = '' OR reason = {reason:String})
  AND (empty({positions:Array(UInt64)}) OR has({positions:Array(UInt64)}, position))
  AND position NOT IN (SELECT dead_letter_position FROM dead_letter_retries_vN WHERE event_id != '')
ORDER BY position
LIMIT {limit:UInt32}
