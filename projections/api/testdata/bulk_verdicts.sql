-- Judges the bulk rows of one year of received time: nearly all of them explained. Read by: TestRowsReadForVerdicts.
INSERT INTO verdicts_v1 (position, patient, cause, verdict, explanation, closed, sequence, at)
SELECT position, 0, (intDiv(position, 4096) + 200) * 4096, if(cityHash64(position) % 40 = 0, 2, 1),
    if(cityHash64(position) % 40 = 0, 0, 3 + cityHash64(position, 1) % 9), true, intDiv(position, 4096 * 20), received
FROM accesses_by_patient_v1
WHERE toYear(received) = 2016 + {year:UInt64}
