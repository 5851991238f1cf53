-- An alert is within an asker's limits when every access that any of its versions cites is. One that cites none, a look through
-- Readtrail, or was projected before positions were kept, is not.
alert_id NOT IN
(
    SELECT alert_id
    FROM alerts_vN
    LEFT ARRAY JOIN positions AS cited
    WHERE day BETWEEN {limit_from_day:Date} AND {limit_to_day:Date}
      AND (empty({limit_alerts:Array(String)}) OR has({limit_alerts:Array(String)}, alert_id))
      AND (empty(positions) OR cited NOT IN
          (
              SELECT position
              FROM accesses_by_reader_vN
              WHERE position IN
                  (
                      SELECT arrayJoin(positions)
                      FROM alerts_vN
                      WHERE day BETWEEN {limit_from_day:Date} AND {limit_to_day:Date}
                        AND (empty({limit_alerts:Array(String)}) OR has({limit_alerts:Array(String)}, alert_id))
                  )
          ))
)
