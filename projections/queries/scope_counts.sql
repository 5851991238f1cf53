-- What a breach scope counts for each patient key and each set of parts and labels, before reports of one access are found: how
-- many reports, how many of them failed or were incidental, the first and the last of all and of those that did not fail.
-- digest is a sum over which rows these are. linked is how many state a request id, crowded how many name several patients.
-- Read by: breach scopes. Cost: the reader's own rows of the period, rounded up to granules of 1,024; without a reader the
-- granules that the indexes leave, for a period alone two columns of the whole table.
SELECT
    patient_key,
    toString(parts) AS packed_parts,
    toString(sensitivity) AS packed_sensitivity,
    count() AS reports,
    countIf(patient_ordinal = 0) AS events,
    countIf(bitAnd(bitShiftRight(codes, 8), 255) > 1) AS failed,
    countIf(bitAnd(bitShiftRight(codes, 8), 255) <= 1 AND bitAnd(bitShiftRight(codes, 16), 255) = 2) AS incidental,
    countIf(pair_key > 0) AS linked,
    countIf(bitAnd(bitShiftRight(codes, 40), 65535) > 1) AS crowded,
    toUnixTimestamp64Micro(min(occurred)) AS first_us,
    toUnixTimestamp64Micro(max(occurred)) AS last_us,
    toUnixTimestamp64Micro(minIf(occurred, bitAnd(bitShiftRight(codes, 8), 255) <= 1)) AS first_seen_us,
    toUnixTimestamp64Micro(maxIf(occurred, bitAnd(bitShiftRight(codes, 8), 255) <= 1)) AS last_seen_us,
    argMax(position, (occurred, position)) AS last_position,
    sumWithOverflow(sipHash64(position, patient_ordinal)) AS digest
FROM accesses_by_reader_vN
WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
  AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
GROUP BY patient_key, packed_parts, packed_sensitivity
LIMIT {limit:UInt64}
