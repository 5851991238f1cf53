-- The import that a cause ended, and whether an officer lets its alerts notify.
-- Read by: one alert of a backfill. Cost: a row an import.
SELECT import_id, toBool(import_key IN (SELECT import_key FROM backfill_releases_vN WHERE position <= {position:UInt64})) AS released
FROM imports_vN
WHERE position = {cause:UInt64}
