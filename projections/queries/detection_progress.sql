-- How far detectors have judged, as known at the position. A day is judged when it was over at its cause, in the site's zone: a sign
-- that is a matter of record is found on the open day, and leaves the rest of it unjudged.
-- Read by: every answer header. Cost: a row a cause: one a day, and one for each sign found on the open day.
SELECT
    max(cause) AS judged_position,
    toUnixTimestamp64Micro(max(at)) AS judged_us,
    toInt32(maxIf(day, NOT backfill AND toDate(at, {site_zone:String}) > day)) AS judged_day,
    toInt32(maxIf(day, backfill)) AS history_day
FROM judged_vN
WHERE last AND cause <= {position:UInt64}
