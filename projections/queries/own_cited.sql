-- Which of some alerts and cases look into the asker: an alert cites, in any of its versions, one of their identifiers as reader or one of
-- their accesses; a case ever held such an alert. Whatever is known now counts.
-- Read by: ListFrozenScopes, ListViews and GetView, when it is known which reader the asker is and scopes name alerts or cases; without
-- the asker's limits, because it only keeps back. Cost: the granules of alerts that the filter of ids leaves for those named, the steps of
-- the cases named, and the granules of the asker's rows in the reader-first table that the cited positions leave.
SELECT DISTINCT named
FROM
(
    SELECT alert_id AS named, alert_id AS alert
    FROM alerts_vN
    WHERE alert_id IN {named:Array(String)}
    UNION ALL
    SELECT case_id AS named, arrayJoin(alerts) AS alert
    FROM cases_vN
    WHERE case_id IN {named:Array(String)}
)
WHERE alert IN
(
    SELECT alert_id
    FROM alerts_vN
    WHERE (alert_id IN {named:Array(String)} OR alert_id IN (SELECT arrayJoin(alerts) FROM cases_vN WHERE case_id IN {named:Array(String)}))
      AND (hasAny(reader_keys, {own:Array(UInt64)}) OR hasAny(positions, (
        SELECT groupUniqArray(position)
        FROM accesses_by_reader_vN
        WHERE reader_key IN {own:Array(UInt64)} AND position IN
            (
                SELECT arrayJoin(positions)
                FROM alerts_vN
                WHERE alert_id IN {named:Array(String)}
                   OR alert_id IN (SELECT arrayJoin(alerts) FROM cases_vN WHERE case_id IN {named:Array(String)})
            )
    )))
)
