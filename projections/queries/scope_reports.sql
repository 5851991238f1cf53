-- The reports of a breach scope that has few, in no order: with one more than the limit there are too many, and the engine stops. digest
-- as in scope_counts.sql.
-- Read by: breach scopes whose readers are known. Cost: the readers' own rows of the period, rounded up to granules of 1,024, once.
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
    sipHash64(position, patient_ordinal) AS digest
FROM accesses_by_reader_vN
WHERE reader_key IN {readers:Array(UInt64)}
  AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
LIMIT {limit:UInt64}
