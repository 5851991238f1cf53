-- Which of some imports declared themselves backfill.
-- Read by: lists that show an access of an import; what an import declared never changes, so once an import and process.
-- Cost: one granule (1,024 rows).
SELECT DISTINCT import_key
FROM imports_vN
WHERE import_key IN {keys:Array(UInt64)} AND backfill
