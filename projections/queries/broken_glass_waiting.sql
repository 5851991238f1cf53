-- How many broken glasses wait for a review.
-- Read by: the list of broken glasses. Cost: all of them.
SELECT uniqExactIf(glass_id, NOT review) - uniqExactIf(glass_id, review) AS waiting
FROM broken_glass_vN
WHERE position <= {position:UInt64}
