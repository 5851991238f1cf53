-- How many events each identifier keys, by the identifier as it is packed.
-- Read by: the candidates of an ambiguous question. Cost: the candidates' own rows.
SELECT
    substringIndex(patient, '\x1f', 2) AS packed_identifier,
    uniqExact(position) AS events
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE packed_identifier IN {packed:Array(String)}
  AND position <= {position:UInt64}
GROUP BY packed_identifier
