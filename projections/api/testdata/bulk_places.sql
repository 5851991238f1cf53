-- Says who was at the workstations of the bulk rows of one year of received time, as the projector folds it. Read by: bulk.
INSERT INTO place_readers_v1 (place_key, month, reader_key, days, position)
SELECT greatest(xxHash64(concat('workstation|', workstation)), 2), toStartOfMonth(occurred) AS month, reader_key,
       groupBitOr(bitShiftLeft(toUInt32(1), toDayOfMonth(occurred) - 1)), min(position)
FROM accesses_by_reader_v1
WHERE toYear(received) = 2016 + {year:UInt64}
GROUP BY workstation, month, reader_key
