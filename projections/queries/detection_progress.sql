-- How far detectors have judged, as known at the position. A day counts as judged when it was closed, and the last message of the cause
-- that closed it is there: a sign that is a matter of record is found on the open day, and leaves the rest of it unjudged. A cause may
-- close a day and say something new of an earlier one, so its last message does not tell all of its days.
-- Read by: every answer header, again when another message of findings was folded. Cost: light columns of a row a message of findings,
-- which has up to 32,768 verdicts.
SELECT
    max(cause) AS judged_position,
    toUnixTimestamp64Micro(max(cause_at)) AS judged_us,
    toInt32(max(live_day)) AS judged_day,
    toInt32(max(imported_day)) AS history_day
FROM
(
    SELECT
        cause,
        max(at) AS cause_at,
        maxIf(day, closed AND NOT backfill) AS live_day,
        maxIf(day, closed AND backfill) AS imported_day
    FROM judged_vN
    WHERE cause <= {position:UInt64}
    GROUP BY cause
    HAVING max(last)
)
