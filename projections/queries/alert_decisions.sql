-- What people decided on one alert, oldest first, as known at the position.
-- Read by: one alert. Cost: a granule.
SELECT position AS at, version, disposition, comment, asker, role, toUnixTimestamp64Micro(decided) AS decided_us
FROM decisions_vN
WHERE alert_id = {id:String} AND position <= {position:UInt64}
ORDER BY position
