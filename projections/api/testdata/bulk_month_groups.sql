-- A month of 5,000 readers in 100 groups, of whom two thirds work on a day, in reader_groups_v1. Read by: TestReaderGroupsAreSmall.
INSERT INTO reader_groups_v1 (group_key, day, reader_key, reader, department, role, position)
SELECT
    xxHash64(concat('department ', toString(reader % 100), '\x1fnurse')), toDate('2026-01-01') + day,
    greatest(xxHash64(concat('urn:staff|u', toString(reader))), 2), concat('urn:staff\x1fu', toString(reader)),
    concat('Department ', toString(reader % 100)), 'nurse', day * 8192000000 + cityHash64(reader, day, 1) % 8192000000
FROM (SELECT number % 5000 AS reader, intDiv(number, 5000) AS day FROM numbers(150000))
WHERE cityHash64(reader, day) % 3 > 0
