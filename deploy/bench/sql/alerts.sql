-- Alerts that the table holds.
SELECT count() FROM alerts_v1
