-- How far the rollups of one version of the tables go.
-- Read by: ListSources. Cost: a few rows.
SELECT max(position) AS position
FROM watermarks
WHERE version = {version:UInt32} AND projector = 'rollups'
