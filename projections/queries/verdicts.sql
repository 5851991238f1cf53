-- The verdicts on some accesses, as known at the position: a row each time that detectors said something of a patient of an event, those of
-- one patient together. Whoever reads this keeps the one of the latest cause: to find it here, of five columns by keys of up to six, took
-- the engine half as long again.
-- Read by: every list of accesses, for the page; who-viewed for the whole record on the first page; breach scopes of few reports.
-- Cost: 128 rows an access that lies apart from the others.
SELECT position AS access, patient, verdict, explanation, closed, cause, sequence, document
FROM verdicts_vN
PREWHERE position IN {accesses:Array(UInt64)}
WHERE cause <= {position:UInt64}
ORDER BY position, patient
SETTINGS use_skip_indexes = 0
