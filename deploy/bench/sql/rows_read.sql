-- Rows that all queries of the engine have read from tables since its start.
SELECT sum(value) FROM system.events WHERE event = 'SelectedRows'
