-- How many broken glasses wait for a review, and when the first of them was broken; 0 where none does.
-- Read by: the list of broken glasses, the status and the metrics. Cost: all of them.
SELECT countIf(reviews = 0) AS waiting, minIf(broken_us, reviews = 0) AS since_us
FROM
(
    SELECT glass_id, countIf(review) AS reviews, minIf(toUnixTimestamp64Micro(at), NOT review) AS broken_us
    FROM broken_glass_vN
    WHERE position <= {position:UInt64}
    GROUP BY glass_id
    HAVING countIf(NOT review) > 0
)
