-- Who is who in the generated years: each population of patients (slots) and of readers (generations) under its own
-- identifiers. Positions are those of the population's first repetition.
INSERT INTO identifiers_v1 (folded, kind, system, value, key, text, position)
SELECT lower(new_value), kind, system, new_value, if(key < 2, key, greatest(xxHash64(concat(system, '|', new_value)), 2)), text,
       ({first_sequence:UInt64} + intDiv(first, 4096)) * 4096 + first % 4096
FROM
(
    SELECT kind, system, key, text, concat(value, '-', toString(population)) AS new_value,
           population * if(kind IN (2, 5), {per_generation:UInt64}, {per_slot:UInt64}) AS first
    FROM bench_identifiers
    ARRAY JOIN range(toUInt64(if(kind IN (2, 5), {generations:UInt32}, {slots:UInt32}))) AS population
    WHERE value != ''
);

INSERT INTO event_links_v1 (key, other_key, kind, system, value, other_system, other_value, position, source)
SELECT greatest(xxHash64(concat(system, '|', new_value)), 2), if(new_other = '', 0, greatest(xxHash64(concat(other_system, '|', new_other)), 2)), kind, system,
       new_value, other_system, new_other, ({first_sequence:UInt64} + intDiv(first, 4096)) * 4096 + first % 4096, source
FROM
(
    SELECT kind, system, other_system, source, concat(value, '-', toString(population)) AS new_value,
           if(other_value = '', '', concat(other_value, '-', toString(population))) AS new_other,
           population * if(kind = 2, {per_generation:UInt64}, {per_slot:UInt64}) AS first
    FROM bench_links
    ARRAY JOIN range(toUInt64(if(kind = 2, {generations:UInt32}, {slots:UInt32}))) AS population
)
