package api_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestWhatIsKeptIsWhatIsAsked compares, after every change of what stands around an answer, the service that keeps it while
// the projector tells of no change with one that asks ClickHouse each time.
func TestWhatIsKeptIsWhatIsAsked(t *testing.T) {
	w := newWorld(t)
	quiet := func(change func(*api.Config)) *api.Service {
		cfg := w.config()
		cfg.Ask = func(context.Context, []*v1.Question) error { return nil }
		change(&cfg)
		s := serve(t, cfg)
		return s
	}
	keeps := quiet(func(*api.Config) {})
	gap := func(until time.Time) *v1.Item {
		fact := &v1.CoverageFact{Source: "ehr", Kind: v1.CoverageFact_KIND_SILENCE, FromUs: begin.Add(-3 * time.Hour).UnixMicro()}
		if !until.IsZero() {
			fact.UntilUs = until.UnixMicro()
		}
		return &v1.Item{Body: &v1.Item_Coverage{Coverage: fact}}
	}
	byText := func(text string) *v1.Item {
		return access("ehr", begin.Add(-time.Hour), nil, id("urn:staff", "r"), func(e *v1.AccessEvent) { e.Patients = []*v1.Patient{{Text: text}} })
	}
	for i, items := range [][]*v1.Item{
		{access("ehr", begin.Add(-2*time.Hour), id("urn:mrn", "1"), id("urn:staff", "r"))},
		{registered(&v1.SourceRegistered{Name: "ehr", Owner: "first"})},
		{gap(time.Time{})},
		{byText("Nobody")},
		{access("pacs", begin.Add(-4*time.Hour), id("urn:mrn", "1"), id("urn:staff", "s"))},
		{gap(begin.Add(-time.Hour))},
		{byText("Nobody"), byText("Somebody")},
		{registered(&v1.SourceRegistered{Name: "ehr", Owner: "second"}), registered(&v1.SourceRegistered{Name: "ris"})},
	} {
		w.pass(time.Minute)
		w.append(items...)
		w.settle()
		for _, m := range []*v1.WhoViewedRequest{
			{Patient: "1", Purpose: "p"},
			{Patient: "1", Purpose: "p", FromUs: begin.Add(-3 * time.Hour).UnixMicro(), UntilUs: begin.UnixMicro()},
			{Patient: "1", Purpose: "p", AsOfUs: begin.Add(2*time.Minute + time.Second).UnixMicro()},
		} {
			var got [2]*v1.WhoViewedResponse
			for k, s := range []*api.Service{keeps, quiet(func(c *api.Config) { c.Live = nil })} {
				res, err := s.WhoViewed(w.ctx(), connect.NewRequest(m))
				if err != nil {
					t.Fatal(err)
				}
				got[k] = res.Msg
			}
			ignore := protocmp.IgnoreFields(&v1.AnswerHeader{}, "question_id")
			if diff := cmp.Diff(got[1], got[0], protocmp.Transform(), ignore); diff != "" {
				t.Fatalf("change %d: asked (-) and kept (+): %s", i, diff)
			}
		}
	}
	// Nothing changes any more: nothing around the answer is asked for.
	c := &costs{}
	keeps.SetMeter(func(name string, _ store.Stats) { c.meter(name, store.Stats{}) })
	for _, from := range []int64{0, begin.Add(-150 * time.Minute).UnixMicro()} { // a period of which nobody asked before
		if _, err := keeps.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p", FromUs: from})); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"watermark", "sources", "source_extents", "coverage", "unresolved_times", "unresolved_events", "unresolved_since"} {
		if c.statements[name] > 0 {
			t.Errorf("%s was asked again", name)
		}
	}
}

// TestNothingIsKnownOnlyOfWhatIsProjected: what the journal has acknowledged about a subject is in the answer, or the answer
// says that it is not known yet. It never says that nothing is known.
func TestNothingIsKnownOnlyOfWhatIsProjected(t *testing.T) {
	w := newWorld(t)
	w.service.SetPatience(time.Minute)
	w.append(access("ehr", begin.Add(-time.Hour), id("urn:mrn", "1"), id("urn:staff", "r")))
	w.settle()
	// The events follow each other faster than they are projected.
	for i := range 40 {
		patient := fmt.Sprintf("new-%d", i)
		w.append(access("ehr", begin.Add(-time.Minute), id("urn:mrn", patient), id("urn:staff", patient)))
		if res := w.whoViewed(patient); res.Totals.Events != 1 || res.Header.Behind != 0 {
			t.Fatalf("event %d: %d events, %d behind, notes %v", i, res.Totals.Events, res.Header.Behind, res.Header.Notes)
		}
		if res := w.activity(patient); res.Totals.Events != 1 || res.Header.Behind != 0 {
			t.Fatalf("event %d: reader has %d events, %d behind", i, res.Totals.Events, res.Header.Behind)
		}
	}
	// A merge counts from its acknowledgement on.
	w.append(patientFact("ehr", "7", "", []*v1.Identifier{id("urn:mrn", "1"), id("urn:mrn", "new-1")}))
	if res := w.whoViewed("urn:mrn|1"); res.Totals.Events != 2 {
		t.Errorf("after the merge: %d events of 2, notes %v", res.Totals.Events, res.Header.Notes)
	}
}

// TestWhatIsNotProjectedYetIsSaid: the journal goes on while the projections stand still.
func TestWhatIsNotProjectedYetIsSaid(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin.Add(-time.Hour), id("urn:mrn", "1"), id("urn:staff", "r")))
	w.settle()
	cfg := w.config()
	stuck, _ := w.projector.Live()
	cfg.Live = func() (projections.Live, bool) { return stuck, true }
	service := serve(t, cfg)
	w.append(access("ehr", begin.Add(-time.Minute), id("urn:mrn", "2"), id("urn:staff", "r")))
	for _, tt := range []struct {
		patient      string
		behind, wait bool
	}{{"2", true, true}, {"1", false, false}, {"2", true, false}} {
		began := time.Now()
		res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: tt.patient, Purpose: "p"}))
		if err != nil {
			t.Fatal(err)
		}
		h := res.Msg.Header
		if (h.Behind > 0) != tt.behind || hasNote(h, "Not known yet") != tt.behind || hasNote(h, "nothing is known") {
			t.Errorf("patient %s: %d behind, notes %v", tt.patient, h.Behind, h.Notes)
		}
		// What concerns another record holds no answer up, and projections that stand still hold up one only.
		if took := time.Since(began); !tt.wait && took > 1500*time.Millisecond {
			t.Errorf("patient %s: the answer waited %v", tt.patient, took)
		}
	}
}

// TestWhatCameAfterAPastMomentIsNotMissing: an answer as of a moment waits for what was received until then, and says nothing
// of what came after it.
func TestWhatCameAfterAPastMomentIsNotMissing(t *testing.T) {
	w := newWorld(t)
	event := func(patient string) {
		w.append(access("ehr", begin.Add(-time.Minute), id("urn:mrn", patient), id("urn:staff", "r")))
	}
	event("1")
	w.settle()
	stuck, _ := w.projector.Live()
	w.pass(time.Minute)
	event("2")
	w.settle()
	until, _ := w.projector.Live()
	asOf := until.Received
	w.pass(time.Minute)
	event("2")
	event("3")
	w.settle()
	for _, tt := range []struct {
		name, patient string
		stale         int // how often the projections are seen where they stood
		events        uint64
	}{
		{"the projections come up in time", "2", 1, 1},
		{"they stand still, and only later events are missing", "3", 1 << 30, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, left := w.config(), atomic.Int64{}
			left.Store(int64(tt.stale))
			cfg.Live = func() (projections.Live, bool) {
				if left.Add(-1) >= 0 {
					return stuck, true
				}
				return w.projector.Live()
			}
			service := serve(t, cfg)
			res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: tt.patient, Purpose: "p", AsOfUs: asOf}))
			if err != nil {
				t.Fatal(err)
			}
			if h := res.Msg.Header; res.Msg.Totals.Events != tt.events || h.Behind != 0 || hasNote(h, "Not known yet") {
				t.Errorf("%d events of %d, %d behind, notes %v", res.Msg.Totals.Events, tt.events, h.Behind, h.Notes)
			}
		})
	}
}
