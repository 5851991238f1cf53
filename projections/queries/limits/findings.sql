-- A finding is within an asker's limits when every access that it lists is, and it lists all that it is about.
more = 0 AND notEmpty(positions) AND (sequence, number) NOT IN
(
    SELECT sequence, number
    FROM findings_vN
    ARRAY JOIN positions AS cited
    WHERE day BETWEEN {limit_from_day:Date} AND {limit_to_day:Date} AND cited NOT IN
        (
            SELECT position
            FROM accesses_by_reader_vN
            WHERE position IN (SELECT arrayJoin(positions) FROM findings_vN WHERE day BETWEEN {limit_from_day:Date} AND {limit_to_day:Date})
        )
)
