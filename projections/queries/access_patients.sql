-- Under which patient keys the events of a page stand in the patient-first table.
-- Read by: lists that were found by reader or by place, once a page, before access_details.sql. Cost: granules of 1,024
-- rows at the places of the page's rows.
SELECT DISTINCT patient_key
FROM accesses_by_reader_vN
WHERE reader_key IN {readers:Array(UInt64)}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND position IN {positions:Array(UInt64)}
  AND patient_ordinal < {patients_shown:UInt16}
