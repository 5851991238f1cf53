package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestScopeIsTheFold compares scopes of random histories, with merges and un-merges, with a second fold of the journal: from
// every way in, as of several positions, in pages.
func TestScopeIsTheFold(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := &history{rand.New(rand.NewPCG(seed, 11))}
			w := newWorld(t)
			var stops []uint64
			for range 4 {
				w.pass(time.Minute)
				for range 4 {
					items := make([]*v1.Item, 1+h.r.IntN(25))
					for i := range items {
						items[i] = h.item(w.clock())
					}
					w.append(items...)
				}
				stops = append(stops, uint64(w.head()))
			}
			w.settle()
			// Questions of this test stand behind all of them and concern no scope.
			all := w.entries()
			var some []string
			for i, x := range all {
				if i%3 == 0 && x.item.GetAccess() != nil {
					some = append(some, fmt.Sprint(x.position))
				}
			}
			from, until := begin.Add(-5*time.Minute).UnixMicro(), begin.Add(2*time.Minute).UnixMicro()
			for name, tt := range map[string]struct {
				query *v1.ScopeQuery
				match func(entry) bool
			}{
				"reader":      {&v1.ScopeQuery{Reader: "urn:staff|1"}, byReader("1")},
				"bare reader": {&v1.ScopeQuery{Reader: "2"}, byReader("2")},
				"account":     {&v1.ScopeQuery{Account: "urn:staff|0"}, byReader("0")},
				"workstation": {&v1.ScopeQuery{Workstation: "WS-1"}, func(x entry) bool { return x.item.GetAccess().Workstation == "WS-1" }},
				"object":      {&v1.ScopeQuery{Object: "urn:o|1"}, hasObject("1")},
				"window": {&v1.ScopeQuery{FromUs: from, UntilUs: until}, func(x entry) bool {
					return x.item.GetAccess().OccurredUs >= from && x.item.GetAccess().OccurredUs < until
				}},
				"events": {&v1.ScopeQuery{Events: some}, func(x entry) bool { return slices.Contains(some, fmt.Sprint(x.position)) }},
				"all at once": {&v1.ScopeQuery{Reader: "urn:staff|1", Workstation: "WS-1", Object: "1", UntilUs: until}, func(x entry) bool {
					return byReader("1")(x) && x.item.GetAccess().Workstation == "WS-1" && hasObject("1")(x) && x.item.GetAccess().OccurredUs < until
				}},
			} {
				for i, stop := range stops {
					size := uint32(100)
					if name == "window" {
						size = uint32(2 + i) // pages of every size
					}
					got := breachScope(t, w, w.service, tt.query, size, func(m *v1.BreachScopeRequest) { m.AsOfPosition = stop })
					want := foldScope(all, stop, tt.match)
					if diff := cmp.Diff(want.lines(), linesOf(got, joined(all, stop))); diff != "" {
						t.Errorf("%s at %d: second fold (-) and answer (+): %s", name, stop, diff)
					}
					checkInvariant(t, got)
					checkNobodyLost(t, all, stop, tt.match, got)
				}
			}
		})
	}
}

// checkInvariant holds an answer to its own arithmetic: each report is counted once, in each way of adding up.
func checkInvariant(t *testing.T, a *v1.BreachScopeResponse) {
	t.Helper()
	whole := func(c *v1.ScopeCounts) bool {
		return c.Reports == c.Accesses+c.SecondReports+c.Failed+c.Incidental+c.Patientless
	}
	if !whole(a.Totals.Counts) {
		t.Errorf("totals do not add up: %v", a.Totals)
	}
	rows, places := a.Totals.Counts.Patientless, uint64(0)
	for _, p := range a.Patients {
		rows += p.Counts.Reports
		if !whole(p.Counts) {
			t.Errorf("a row does not add up: %v", p.Counts)
		}
	}
	for _, u := range a.Unresolved {
		rows += u.Counts.Reports
	}
	var patients uint64
	for _, j := range a.Jurisdictions {
		places += j.Counts.Reports
		patients += j.Patients
	}
	if rows != a.Totals.Counts.Reports || places+a.Totals.Counts.Patientless != rows {
		t.Errorf("%d reports in all, %d in rows, %d by jurisdiction", a.Totals.Counts.Reports, rows, places)
	}
	if patients != a.Totals.Patients || uint64(len(a.Patients)) != a.Totals.Patients {
		t.Errorf("%d patients in all, %d listed, %d by jurisdiction", a.Totals.Patients, len(a.Patients), patients)
	}
}

// checkNobodyLost: every identifier that a matched event names stands in exactly one row.
func checkNobodyLost(t *testing.T, all []entry, position uint64, match func(entry) bool, a *v1.BreachScopeResponse) {
	t.Helper()
	rows := map[string]int{}
	for _, p := range a.Patients {
		for _, id := range p.Identifiers {
			rows[name(id)]++
		}
	}
	for _, x := range all {
		if x.item.GetAccess() == nil || x.position > position || !match(x) {
			continue
		}
		for _, p := range x.item.GetAccess().Patients {
			if len(p.Identifiers) > 0 && rows[name(p.Identifiers[0])] != 1 {
				t.Errorf("a patient of the event at %d stands in %d rows", x.position, rows[name(p.Identifiers[0])])
			}
		}
	}
}
