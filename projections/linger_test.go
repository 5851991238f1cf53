package projections_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/readtrail/readtrail/projections"
)

// TestQuestionsAloneWaitLonger: a run of questions gathers for five times as long as one that an answer waits for, and an
// access that joins them takes them along at once.
func TestQuestionsAloneWaitLonger(t *testing.T) {
	const linger = 200 * time.Millisecond
	for name, tt := range map[string]struct {
		arrivals []projections.Arrival
		want     []time.Duration
	}{
		"an access":                    {[]projections.Arrival{{Access: true}}, []time.Duration{linger}},
		"a question":                   {[]projections.Arrival{{}}, []time.Duration{5 * linger}},
		"questions":                    {[]projections.Arrival{{}, {After: 2 * linger}, {After: 2 * linger}}, []time.Duration{5 * linger}},
		"an access after a question":   {[]projections.Arrival{{}, {After: linger, Access: true}}, []time.Duration{2 * linger}},
		"a question after an access":   {[]projections.Arrival{{Access: true}, {After: linger / 2}}, []time.Duration{linger}},
		"an access, later a question":  {[]projections.Arrival{{Access: true}, {After: 2 * linger}}, []time.Duration{linger, 7 * linger}},
		"a question, later an access":  {[]projections.Arrival{{}, {After: 6 * linger, Access: true}}, []time.Duration{5 * linger, 7 * linger}},
		"accesses after each other":    {[]projections.Arrival{{Access: true}, {After: linger / 2, Access: true}}, []time.Duration{linger}},
		"an access late in a long run": {[]projections.Arrival{{}, {After: 4*linger + linger/2, Access: true}}, []time.Duration{5*linger + linger/2}},
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
