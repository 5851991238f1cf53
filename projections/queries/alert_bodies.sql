-- Alerts of a page in full, at the versions that the list found.
-- Read by: the queue, once a page. Cost: the granules of 256 versions that hold them.
SELECT alert_id, version, body
FROM alerts_vN
WHERE day IN {days:Array(Date)} AND (alert_id, version) IN arrayZip({ids:Array(String)}, {versions:Array(UInt32)})
