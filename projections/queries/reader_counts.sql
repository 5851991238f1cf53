-- How many events each identifier of a reader keys, by the identifier as it is packed.
-- Read by: the candidates of an ambiguous question. Cost: the candidates' own rows.
SELECT
    toString(reader) AS packed_identifier,
    uniqExact(position) AS events
FROM accesses_by_reader_vN
PREWHERE reader_key IN {keys:Array(UInt64)}
WHERE reader IN {packed:Array(String)}
  AND position <= {position:UInt64}
GROUP BY packed_identifier
