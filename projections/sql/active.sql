-- The version that answers; 0 before the first. Read by: the projector at a start. Cost: a few rows.
SELECT argMax(version, flip), max(flip) FROM active
