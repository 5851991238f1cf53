-- Migrations that a version has seen. Read by: the projector at a start. Cost: a few rows.
SELECT name, any(sha256) FROM migrations WHERE version = {version:UInt32} GROUP BY name ORDER BY name
