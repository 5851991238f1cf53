-- Records of the generated years, chosen by hash. Read by: BenchmarkLedger.
SELECT value
FROM (SELECT value, uniq(system) AS systems FROM identifiers_v1 WHERE kind = 1 AND match(value, '-[0-9]+$') GROUP BY value)
WHERE systems = 1
ORDER BY cityHash64(value)
LIMIT 50
