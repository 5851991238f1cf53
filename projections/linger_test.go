package projections_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/readtrail/readtrail/projections"
)

// TestFewWaitLonger: what comes slowly, and questions, gather for five times as long as what comes fast, counted from the first; what
// somebody waits for leaves once all of it is there.
func TestFewWaitLonger(t *testing.T) {
	const linger = 200 * time.Millisecond
	one, question, many := projections.Arrival{Accesses: 1}, projections.Arrival{}, projections.Arrival{Accesses: 100}
	after := func(d time.Duration, a projections.Arrival) projections.Arrival { a.After = d; return a }
	hurry := func(d time.Duration, to uint64) projections.Arrival { return projections.Arrival{After: d, Hurry: to} }
	for name, tt := range map[string]struct {
		arrivals []projections.Arrival
		want     []time.Duration
	}{
		"an access":                          {[]projections.Arrival{one}, []time.Duration{5 * linger}},
		"many accesses":                      {[]projections.Arrival{many}, []time.Duration{linger}},
		"a question":                         {[]projections.Arrival{question}, []time.Duration{5 * linger}},
		"an access after questions":          {[]projections.Arrival{question, after(4*linger+linger/2, one)}, []time.Duration{5 * linger}},
		"many accesses after a question":     {[]projections.Arrival{question, after(linger+linger/2, many)}, []time.Duration{2 * linger}},
		"few accesses become many":           {[]projections.Arrival{one, after(linger/2, one), after(2*linger, many)}, []time.Duration{3 * linger}},
		"an access, later another":           {[]projections.Arrival{one, after(6*linger, one)}, []time.Duration{5 * linger, 11 * linger}},
		"an access that is waited for":       {[]projections.Arrival{one, hurry(linger/2, 1)}, []time.Duration{linger / 2}},
		"waited for before it is here":       {[]projections.Arrival{hurry(0, 1), after(linger/2, one)}, []time.Duration{linger / 2}},
		"waited for, the next is not":        {[]projections.Arrival{one, hurry(linger/2, 1), after(linger/2, one)}, []time.Duration{linger / 2, 6 * linger}},
		"waited for up to one that follows":  {[]projections.Arrival{one, hurry(linger/2, 2), after(linger/2, one)}, []time.Duration{linger}},
		"waited for twice, up to the same":   {[]projections.Arrival{one, hurry(linger/2, 1), after(linger/2, one), hurry(linger/2, 1)}, []time.Duration{linger / 2, 6 * linger}},
		"waited for in another year":         {[]projections.Arrival{hurry(0, 2), one, {After: linger / 2, Accesses: 1, Year: 1}}, []time.Duration{linger / 2, linger / 2}},
		"waited for when nothing is on hand": {[]projections.Arrival{one, after(6*linger, hurry(0, 1)), after(linger, one)}, []time.Duration{5 * linger, 12 * linger}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if got := projections.Departures(ctx, linger, tt.arrivals); !slices.Equal(got, tt.want) {
					t.Errorf("runs left after %v, want %v", got, tt.want)
				}
			})
		})
	}
}
