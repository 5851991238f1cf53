-- The years of received times that are over.
SELECT DISTINCT toYear(received) AS year
FROM accesses_by_patient_v1
WHERE year < toYear(fromUnixTimestamp64Micro({now:Int64}, 'UTC'))
ORDER BY year
