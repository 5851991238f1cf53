-- Who is who in the generated years: each population of patients (slots) and of readers (generations) under its own
-- identifiers. Positions are those of the population's first repetition.
INSERT INTO identities_v1 (kind, key, said, text, version, position)
SELECT kind, greatest(xxHash64(if(kind > 10, concat('|', lower(new_value)), concat(fields[1], '|', new_value))), 2),
       arrayStringConcat(
           if(kind > 10, [fields[1], new_value],
              [fields[1], new_value, fields[3], if(fields[4] = '', '', concat(fields[4], '-', toString(population))), fields[5]]), '\x1f'),
       text, 0, ({first_sequence:UInt64} + intDiv(first, 4096)) * 4096 + first % 4096
FROM
(
    SELECT kind, text, fields, concat(fields[2], '-', toString(population)) AS new_value, population,
           population * if(kind IN (2, 12, 15), {per_generation:UInt64}, {per_slot:UInt64}) AS first
    FROM bench_identities
    ARRAY JOIN range(toUInt64(if(kind IN (2, 12, 15), {generations:UInt32}, {slots:UInt32}))) AS population
    WHERE fields[2] != ''
)
