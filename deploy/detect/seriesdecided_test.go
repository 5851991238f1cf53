package detect_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// decision is what somebody decided on a version of an alert.
func decision(of *v1.AlertVersion, what v1.Disposition) entry {
	return entry{item: &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{
		AlertId: of.AlertId, Version: of.Version, Disposition: what, Asker: "token:1", DecidedUs: of.AtUs,
	}}}}
}

// firstSeries is the first version of a reader's series that cites so many records of strangers.
func firstSeries(t *testing.T, w *written, reader *v1.Identifier, least int) *v1.AlertVersion {
	t.Helper()
	for _, a := range w.versions {
		if a.Shape == v1.Shape_SHAPE_SERIAL && pb.Equal(a.Readers[0].Identifier, reader) && len(strangers(a)) >= least {
			return a
		}
	}
	t.Fatalf("no series cites %d records", least)
	return nil
}

// TestADecidedSeriesThenLate: what somebody decided on is told no more, also when something comes late of its latest day.
func TestADecidedSeriesThenLate(t *testing.T) {
	t.Parallel()
	base, reader, _ := snooped(t, 8)
	w := judged(t, base)
	of := firstSeries(t, w, reader, 4)
	h, decided := base.copy(t), time.UnixMicro(of.AtUs).Add(time.Minute)
	cited := citedEvents(t, base, of)
	late := cited[len(cited)-1]
	late.SourceEventId, late.EventId, late.RequestId = "late", nil, ""
	late.OccurredUs += (30 * time.Minute).Microseconds()
	h.insert(
		arrival{decided, []entry{decision(of, v1.Disposition_DISPOSITION_APPROPRIATE)}},
		arrival{decided.Add(time.Hour), []entry{{item: &v1.Item{Body: &v1.Item_Access{Access: late}}}}},
	)
	w = judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-150)))
	over := map[uint64]bool{}
	for _, c := range of.Accesses {
		over[c.Position] = true
	}
	after := 0
	for _, a := range w.versions {
		if len(a.Readers) == 0 || !pb.Equal(a.Readers[0].Identifier, reader) || a.AtUs <= decided.UnixMicro() || string(a.AlertId) == string(of.AlertId) {
			continue
		}
		after++
		for _, c := range a.Accesses {
			if over[c.Position] {
				t.Errorf("%s of day %d, version %d, cites what was decided on", a.Shape, a.Day, a.Version)
				break
			}
		}
	}
	if after == 0 {
		t.Error("nothing was told of the reader afterwards: the test saw nothing")
	}
}

// TestADecisionOnARecordsOwnAlert: whoever decides on the alert of one record takes it out of the series, also when something came late of its
// day before, by which that was told by the series alone.
func TestADecisionOnARecordsOwnAlert(t *testing.T) {
	t.Parallel()
	base, reader, at := snooped(t, 8)
	base = base.copy(t)
	base.after(at[0].Add(-24*time.Hour), entry{item: &v1.Item{Body: &v1.Item_RuleSet{RuleSet: ruleSet(t, func(c *ruleset.Config) { c.Threshold = 985 })}}})
	base.share(t, base.start(10))
	w := judged(t, base)
	var own *v1.AlertVersion
	for _, a := range w.versions {
		if a.Shape == v1.Shape_SHAPE_PAIR && pb.Equal(a.Readers[0].Identifier, reader) && len(strangers(a)) == 1 && !a.Shown {
			own = a // the latest
		}
	}
	if own == nil {
		t.Fatal("no record has an alert of its own")
	}
	record, _ := strings.CutPrefix(own.Patients[0].Identifier.Value, "Patient/stranger-")
	late := citedEvents(t, base, own)[0]
	late.SourceEventId, late.EventId, late.RequestId = "late", nil, ""
	late.OccurredUs += (30 * time.Minute).Microseconds()
	came := time.UnixMicro(own.AtUs).Add(72 * time.Hour)
	for name, first := range map[string][]entry{"nothing late": nil, "something late": {{item: &v1.Item{Body: &v1.Item_Access{Access: late}}}}} {
		h := base.copy(t)
		h.insert(arrival{came, first}, arrival{came.Add(26 * time.Hour), []entry{decision(own, v1.Disposition_DISPOSITION_APPROPRIATE)}})
		w := judged(t, h)
		told, last := false, (*v1.AlertVersion)(nil)
		for _, a := range w.versions {
			if a.Shape == v1.Shape_SHAPE_SERIAL && pb.Equal(a.Readers[0].Identifier, reader) {
				last = a
				told = told || strangers(a)[record] > 0
			}
		}
		if !told {
			t.Errorf("%s: no series told the record before: the test saw nothing", name)
		}
		if strangers(last)[record] > 0 {
			t.Errorf("%s: the series still cites a record whose own alert was called appropriate", name)
		}
	}
}

// TestAReopenedSeries: a series that was decided on and is opened again goes on, whether at once or after its accesses are not held any more.
func TestAReopenedSeries(t *testing.T) {
	t.Parallel()
	at := func(h *hospital, hour int) time.Time { return h.start(0).Add(time.Duration(hour) * time.Hour) }
	h, reader := openedBy(t, opened{3, 0, 3}, opened{4, 1, 3}, opened{5, 2, 3}, opened{6, 3, 3}, opened{15, 4, 3})
	h.after(at(h, 17*24+2), tick(at(h, 17*24+2)))
	h.share(t, at(h, 5*24))
	w := judged(t, h)
	of := firstSeries(t, w, reader, 2)
	for name, reopened := range map[string]time.Time{"at once": time.UnixMicro(of.AtUs).Add(2 * time.Minute), "after ten days": at(h, 16*24+12)} {
		one := h.copy(t)
		one.insert(
			arrival{time.UnixMicro(of.AtUs).Add(time.Minute), []entry{decision(of, v1.Disposition_DISPOSITION_APPROPRIATE)}},
			arrival{reopened, []entry{decision(of, v1.Disposition_DISPOSITION_REOPENED)}},
		)
		w := judged(t, one)
		must(t, w.same(restoredOften(t, one, len(one.batches)-100)))
		told := map[string]int{}
		for _, a := range latestOf(t, w, reader) {
			for n := range strangers(a) {
				if a.Shown {
					told[n]++
				}
			}
			if string(a.AlertId) == string(of.AlertId) && strangers(a)["4"] == 0 {
				t.Errorf("%s: the series does not go on: version %d cites %v", name, a.Version, strangers(a))
			}
		}
		for n, alerts := range told {
			if alerts != 1 {
				t.Errorf("%s: the record %s is told by %d alerts that are shown", name, n, alerts)
			}
		}
	}
}

// TestTargetsOfASeries: each record of a series that was found to be misuse is a target, however many they are.
func TestTargetsOfASeries(t *testing.T) {
	t.Parallel()
	base, reader, _ := snooped(t, 8)
	w := judged(t, base)
	for _, least := range []int{3, 6} {
		of := firstSeries(t, w, reader, least)
		h, when := base.copy(t), time.UnixMicro(of.AtUs)
		h.insert(
			arrival{when.Add(time.Minute), []entry{decision(of, v1.Disposition_DISPOSITION_MISUSE)}},
			arrival{when.Add(3 * time.Hour), sameAs(citedEvents(t, base, of)[0], "again", when.Add(2*time.Hour), 3, 0)},
		)
		got := judged(t, h)
		told, targeted := false, false
		for _, a := range got.versions {
			if a.AtUs > of.AtUs && pb.Equal(a.Readers[0].Identifier, reader) && strangers(a)["0"] > 0 {
				told, targeted = true, targeted || slices.Contains(a.Boosts, "targeted_patient")
			}
		}
		if !told || !targeted {
			t.Errorf("of a series of %d records that was found to be misuse, one that is opened again is told %v and a target %v", len(strangers(of)), told, targeted)
		}
	}
}
