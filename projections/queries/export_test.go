package queries

// Rules are how tables are read for askers with limits, by the word for it.
func Rules() map[string]string {
	out := map[string]string{}
	for table, r := range rules() {
		out[table] = [...]string{"refused", "accesses", "derived", "open"}[r]
	}
	return out
}

// Limited puts the limits of an asker into a statement.
func Limited(sql string, reach Reach) (string, bool, error) { return limited(sql, reach) }
