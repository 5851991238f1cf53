-- How many alerts of some days cite one of the asker's own readers in any of their versions.
-- Read by: the queue, when it is known which reader the asker is. Cost: the granules of 256 versions that the filter of readers leaves.
SELECT uniqExact(alert_id) AS withheld
FROM alerts_vN
WHERE day BETWEEN {from_day:Date} AND {to_day:Date}
  AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
  AND hasAny(reader_keys, {own:Array(UInt64)})
