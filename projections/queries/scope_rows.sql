-- Every report of a breach scope, newest first, with its verdict where that is wanted: rows stream, nothing is held but the verdicts of
-- up to a few million. Beyond a few million rows the engine sorts on disk. Verdicts are looked up as in scope_verdicts.sql.
-- Read by: exports and comparisons of breach scopes. Cost: as scope_counts.sql, with all columns, and as scope_verdicts.sql.
WITH judged AS
(
    SELECT position, patient, argMax(verdict, (cause, sequence, verdict = 2, verdict = 3)) AS last_verdict
    FROM verdicts_vN
    WHERE {judged:Bool} AND cause <= {position:UInt64} AND position IN
    (
        SELECT position
        FROM accesses_by_reader_vN
        WHERE {judged:Bool} AND ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
          AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
          AND ({workstation:String} = '' OR workstation = {workstation:String})
          AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
          AND position <= {position:UInt64}
          AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
    )
    GROUP BY position, patient
)
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    patient_key,
    patient_ordinal,
    codes,
    pair_key,
    source,
    reader,
    parts,
    sensitivity,
    site,
    workstation,
    network_address,
    toUnixTimestamp64Micro(received) AS received_us,
    if({judged:Bool}, multiIf(
        (position, patient_ordinal, 1::UInt8) IN judged, 1,
        (position, patient_ordinal, 2::UInt8) IN judged, 2,
        (position, patient_ordinal, 3::UInt8) IN judged, 3,
        0), 0) AS verdict
FROM accesses_by_reader_vN
WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
  AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
ORDER BY occurred_us DESC, position DESC, patient_ordinal
SETTINGS max_bytes_before_external_sort = 500000000
