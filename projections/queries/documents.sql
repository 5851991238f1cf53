-- What documents some verdicts: by the messages that they came in, and the places there.
-- Read by: every list of accesses and one event, for what is shown. Cost: 128 rows a document that lies apart from the others.
SELECT sequence, number, source, type, id, from_us, if(lasts_us = 0, 0, from_us + lasts_us) AS until_us, position
FROM documents_vN
PREWHERE (sequence, number) IN arrayZip({sequences:Array(UInt64)}, {numbers:Array(UInt16)})
