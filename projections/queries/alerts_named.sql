-- Whether any alert that the list may hold looks like a scenario, or has a detector that speaks, as known at the position: 1 or 0.
-- Read by: the queue, when it is asked for a name that the rule set in force does not have. Cost: one light column of all versions.
SELECT toUInt64(count()) AS named
FROM
(
    SELECT 1
    FROM alerts_vN
    WHERE sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
      AND ({scenario:String} = '' OR scenario = {scenario:String})
      AND ({detector:String} = '' OR has(detectors, {detector:String}))
      AND (empty({own:Array(UInt64)}) OR alert_id NOT IN
      (
          SELECT alert_id
          FROM alerts_vN
          WHERE notEmpty({own:Array(UInt64)}) AND hasAny(reader_keys, {own:Array(UInt64)})
            AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
      ))
    LIMIT 1
)
