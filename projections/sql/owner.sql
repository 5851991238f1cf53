-- Whose projections these are: of two claims that were made at once, one wins for everybody. Read by: the projector at a
-- start and before each watermark. Cost: a row for each start there ever was.
SELECT argMax(journal, (claim, process)), argMax(process, (claim, process)), max(claim) FROM owner
