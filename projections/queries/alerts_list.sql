-- Alerts of some days at their latest versions, latest day first and within a day most suspicious first. Retracted ones stay in the list
-- of what was shown: people have seen them. Those that ever cited one of the asker's own readers are left out.
-- Read by: the queue. Cost: light columns of all versions of these days.
SELECT a.day_number, a.alert_id, a.latest_version, d.last_disposition, d.last_asker, d.last_decided_us, d.looked_at
FROM
(
    SELECT
        toInt32(day) AS day_number,
        alert_id,
        max(version) AS latest_version,
        max(shown) AS ever_shown,
        max(hasAny(reader_keys, {own:Array(UInt64)})) AS about_asker,
        argMax((state, scenario, chance, rank, sampled, queue, detectors, reader_keys, patient_keys), version) AS latest
    FROM alerts_vN
    WHERE day BETWEEN {from_day:Date} AND {to_day:Date}
      AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
      AND (NOT {some:Bool} OR alert_id IN {ids:Array(String)})
    GROUP BY day, alert_id
) AS a
LEFT JOIN
(
    SELECT
        alert_id,
        argMax(if(disposition = 5, 0, disposition), position) AS last_disposition,
        argMax(asker, position) AS last_asker,
        toUnixTimestamp64Micro(argMax(decided, position)) AS last_decided_us,
        argMax(version, position) AS looked_at
    FROM decisions_vN
    WHERE position <= {position:UInt64}
    GROUP BY alert_id
) AS d ON d.alert_id = a.alert_id
WHERE NOT a.about_asker
  AND ({scope:UInt8} = 2 OR ({scope:UInt8} = 1 AND a.latest.5) OR ({scope:UInt8} = 0 AND a.ever_shown))
  AND (empty({states:Array(UInt8)}) OR has({states:Array(UInt8)}, a.latest.1))
  AND (empty({dispositions:Array(UInt8)}) OR has({dispositions:Array(UInt8)}, d.last_disposition))
  AND ({scenario:String} = '' OR a.latest.2 = {scenario:String})
  AND ({detector:String} = '' OR has(a.latest.7, {detector:String}))
  AND ({queue:String} = '' OR a.latest.6 = {queue:String})
  AND a.latest.3 >= {chance:UInt32}
  AND (empty({readers:Array(UInt64)}) OR hasAny(a.latest.8, {readers:Array(UInt64)}))
  AND (empty({patients:Array(UInt64)}) OR hasAny(a.latest.9, {patients:Array(UInt64)}))
  AND (-a.day_number, a.latest.4, a.alert_id) > ({after_day:Int32}, {after_rank:Int64}, {after_id:String})
ORDER BY a.day_number DESC, a.latest.4 ASC, a.alert_id ASC
LIMIT {limit:UInt32}
