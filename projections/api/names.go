package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/projections/store"
)

// RuleNames are what the rule set in force calls things, custom detectors included.
type RuleNames struct {
	Detectors []string
	// Scenarios are kinds of misuse: a custom detector's is called as it is.
	Scenarios []string
}

// named refuses the name of a detector or scenario that is neither in the rule set in force nor in anything that was ever found: a name
// that is mistyped would look like one of which nothing was found. statement tells whether it is in what was found; params are its.
func (p *pin) named(ctx context.Context, field, name string, known []string, statement string, params store.Params) error {
	if name == "" || len(known) == 0 || slices.Contains(known, name) {
		return nil
	}
	found := uint64(0)
	if err := p.query(ctx, statement, params, func(row store.Row) error { return row.Scan(&found) }); err != nil {
		return fmt.Errorf("look for what was called so: %w", err)
	}
	if found > 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(known))
	return invalid(field, "unknown, and nothing was ever found by this name; known are "+strings.Join(slices.Compact(sorted), ", "))
}
