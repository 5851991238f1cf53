-- Some alerts at their latest versions, with the latest decision on each.
-- Read by: one case, its breach scope. Cost: light columns of the granules of 256 versions that the filter of ids leaves.
SELECT a.alert_id, a.day_number, a.latest_version, d.last_disposition, d.last_asker, d.last_decided_us, d.looked_at
FROM
(
    SELECT alert_id, toInt32(day) AS day_number, max(version) AS latest_version
    FROM alerts_vN
    WHERE alert_id IN {ids:Array(String)} AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
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
    WHERE position <= {position:UInt64} AND alert_id IN {ids:Array(String)}
    GROUP BY alert_id
) AS d ON d.alert_id = a.alert_id
