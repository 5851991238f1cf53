-- How many events each identifier of a reader keys.
-- Read by: the candidates of an ambiguous question. Cost: the candidates' own rows.
SELECT
    reader_system,
    reader_value,
    uniqExact(position) AS events
FROM accesses_by_reader_vN
WHERE reader_key IN {keys:Array(UInt64)}
  AND concat(reader_system, '|', reader_value) IN {texts:Array(String)}
  AND position <= {position:UInt64}
GROUP BY reader_system, reader_value
