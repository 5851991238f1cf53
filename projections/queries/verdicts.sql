-- The verdicts on some accesses, as known at the position: of each patient the one of the latest cause.
-- Read by: every list of accesses, for the page; who-viewed for the whole record on the first page.
-- Cost: 128 rows an access that lies apart from the others.
SELECT
    position AS access,
    patient,
    -- Patients beyond the 65,535th of one event share a number: of their verdicts the one that least accounts for it.
    argMax(verdict, (cause, sequence, verdict = 2, verdict = 3, explanation, document)) AS last_verdict,
    argMax(explanation, (cause, sequence, verdict = 2, verdict = 3, explanation, document)) AS last_explanation,
    argMax(closed, (cause, sequence)) AS last_closed,
    max(cause) AS last_cause,
    -- Where its document stands: documents.sql.
    argMax(sequence, (cause, sequence)) AS last_sequence,
    argMax(document, (cause, sequence, verdict = 2, verdict = 3, explanation, document)) AS last_document
FROM verdicts_vN
PREWHERE position IN {accesses:Array(UInt64)}
WHERE cause <= {position:UInt64}
GROUP BY position, patient
SETTINGS use_skip_indexes = 0
