-- How many verdicts the days have: one a patient of an event; those that came again for a later fact count again.
-- Read by: ScoreDetectors. Cost: a row a message of findings.
SELECT sum(verdicts) AS judged_accesses
FROM judged_vN
WHERE day BETWEEN {from_day:Date} AND {to_day:Date} AND cause <= {position:UInt64}
