-- How detectors judged the reports of a breach scope, by patient key, as known at the position: of each patient of an event the verdict
-- of the latest cause, as in verdicts.sql. Reports that are not judged are in no row. Verdicts are looked up in one set, which the engine
-- makes once: a join took three times as long.
-- Read by: breach scopes of up to a few million reports. Cost: that of scope_counts.sql twice, and 128 rows of verdicts a report that
-- lies apart from the others.
WITH judged AS
(
    SELECT position, patient, argMax(verdict, (cause, sequence, verdict = 2, verdict = 3)) AS last_verdict
    FROM verdicts_vN
    WHERE cause <= {position:UInt64} AND position IN
    (
        SELECT position
        FROM accesses_by_reader_vN
        WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
          AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
          AND ({workstation:String} = '' OR workstation = {workstation:String})
          AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
          AND position <= {position:UInt64}
          AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
    )
    GROUP BY position, patient
)
SELECT
    patient_key,
    multiIf(
        (position, patient_ordinal, 1::UInt8) IN judged, 1,
        (position, patient_ordinal, 2::UInt8) IN judged, 2,
        (position, patient_ordinal, 3::UInt8) IN judged, 3,
        0) AS verdict,
    count() AS reports
FROM accesses_by_reader_vN
WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
  AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND patient_key > 0
GROUP BY patient_key, verdict
HAVING verdict > 0
