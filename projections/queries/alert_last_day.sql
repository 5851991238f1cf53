-- The latest day that has any candidate of those that the list may hold, as known at the position; -1 when none has. A day that has
-- nothing but what is about the asker is not told: it would say that there is something.
-- Read by: the queue, when no days are named. Cost: the last granules of each part, and the granules of 256 versions that the filter of
-- readers leaves when it is known which reader the asker is.
SELECT ifNull(
(
    SELECT toInt32(day)
    FROM alerts_vN
    WHERE sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
      AND (empty({own:Array(UInt64)}) OR alert_id NOT IN
      (
          SELECT alert_id
          FROM alerts_vN
          WHERE notEmpty({own:Array(UInt64)}) AND hasAny(reader_keys, {own:Array(UInt64)})
            AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
      ))
    ORDER BY day DESC
    LIMIT 1
), -1) AS last_day
