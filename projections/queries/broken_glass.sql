-- Broken glasses, latest first, with the review that holds and what was answered under each.
-- Read by: the list of broken glasses, reviews. Cost: all of them, and a narrow column of all questions.
SELECT
    g.glass_id, g.at_position, g.broken_by, g.broken_role, g.reason, g.at_us, g.until_us, g.at_sites, g.at_departments, g.at_nothing,
    q.answers, q.answered_rows, r.last_verdict, r.reviewer, r.reviewed_us, r.note
FROM
(
    SELECT
        glass_id, position AS at_position, asker AS broken_by, role AS broken_role, text AS reason, toUnixTimestamp64Micro(at) AS at_us,
        toUnixTimestamp64Micro(until) AS until_us, sites AS at_sites, departments AS at_departments, nothing AS at_nothing
    FROM broken_glass_vN
    WHERE NOT review AND position <= {position:UInt64} AND position < {before:UInt64} AND ({id:String} = '' OR glass_id = {id:String})
) AS g
LEFT JOIN
(
    SELECT
        glass_id, argMin(verdict, position) AS last_verdict, argMin(asker, position) AS reviewer,
        toUnixTimestamp64Micro(argMin(at, position)) AS reviewed_us, argMin(text, position) AS note
    FROM broken_glass_vN
    WHERE review AND position <= {position:UInt64}
    GROUP BY glass_id
) AS r ON r.glass_id = g.glass_id
LEFT JOIN
(
    SELECT glass_id, count() AS answers, sum(page_rows) AS answered_rows
    FROM
    (
        SELECT toString(glass_id) AS glass_id, any(rows) AS page_rows
        FROM questions_vN
        WHERE glass_id != '' AND position <= {position:UInt64}
        GROUP BY glass_id, position
    )
    GROUP BY glass_id
) AS q ON q.glass_id = g.glass_id
WHERE {reviewed:Bool} OR r.last_verdict = 0
ORDER BY g.at_position DESC
LIMIT {limit:UInt32}
