-- A case is within an asker's limits when every alert that it ever held is, as alerts.sql says.
case_id IN (SELECT case_id FROM cases_vN WHERE notEmpty(alerts)) AND case_id NOT IN
(
    SELECT case_id
    FROM cases_vN
    ARRAY JOIN alerts AS held
    WHERE held NOT IN (SELECT alert_id FROM alerts_vN WHERE alert_id IN (SELECT arrayJoin(alerts) FROM cases_vN))
       OR held IN
       (
           SELECT alert_id
           FROM alerts_vN
           LEFT ARRAY JOIN positions AS cited
           WHERE alert_id IN (SELECT arrayJoin(alerts) FROM cases_vN) AND (empty(positions) OR cited NOT IN
               (
                   SELECT position
                   FROM accesses_by_reader_vN
                   WHERE position IN
                       (
                           SELECT arrayJoin(positions)
                           FROM alerts_vN
                           WHERE alert_id IN (SELECT arrayJoin(alerts) FROM cases_vN)
                       )
               ))
       )
)
