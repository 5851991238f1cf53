-- search_places.sql where a workstation or network address is named, on days on which somebody was there: of those readers alone. The masks leave
-- the days of the first and of the last month that are meant.
-- Read by: SearchAccesses. Cost: granules of 1,024 rows of the readers who were at the place, in the period.
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(received) AS received_us,
    codes,
    patient_key,
    reader_key
FROM accesses_by_reader_fields_vN
WHERE reader_key IN
      (
          SELECT reader_key
          FROM place_readers_vN
          WHERE place_key = {place:UInt64} AND month BETWEEN toDate({first_month:UInt16}) AND toDate({last_month:UInt16})
            AND bitAnd(days, bitAnd(if(month = toDate({first_month:UInt16}), {first_mask:UInt32}, 4294967295),
                                    if(month = toDate({last_month:UInt16}), {last_mask:UInt32}, 4294967295))) != 0
            AND position <= {position:UInt64}
      )
  AND patient_ordinal = 0 AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND (occurred, position) < (fromUnixTimestamp64Micro({after_occurred:Int64}), {after_position:UInt64})
  AND ({site:String} = '' OR site = {site:String})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({network_address:String} = '' OR network_address = {network_address:String})
  AND ({source:String} = '' OR source = {source:String})
  AND ({action:UInt8} = 0 OR action = {action:UInt8})
  AND (NOT {break_glass:Bool} OR break_glass)
ORDER BY occurred DESC, position DESC
LIMIT {limit:UInt32}
