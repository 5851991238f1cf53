-- Who ever asked, and in which role last.
-- Read by: the command that puts a question of a case to somebody, to say when nobody is known by that name. Cost: two columns of every
-- question that was journaled, a row for each of its subjects; it runs once for each question that is put to a name.
SELECT asker, argMax(role, position) AS latest_role
FROM questions_vN
WHERE position <= {position:UInt64}
GROUP BY asker
