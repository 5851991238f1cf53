package api_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/detectiontest"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestFewReportsAreCountedAlike: of random histories with merges, rules of pairing and verdicts, a scope whose reports are counted one by one
// is the one that ClickHouse counts, whatever asks for it, up to the hash.
func TestFewReportsAreCountedAlike(t *testing.T) {
	h := &history{rand.New(rand.NewPCG(21, 4))}
	w := newWorld(t)
	w.append(registered(&v1.SourceRegistered{Name: "pacs", PairWithinS: 20}))
	var stops []uint64
	for range 12 {
		w.pass(time.Minute)
		items := make([]*v1.Item, 40)
		for i := range items {
			items[i] = h.item(w.clock())
		}
		w.append(items...)
	}
	w.settle()
	stops = append(stops, uint64(w.head()))
	all := w.entries()
	judging := &hospital{world: w, random: h.r, accesses: accessesOf(all)}
	judging.detector = detectiontest.NewGenerator(5, uint64(w.head()), begin)
	judging.detect(5)
	w.settle()
	stops = append(stops, uint64(w.head()))
	var some []string
	for i, x := range all {
		if i%3 == 0 && x.item.GetAccess() != nil {
			some = append(some, fmt.Sprint(x.position))
		}
	}
	services := map[int]*api.Service{}
	costsOf := map[int]*costs{}
	for _, most := range []int{20_000, 7, 0} {
		s := serve(t, w.config())
		s.SetFewReports(most)
		costsOf[most] = &costs{}
		s.SetMeter(costsOf[most].meter)
		services[most] = s
	}
	verdicts := uint64(0)
	for name, query := range map[string]*v1.ScopeQuery{
		"reader": {Reader: "urn:staff|1"}, "bare reader": {Reader: "2"}, "account": {Account: "urn:staff|0"},
		"object": {Object: "urn:o|1"}, "events": {Events: some}, "at once": {Reader: "urn:staff|1", Workstation: "WS-1", UntilUs: begin.UnixMicro()},
	} {
		for _, stop := range stops {
			ask := func(most int) *v1.BreachScopeResponse {
				res := breachScope(t, w, services[most], query, 100, func(m *v1.BreachScopeRequest) { m.AsOfPosition = stop })
				res.Header, res.NextPageToken = nil, ""
				return res
			}
			want := ask(0)
			if want.Totals.Counts.Reports == 0 {
				t.Errorf("%s: the history has no such report", name)
			}
			verdicts += want.Verdicts.GetExplained() + want.Verdicts.GetUnexplained() + want.Verdicts.GetNotAssessable()
			for _, most := range []int{20_000, 7} {
				if diff := cmp.Diff(want, ask(most), protocmp.Transform()); diff != "" {
					t.Errorf("%s at %d: counted by ClickHouse (-) and up to %d here (+): %s", name, stop, most, diff)
				}
			}
		}
	}
	if verdicts == 0 {
		t.Error("no report was judged: the test proves little")
	}
	few, some7, none := costsOf[20_000].statements, costsOf[7].statements, costsOf[0].statements
	if few["scope_reports"] == 0 || few["scope_counts"]+few["scope_pairs"]+few["scope_verdicts"] > 0 {
		t.Errorf("few reports are read with %v", few)
	}
	if some7["scope_reports"] == 0 || some7["scope_counts"] == 0 || none["scope_reports"] > 0 || none["scope_counts"] == 0 {
		t.Errorf("many reports are read with %v and %v", some7, none)
	}
}
