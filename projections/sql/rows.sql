-- How many rows a table holds. Read by: the progress of a rebuild. Cost: none, ClickHouse keeps the number.
SELECT count() FROM TABLE_NAME
