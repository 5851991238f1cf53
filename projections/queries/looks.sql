-- Pages of questions that were asked through Readtrail about a record, under any of its identifiers: a row an identifier. Who
-- reads this compares system and value and adds up: to group and sort a handful of rows took the engine as long as to read them.
-- Read by: the first page of who-viewed; looks_counted.sql adds up where there are more rows than the limit. Cost: one granule
-- (1,024 rows) an identifier and part.
SELECT look, position
FROM questions_vN
PREWHERE subject_key IN {keys:Array(UInt64)}
WHERE position <= {position:UInt64} AND NOT summary
LIMIT {limit:UInt32}
