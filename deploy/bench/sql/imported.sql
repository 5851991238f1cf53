-- Events that were really imported, chosen by hash: the journal holds them, with their originals. They occurred before the generated years,
-- the first of which was received as it occurred.
SELECT position
FROM accesses_by_patient_v1
WHERE occurred < (SELECT min(received) FROM accesses_by_patient_v1) AND patient_key > 1 AND patient_ordinal = 0
ORDER BY cityHash64(position)
LIMIT {limit:UInt32}
