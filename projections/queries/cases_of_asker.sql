-- Cases that ever held an alert that ever cited one of the asker's own identifiers, as reader or as patient; whatever the answer is as of:
-- what was learned of the asker since then makes an older answer no less about them.
-- Read by: cases, which are kept from whom they are about; without the asker's limits, because it only keeps back. Cost: the keys of
-- all versions and the alerts of all steps; nothing is asked where nobody said who the asker is.
SELECT DISTINCT case_id
FROM cases_vN
WHERE hasAny(alerts, (
    SELECT groupUniqArray(alert_id)
    FROM alerts_vN
    WHERE hasAny(reader_keys, {own:Array(UInt64)}) OR hasAny(patient_keys, {own:Array(UInt64)})
))
