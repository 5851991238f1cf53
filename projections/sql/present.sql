-- Positions above the watermark that stand in a table. Read by: recovery. Cost: the parts that received anything since
-- the watermark (the partition's range of received), of those the granules that position_range leaves.
SELECT DISTINCT position
FROM TABLE_NAME
WHERE position > {after:UInt64} AND received >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
