-- Events that touched an object, newest first. The index over object values leaves few granules.
-- Read by: SearchAccesses, when it names an object, a text, unresolved or patientless events. Cost: granules of 512 rows
-- that may hold the object; for an object type or a text alone the whole period.
SELECT
    position,
    toUnixTimestamp64Micro(occurred) AS occurred_us,
    toUnixTimestamp64Micro(received) AS received_us,
    codes,
    patient_key,
    reader_key
FROM accesses_by_patient_fields_vN
WHERE position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND (occurred, position) < (fromUnixTimestamp64Micro({after_occurred:Int64}), {after_position:UInt64})
  AND ({object:String} = '' OR has(object_values, {object:String}))
  AND (NOT {object_exact:Bool}
       OR arrayExists((s, v) -> s = {object_system:String} AND v = {object:String}, object_systems, object_values))
  AND ({object_type:String} = '' OR has(object_types, {object_type:String}))
  AND ({text:String} = '' OR positionCaseInsensitiveUTF8(patient_text, {text:String}) > 0
       OR arrayExists(n -> positionCaseInsensitiveUTF8(n, {text:String}) > 0, object_names))
  AND ({site:String} = '' OR site = {site:String})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({network_address:String} = '' OR network_address = {network_address:String})
  AND ({source:String} = '' OR source = {source:String})
  AND ({action:UInt8} = 0 OR action = {action:UInt8})
  AND (NOT {break_glass:Bool} OR break_glass)
  AND (NOT {patientless:Bool} OR patient_key = 0)
  AND (NOT {unresolved:Bool} OR patient_key = 1)
ORDER BY occurred DESC, position DESC
LIMIT 1 BY position
LIMIT {limit:UInt32}
