-- What the events of a breach scope said of patients whose key does not say who is meant: text alone, or identifiers that
-- share a key.
-- Read by: breach scopes with such patients. Cost: three columns of the rows of those keys in the period.
SELECT position, patient_ordinal, patient
FROM accesses_by_patient_vN
WHERE patient_key IN {apart:Array(UInt64)} AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND position IN
      (
          SELECT position
          FROM accesses_by_reader_vN
          WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
            AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
            AND ({workstation:String} = '' OR workstation = {workstation:String})
            AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
            AND position <= {position:UInt64}
            AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
            AND patient_key IN {apart:Array(UInt64)}
      )
LIMIT {limit:UInt64}
