-- Events that carry one of the given texts in place of a patient's identifier.
-- Read by: the unresolved candidates of who-viewed, only when there are any. Cost: the unresolved rows of the period.
SELECT
    patient_text,
    uniqExact(position) AS events
FROM accesses_by_patient_fields_vN
WHERE patient_key = 1 AND position <= {position:UInt64} AND patient_text IN {texts:Array(String)}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
GROUP BY patient_text
ORDER BY patient_text
