-- Puts the readers of the bulk rows into twenty groups of one department each, as the rows of one year of received time say.
-- Read by: TestRowsReadForProfile.
INSERT INTO reader_groups_v1 (group_key, day, reader_key, reader, department, role, position)
SELECT group_key, toDate(occurred), reader_key, reader, concat('Department ', toString(reader_key % 20)), '', min(position)
FROM accesses_by_reader_v1
WHERE toYear(received) = 2016 + {year:UInt64}
GROUP BY group_key, toDate(occurred), reader_key, reader
