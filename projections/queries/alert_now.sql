-- The latest version of one alert; 0: there is none.
-- Read by: commands on alerts. Cost: the granules of 256 versions that the filter of ids leaves.
SELECT max(version) AS latest_version
FROM alerts_vN
WHERE alert_id = {id:String} AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
