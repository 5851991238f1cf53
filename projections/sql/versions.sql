-- Every version and its largest stage. Read by: the projector at a start, rebuild. Cost: a few rows.
SELECT version, max(stage) FROM versions GROUP BY version ORDER BY version
