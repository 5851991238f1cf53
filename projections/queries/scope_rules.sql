-- By what the events of a breach scope pair whose source has a rule and which state no request id, as pair.go compares those of a record. Only
-- those that stand within five minutes of another one of the same source, reader and action.
-- Read by: breach scopes, when a source has a rule. Cost: a granule of 512 rows a report.
SELECT
    position,
    sipHash64(substringIndex(actor, '\x1f', 3), bitAnd(codes, 255), object_values,
        arrayFilter((f, i) -> i % 4 IN (1, 2), splitByChar('\x1f', objects), arrayEnumerate(splitByChar('\x1f', objects)))) AS rule_key
FROM accesses_by_patient_vN
WHERE (patient_key, occurred, position) IN
(
    SELECT patient_key, occurred, position
    FROM
    (
        SELECT
            patient_key,
            occurred,
            position,
            toUnixTimestamp64Micro(occurred) AS at,
            lagInFrame(at, 1, toInt64(-9000000000000000)) OVER near AS before,
            leadInFrame(at, 1, toInt64(9000000000000000000)) OVER near AS after
        FROM accesses_by_reader_vN
        WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
          AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
          AND ({workstation:String} = '' OR workstation = {workstation:String})
          AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
          AND position <= {position:UInt64}
          AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
          AND pair_key = 0 AND source IN {ruled:Array(String)} AND patient_ordinal = 0
        WINDOW near AS (PARTITION BY source, reader, bitAnd(codes, 255) ORDER BY occurred, position
                        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    )
    WHERE at - before <= {within:Int64} OR after - at <= {within:Int64}
)
LIMIT 1 BY position
