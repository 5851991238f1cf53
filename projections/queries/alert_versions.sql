-- All versions of one alert, oldest first, as known at the position.
-- Read by: one alert. Cost: the granules of 256 versions that the filter of ids leaves.
SELECT body
FROM alerts_vN
WHERE alert_id = {id:String} AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
ORDER BY version
