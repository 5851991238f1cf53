-- Run by: benchmarks and tests that generate rows inside the engine. The next session of a projector fences the table again.
ALTER TABLE TABLE_NAME DROP CONSTRAINT IF EXISTS writer
