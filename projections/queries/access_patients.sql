-- Under which patient keys the events of a page stand in the patient-first table.
-- Read by: lists that were found by reader or by place, before access_details.sql, for events that name several patients and were listed
-- without them.
-- Cost: granules of 1,024 rows at the places of those rows.
SELECT DISTINCT patient_key
FROM accesses_by_reader_vN
PREWHERE reader_key IN {readers:Array(UInt64)} AND position IN {positions:Array(UInt64)}
WHERE occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND received IN {received:Array(DateTime64(6, 'UTC'))}
  AND patient_ordinal < {patients_shown:UInt16}
