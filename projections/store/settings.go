package store

// pinned are the settings of every statement whose default differs between releases of ClickHouse, or could, and whose
// value this program relies on. Those that a release does not know are left out.
var pinned = Settings{
	// An insert is one block, written and synced before it is acknowledged; batches are made here, not in the server.
	// 26.2 turned asynchronous inserts on by default.
	"async_insert":          "0",
	"wait_for_async_insert": "1",
	// Exactly once comes from positions (see the projector), not from the server's log of block hashes: a kill between its
	// log and the rename of a part loses the retried rows. 26.2 turned it on for all inserts and for views.
	"insert_deduplicate":                                 "0",
	"deduplicate_insert":                                 "disable",
	"async_insert_deduplicate":                           "0",
	"deduplicate_blocks_in_dependent_materialized_views": "0",
	"deduplicate_insert_select":                          "disable",
	// One insert stays one block, and one part in each partition.
	"max_insert_block_size":            "1048576",
	"min_insert_block_size_rows":       "1048576",
	"min_insert_block_size_bytes":      "268435456",
	"max_partitions_per_insert_block":  "100",
	"materialized_views_ignore_errors": "0",
	"materialize_statistics_on_insert": "0",
	// The answer of a statement says what has happened.
	"alter_sync":               "1",
	"mutations_sync":           "1",
	"lightweight_deletes_sync": "1",
	// Meaning of queries and of the text of values.
	"join_use_nulls":                         "0",
	"transform_null_in":                      "0",
	"group_by_use_nulls":                     "0",
	"aggregate_functions_null_for_empty":     "0",
	"cast_keep_nullable":                     "0",
	"cast_string_to_date_time_mode":          "basic",
	"date_time_input_format":                 "best_effort",
	"date_time_overflow_behavior":            "throw",
	"session_timezone":                       "UTC",
	"use_variant_as_common_type":             "0",
	"input_format_column_name_matching_mode": "match_case",
	"apply_row_policy_after_final":           "1",
	// The answer is computed from the tables each time.
	"use_query_cache": "0",
	// What a skip index leaves out while it reads, the engine (26.5) remembers in its cache of conditions as left out by the PREWHERE alone: the
	// next question of that PREWHERE does not find those rows, whatever its WHERE lets through. Indexes are asked before anything is read.
	"use_skip_indexes_on_data_read":             "0",
	"create_table_empty_primary_key_by_default": "0",
	"enable_analyzer":                           "1",
}
