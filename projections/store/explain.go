package store

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
)

var selectedGranules = regexp.MustCompile(`Granules: (\d+)/\d+`)

// Granules is how many granules of tables a query would read, by EXPLAIN: the last figure of each table it reads, after
// all of its indexes. It is for tests that hold a query to its cost.
func (s *Store) Granules(ctx context.Context, sql string, params Params) (uint64, error) {
	var (
		total, current uint64
		found          bool
	)
	err := s.Query(ctx, "EXPLAIN indexes = 1 "+sql, params, func(r Row) error {
		var line string
		if err := r.Scan(&line); err != nil {
			return err
		}
		if readFrom.MatchString(line) {
			total, current = total+current, 0
		}
		if m := selectedGranules.FindStringSubmatch(line); m != nil {
			n, err := strconv.ParseUint(m[1], 10, 64)
			if err != nil {
				return err
			}
			current, found = n, true
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("clickhouse explain: the query reads no table by its index")
	}
	return total + current, err
}

var readFrom = regexp.MustCompile(`ReadFrom`)
