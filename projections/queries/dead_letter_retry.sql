-- The event that a retry made of one dead letter.
-- Read by: GetDeadLetter. Cost: one granule.
SELECT argMax(event_id, position) AS retried_event_id, argMax(event_position, position) AS retried_position
FROM dead_letter_retries_vN
WHERE dead_letter_position = {dead_letter:UInt64} AND event_id != '' AND position <= {position:UInt64}
