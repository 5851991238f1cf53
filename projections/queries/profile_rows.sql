-- What some readers did in a group, newest first, a row a patient of an event, with the verdict on it. Verdicts are looked up as in
-- scope_verdicts.sql.
-- Times are compared before the other columns are read: a granule in which none of the readers did anything in the period costs two columns.
-- Read by: the profile of a reader. Cost: the readers' own rows of the period, rounded up to granules of 1,024 each, twice (the index over
-- occurred leaves the parts that reach into it); and 128 rows of verdicts an event that lies apart from the others.
WITH judged AS
(
    SELECT position, patient, argMax(verdict, (cause, sequence, verdict = 2, verdict = 3)) AS last_verdict
    FROM verdicts_vN
    WHERE cause <= {position:UInt64} AND position IN
    (
        SELECT position
        FROM accesses_by_reader_vN
        PREWHERE reader_key IN {keys:Array(UInt64)}
        WHERE reader IN {packed:Array(String)} AND group_key = {group:UInt64} AND {judged:Bool}
          AND position <= {position:UInt64}
          AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
    )
    GROUP BY position, patient
)
SELECT
    reader,
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    source,
    codes,
    patient_key,
    pair_key,
    sensitivity,
    multiIf(
        (position, patient_ordinal, 1::UInt8) IN judged, 1,
        (position, patient_ordinal, 2::UInt8) IN judged, 2,
        (position, patient_ordinal, 3::UInt8) IN judged, 3,
        0) AS verdict
FROM accesses_by_reader_vN
PREWHERE reader_key IN {keys:Array(UInt64)}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
WHERE reader IN {packed:Array(String)} AND group_key = {group:UInt64}
  AND position <= {position:UInt64}
ORDER BY occurred_us DESC, position DESC, patient_ordinal
LIMIT {limit:UInt64}
