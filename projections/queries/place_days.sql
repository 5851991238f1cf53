-- On which days anybody did something at a workstation or network address, newest month first: the number of the month's first day since
-- 1970-01-01, and a bit a day, the first day the lowest.
-- Read by: SearchAccesses, when it names one. Cost: the place's rows of the months, rounded up to granules of 256.
SELECT toUInt16(month), groupBitOr(days)
FROM place_readers_vN
WHERE place_key = {place:UInt64} AND month BETWEEN toDate({first_month:UInt16}) AND toDate({last_month:UInt16}) AND position <= {position:UInt64}
GROUP BY month
ORDER BY month DESC
