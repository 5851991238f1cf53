-- Merges that run now. Read by: whoever waits until the tables have come to rest.
SELECT count() FROM system.merges
