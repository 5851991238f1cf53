package rules

import (
	"fmt"

	"github.com/readtrail/readtrail/detectors"
)

// Rule is a custom detector as a file describes it. One goroutine evaluates it at a time.
type Rule struct {
	// When says which accesses count; Line is where the rule begins.
	When string
	Line int
	// Cost is what the evaluations for one access cost at the most, that of each counter included, where texts are of usual length.
	Cost uint64
	// Watched: the cost grows with the texts that a source sends, so it is limited while it runs.
	Watched bool

	custom   detectors.Custom
	counters []counter
	condition
}

// Rules are those of one file.
type Rules []*Rule

// Detectors are the rules as detectors.
func (r Rules) Detectors() []detectors.CustomDetector {
	out := make([]detectors.CustomDetector, len(r))
	for i, one := range r {
		out[i] = one
	}
	return out
}

// Custom describes it.
func (r *Rule) Custom() detectors.Custom { return r.custom }

// Fits evaluates the condition. An error means that it cost too much, or that it asked for what has no result (a division by
// zero).
func (r *Rule) Fits(v *detectors.AccessView) (bool, error) {
	fits, err := r.holds(v)
	if err != nil {
		return false, fmt.Errorf("evaluate %s: %w", r.custom.Name, err)
	}
	return fits, nil
}
