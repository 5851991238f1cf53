-- What each table takes on disk: data, marks, indices, checksums. Read by: bytes an event.
SELECT
    table,
    sum(bytes_on_disk) AS bytes,
    sum(rows) AS rows,
    count() AS parts
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
