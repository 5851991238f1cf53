-- From here on parts of the path tables stay as they are inserted: late parts must still be there when questions are asked.
ALTER TABLE accesses_by_patient_v1 MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1;

ALTER TABLE accesses_by_reader_v1 MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1
