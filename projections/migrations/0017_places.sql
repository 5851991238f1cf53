-- Who was at a workstation or a network address. Rows from before this migration are filled in once, below, so that no rebuild is needed.

-- Which readers did something at a place on which days of a UTC month, at the smallest position that says so; 0: readers who are not named. It
-- stands under the watermark of the accesses, so that what is known at a position is in it. Group by the key: rows may not be merged yet.
-- place_key is PlaceKey (fold_place.go) of the workstation or of the network address. A day that Date does not reach is its nearest.
-- Read by: searches by workstation or address, to find the readers whose rows are then read in reader order (ADR 33). Cost: the rows of one place
-- and the period's months, rounded up to granules of 256.
CREATE TABLE IF NOT EXISTS place_readers_vN
(
    place_key  UInt64 CODEC(Delta(8), ZSTD(1)),
    month      Date   CODEC(Delta(2), ZSTD(1)),
    reader_key UInt64 CODEC(Delta(8), ZSTD(1)),
    -- The first day of the month is the lowest bit.
    days       SimpleAggregateFunction(groupBitOr, UInt32) CODEC(ZSTD(1)),
    position   SimpleAggregateFunction(min, UInt64)        CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (place_key, month, reader_key)
SETTINGS index_granularity = 256,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

INSERT INTO place_readers_vN (place_key, month, reader_key, days, position)
SELECT
    place,
    toStartOfMonth(toDate(toUInt16(least(greatest(intDiv(toUnixTimestamp64Micro(occurred), 86400000000), 0), 65535))) AS day) AS month,
    reader_key,
    groupBitOr(bitShiftLeft(toUInt32(1), toDayOfMonth(day) - 1)),
    min(position)
FROM accesses_by_reader_vN
ARRAY JOIN
    [
        if(workstation = '', 0, greatest(xxHash64(concat('workstation|', workstation)), 2)),
        if(network_address = '', 0, greatest(xxHash64(concat('address|', network_address)), 2))
    ] AS place
WHERE patient_ordinal = 0 AND place > 0
GROUP BY place, month, reader_key
SETTINGS max_bytes_before_external_group_by = 268435456;
