-- What an import is, and whether an officer lets its alerts notify.
-- Read by: commands on imports. Cost: a granule.
SELECT
    toBool(count() > 0) AS known,
    toBool(max(backfill)) AS declared,
    toBool(countIf(phase = 2) > 0) AS ended,
    (SELECT toBool(count() > 0) FROM backfill_releases_vN WHERE import_key = {key:UInt64} AND import_id = {import_id:String} AND position <= {position:UInt64}) AS released
FROM imports_vN
WHERE import_key = {key:UInt64} AND import_id = {import_id:String} AND position <= {position:UInt64}
