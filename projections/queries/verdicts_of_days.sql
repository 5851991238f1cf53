-- How many verdicts the days have: one a patient of an event; those that came again for a later fact count again.
-- What was said of a day before it was closed does not count. Read by: ScoreDetectors. Cost: a row a message of findings.
SELECT sum(verdicts) AS judged_accesses
FROM judged_vN
WHERE day BETWEEN {from_day:Date} AND {to_day:Date} AND closed AND cause <= {position:UInt64}
