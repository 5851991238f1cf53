-- The latest day that has any candidate, -1 when none has.
-- Read by: the queue, when no days are named. Cost: the last granules of each part.
SELECT ifNull((SELECT toInt32(day) FROM alerts_vN WHERE sequence <= {sequence:UInt64} ORDER BY day DESC LIMIT 1), -1) AS last_day
