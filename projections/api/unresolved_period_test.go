package api_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestUnresolvedOfAnyPeriod: the header counts the events whose patient is known by text only, of any period and as of any moment, however
// the ones before were asked for, while they come, and whether they are remembered one by one or are too many for that.
func TestUnresolvedOfAnyPeriod(t *testing.T) {
	for name, most := range map[string]int{"remembered": 1000, "too many": 5, "many from the first": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.service.SetListedUnresolved(most)
			random := rand.New(rand.NewPCG(7, uint64(most)))
			type event struct{ occurred, received int64 }
			var all []event
			for round := range 12 {
				w.pass(time.Hour)
				for range random.IntN(4) {
					at := begin.Add(-time.Duration(random.IntN(10)) * 24 * time.Hour)
					w.append(access("ehr", at, nil, id("urn:staff", "r"), func(e *v1.AccessEvent) {
						e.Patients = []*v1.Patient{{Text: fmt.Sprint("Patient ", random.IntN(3))}}
					}))
					all = append(all, event{at.UnixMicro(), w.clock().UnixMicro()})
				}
				w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "r")))
				w.settle()
				for range 6 {
					m := &v1.WhoViewedRequest{Patient: "urn:mrn|1", Purpose: "p"}
					if random.IntN(3) > 0 {
						m.FromUs = begin.Add(-time.Duration(random.IntN(12)) * 24 * time.Hour).UnixMicro()
						m.UntilUs = m.FromUs + int64(random.IntN(6)+1)*24*time.Hour.Microseconds()
					}
					if random.IntN(2) > 0 {
						m.AsOfUs = w.clock().Add(-time.Duration(random.IntN(round+1)) * time.Hour).UnixMicro()
					}
					want := uint64(0)
					for _, e := range all {
						if (m.AsOfUs == 0 || e.received <= m.AsOfUs) && (m.UntilUs == 0 || e.occurred >= m.FromUs && e.occurred < m.UntilUs) {
							want++
						}
					}
					if res := w.whoViewed(m.Patient, func(to *v1.WhoViewedRequest) { to.FromUs, to.UntilUs, to.AsOfUs = m.FromUs, m.UntilUs, m.AsOfUs }); res.Header.UnresolvedEvents != want {
						t.Fatalf("round %d, %v: %d unresolved, want %d", round, m, res.Header.UnresolvedEvents, want)
					}
				}
			}
		})
	}
}
