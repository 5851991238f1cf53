-- The reports of a breach scope that cannot be counted alone, newest first: those whose request id another event of the scope
-- has too, of few reports all that state one; those of patient keys that do not say who is meant; of sources whose events pair by rule; and, where identifiers
-- of one patient were found under several keys, those of events that name several patients.
-- Read by: breach scopes. Cost: that of scope_counts.sql, twice when reports are many.
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
    sensitivity
FROM accesses_by_reader_vN
WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
  AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND patient_key > 0
  AND ({few:Bool} AND pair_key > 0
       OR pair_key IN
       (
           SELECT pair_key
           FROM accesses_by_reader_vN
           WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
             AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
             AND ({workstation:String} = '' OR workstation = {workstation:String})
             AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
             AND position <= {position:UInt64}
             AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
             AND NOT {few:Bool} AND pair_key > 0 AND patient_key > 0
           GROUP BY pair_key
           HAVING min(position) < max(position)
       )
       OR patient_key IN {apart:Array(UInt64)}
       OR ({rules:Bool} AND pair_key = 0 AND source IN {ruled:Array(String)})
       OR ({several:Bool} AND bitAnd(bitShiftRight(codes, 40), 65535) > 1))
ORDER BY occurred_us DESC, position DESC, patient_ordinal
LIMIT {limit:UInt64}
