-- What alerts_list.sql holds in all, whatever scope, state and disposition are asked for. "waiting" and the like count what is or was
-- shown, or is in the sample, and is not retracted.
-- Read by: the first page of the queue. Cost: as alerts_list.sql.
SELECT
    count() AS candidates,
    countIf(a.ever_shown) AS all_shown,
    countIf(a.latest.5) AS all_sampled,
    countIf(a.latest.1 = 3) AS all_retracted,
    countIf((a.ever_shown OR a.latest.5) AND a.latest.1 != 3 AND d.last_disposition = 0) AS waiting,
    countIf((a.ever_shown OR a.latest.5) AND a.latest.1 != 3 AND d.last_disposition = 1) AS in_review,
    countIf((a.ever_shown OR a.latest.5) AND a.latest.1 != 3 AND d.last_disposition = 2) AS misuse,
    countIf((a.ever_shown OR a.latest.5) AND a.latest.1 != 3 AND d.last_disposition = 3) AS appropriate,
    countIf((a.ever_shown OR a.latest.5) AND a.latest.1 != 3 AND d.last_disposition = 4) AS inconclusive
FROM
(
    SELECT
        alert_id,
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
    SELECT alert_id, argMax(if(disposition = 5, 0, disposition), position) AS last_disposition
    FROM decisions_vN
    WHERE position <= {position:UInt64}
    GROUP BY alert_id
) AS d ON d.alert_id = a.alert_id
WHERE NOT a.about_asker
  AND ({scenario:String} = '' OR a.latest.2 = {scenario:String})
  AND ({detector:String} = '' OR has(a.latest.7, {detector:String}))
  AND ({queue:String} = '' OR a.latest.6 = {queue:String})
  AND a.latest.3 >= {chance:UInt32}
  AND (empty({readers:Array(UInt64)}) OR hasAny(a.latest.8, {readers:Array(UInt64)}))
  AND (empty({patients:Array(UInt64)}) OR hasAny(a.latest.9, {patients:Array(UInt64)}))
