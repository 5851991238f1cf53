-- Events by site, source, action or break-glass, newest first, from the narrow table: its indexes leave the granules of the readers
-- who were there.
-- Read by: SearchAccesses, when no condition needs the wide table and it names no workstation or network address (search_place.sql). Cost:
-- granules of 1,024 rows that may hold the site or source; for an action or break-glass alone the whole period.
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(received) AS received_us,
    codes,
    patient_key,
    reader_key
FROM accesses_by_reader_fields_vN
WHERE patient_ordinal = 0 AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND (occurred, position) < (fromUnixTimestamp64Micro({after_occurred:Int64}), {after_position:UInt64})
  AND ({site:String} = '' OR site = {site:String})
  AND ({source:String} = '' OR source = {source:String})
  AND ({action:UInt8} = 0 OR action = {action:UInt8})
  AND (NOT {break_glass:Bool} OR break_glass)
ORDER BY occurred DESC, position DESC
LIMIT {limit:UInt32}
