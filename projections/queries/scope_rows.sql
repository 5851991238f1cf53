-- Every report of a breach scope, newest first: rows stream, nothing is held. Beyond a few million rows the engine sorts on
-- disk.
-- Read by: exports and comparisons of breach scopes. Cost: as scope_counts.sql, with all columns.
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
    toUnixTimestamp64Micro(received) AS received_us
FROM accesses_by_reader_vN
WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
  AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
ORDER BY occurred_us DESC, position DESC, patient_ordinal
SETTINGS max_bytes_before_external_sort = 500000000
