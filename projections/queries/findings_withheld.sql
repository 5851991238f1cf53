-- How many findings of some days are about one of the asker's own readers.
-- Read by: SearchFindings, when it is known which reader the asker is. Cost: the granules of 256 that the filter of readers leaves.
SELECT count() AS withheld
FROM findings_vN
WHERE day BETWEEN {from_day:Date} AND {to_day:Date}
  AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
  AND reader_key IN {own:Array(UInt64)}
