-- Whether a detector has any finding that the search may hold, as known at the position: 1 or 0.
-- Read by: SearchFindings, when it is asked for a detector that the rule set in force does not have. Cost: one light column of all findings.
SELECT toUInt64(count()) AS named
FROM
(
    SELECT 1
    FROM findings_vN
    WHERE sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
      AND detector = {detector:String} AND NOT has({own:Array(UInt64)}, reader_key)
    LIMIT 1
)
