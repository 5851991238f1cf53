-- How many different patients a reader's events name, by local day and altogether (the row with an empty day).
-- Read by: the first page of a reader's activity, where its reports are too many to be counted from the list, or one has too many patients. Cost: the reader's own rows of the period.
SELECT
    if(grouping(local_day) = 1, '', toString(local_day)) AS day,
    uniqExactIf(patient_key, patient_key > 1) AS patients
FROM
(
    SELECT toDate32(occurred, {zone:String}) AS local_day, patient_key
    FROM accesses_by_reader_vN
    PREWHERE reader_key IN {keys:Array(UInt64)}
      AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
    WHERE reader IN {packed:Array(String)}
      AND position <= {position:UInt64}
)
GROUP BY GROUPING SETS ((local_day), ())
ORDER BY day
SETTINGS use_skip_indexes = 0
