-- Events that were really imported, chosen by hash: the journal holds them, with their originals.
SELECT position
FROM accesses_by_patient_fields_v1
WHERE patient_key > 1 AND patient_ordinal = 0 AND NOT match(patient_value, '-[0-9]+$')
ORDER BY cityHash64(position)
LIMIT {limit:UInt32}
