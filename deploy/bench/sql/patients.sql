-- Patients chosen by their key, so that none is preferred for its size, of the generated populations.
-- passed_on counts accesses whose recipient stands in the event alone: generated accesses have no entry in the journal.
SELECT patient_system, patient_value, count() AS accesses, countIf(action IN (4, 9)) AS passed_on
FROM accesses_by_patient_fields_v1
WHERE patient_key > 1 AND cityHash64(patient_key) % {one_in:UInt64} = 0 AND match(patient_value, '-[0-9]+$')
GROUP BY patient_system, patient_value
ORDER BY cityHash64(patient_value)
LIMIT {limit:UInt32}
