-- How each detector did over some days: its findings, the accesses that they list by their verdicts, and the alerts shown in which it
-- speaks by what people decided.
-- Read by: ScoreDetectors. Cost: the findings of these days, a granule of verdicts for each access that they list, light columns of the
-- alerts of these days.
WITH
    found AS
    (
        SELECT detector, sequence, number, positions
        FROM findings_vN
        WHERE day BETWEEN {from_day:Date} AND {to_day:Date} AND cause <= {position:UInt64}
          AND NOT has({own:Array(UInt64)}, reader_key)
    ),
    listed AS (SELECT DISTINCT detector, arrayJoin(positions) AS access FROM found),
    judged AS
    (
        -- Of an access to several patients the one for whom least accounts for it counts: unexplained, not assessable, explained.
        SELECT position AS access, max(multiIf(last_verdict = 2, 3, last_verdict = 3, 2, 1)) AS concern
        FROM
        (
            SELECT position, argMax(verdict, (cause, sequence)) AS last_verdict
            FROM verdicts_vN
            WHERE position IN (SELECT access FROM listed) AND cause <= {position:UInt64}
            GROUP BY position, patient
        )
        GROUP BY position
    ),
    accesses AS
    (
        SELECT listed.detector AS detector, count() AS accesses, countIf(judged.concern = 1) AS explained,
               countIf(judged.concern = 3) AS unexplained, countIf(judged.concern = 2) AS not_assessable
        FROM listed LEFT JOIN judged ON judged.access = listed.access
        GROUP BY detector
    ),
    told AS
    (
        SELECT arrayJoin(a.latest) AS detector, count() AS alerts, countIf(d.disposition = 2) AS misuse,
               countIf(d.disposition = 3) AS appropriate, countIf(d.disposition = 4) AS inconclusive
        FROM
        (
            SELECT alert_id, max(shown) AS ever_shown, argMax(detectors, version) AS latest
            FROM alerts_vN
            WHERE day BETWEEN {from_day:Date} AND {to_day:Date} AND cause <= {position:UInt64}
            GROUP BY alert_id
            HAVING ever_shown AND NOT max(hasAny(reader_keys, {own:Array(UInt64)}))
        ) AS a
        LEFT JOIN
        (
            SELECT alert_id, argMax(decisions_vN.disposition, position) AS disposition
            FROM decisions_vN
            WHERE position <= {position:UInt64}
            GROUP BY alert_id
        ) AS d ON d.alert_id = a.alert_id
        GROUP BY detector
    )
SELECT
    toString(names.detector) AS detector_name, findings.findings AS findings_count, accesses.accesses AS accesses_count, accesses.explained,
    accesses.unexplained, accesses.not_assessable, told.alerts, told.misuse, told.appropriate, told.inconclusive
FROM (SELECT detector FROM found UNION DISTINCT SELECT detector FROM told) AS names
LEFT JOIN (SELECT detector, count() AS findings FROM found GROUP BY detector) AS findings ON findings.detector = names.detector
LEFT JOIN accesses ON accesses.detector = names.detector
LEFT JOIN told ON told.detector = names.detector
ORDER BY detector_name
