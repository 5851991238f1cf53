-- One part of a year, which stands in place of YEAR. Cost: the year's rows are read and written once.
OPTIMIZE TABLE accesses_by_patient_v1 PARTITION YEAR FINAL;

OPTIMIZE TABLE accesses_by_reader_v1 PARTITION YEAR FINAL
