-- The latest version of one alert, 0: there is none; and whether it ever cited one of the asker's own readers.
-- Read by: commands on alerts. Cost: the granules of 256 versions that the filter of ids leaves.
SELECT max(version) AS latest_version, toBool(max(hasAny(reader_keys, {own:Array(UInt64)}))) AS about_asker
FROM alerts_vN
WHERE alert_id = {id:String} AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
