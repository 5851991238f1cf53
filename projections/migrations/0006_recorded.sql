-- Indexes for searches by when events were recorded (IHE ITI-81), which is not what the path tables are sorted by. They cost a
-- few bytes a granule. Parts from before have them once they are merged; until then those are read.

-- Few events are recorded far from when they occurred: the index finds them. Read by: events_by_reader, events_by_time.
ALTER TABLE accesses_by_patient_vN ADD INDEX IF NOT EXISTS recorded_delays recorded_delay TYPE minmax GRANULARITY 16;

-- Leaves the parts that reach into a period. Read by: events_by_time.
ALTER TABLE accesses_by_reader_vN ADD INDEX IF NOT EXISTS occurred_range occurred TYPE minmax GRANULARITY 16;
