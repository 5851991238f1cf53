-- How many events each identifier keys.
-- Read by: the candidates of an ambiguous question. Cost: the candidates' own rows.
SELECT
    patient_system,
    patient_value,
    uniqExact(position) AS events
FROM accesses_by_patient_vN
WHERE patient_key IN {keys:Array(UInt64)}
  AND concat(patient_system, '|', patient_value) IN {texts:Array(String)}
  AND position <= {position:UInt64}
GROUP BY patient_system, patient_value
