-- The months in which anybody did something at a workstation or network address, newest first, by the number of their first day since 1970-01-01.
-- Read by: SearchAccesses, when it names one. Cost: the place's rows of the months, rounded up to granules of 256.
SELECT toUInt16(month)
FROM place_readers_vN
WHERE place_key = {place:UInt64} AND month BETWEEN toDate({first_month:UInt16}) AND toDate({last_month:UInt16}) AND position <= {position:UInt64}
GROUP BY month
ORDER BY month DESC
