-- Which events touched an object, and whose they are. The index over object values leaves few granules.
-- Read by: breach scopes from an object. Cost: granules of 512 rows that may hold the object.
SELECT DISTINCT position, reader_key
FROM accesses_by_patient_fields_vN
WHERE position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND has(object_values, {object:String})
  AND (NOT {object_exact:Bool}
       OR arrayExists((s, v) -> s = {object_system:String} AND v = {object:String}, object_systems, object_values))
LIMIT {limit:UInt64}
