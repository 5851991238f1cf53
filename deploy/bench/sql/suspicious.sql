-- Readers in records, some of every day, as alerts would be about: of patients chosen by their key and in an order that prefers nobody. What
-- arrived late is left out, and what was imported, all of it long after: an alert stands at the position that closed its day, and positions
-- of alerts rise.
-- Read by: the alerts of the generated years. Cost: the rows of one patient in so many, grouped.
SELECT toInt32(toDate(occurred)) AS day, reader_system, reader_value, any(reader_name) AS name, any(reader_role_display) AS role,
       any(department) AS unit, patient_system, patient_value, max(position) AS last_position, toUnixTimestamp64Micro(max(received)) AS last_received,
       arraySort(groupUniqArray(6)(position)) AS positions, toUnixTimestamp64Micro(min(occurred)) AS first_occurred
FROM accesses_by_patient_fields_v1
WHERE patient_key > 1 AND cityHash64(patient_key) % {one_in:UInt64} = 0 AND match(patient_value, '-[0-9]+$') AND reader_value != ''
  AND received < (SELECT max(received) FROM accesses_by_patient_v1) AND dateDiff('day', occurred, received) < 1000
GROUP BY day, reader_system, reader_value, patient_system, patient_value
ORDER BY day, cityHash64(reader_value, patient_value)
LIMIT {a_day:UInt32} BY day
