package detect_test

import (
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Two imports of the same days, as of two sources, tell their own stories: of one reader and record on one day there may be an alert
// of each, and neither takes the other's place; who comes back to a record day after day is one story of each. run holds the versions of
// every alert together.
func TestImportsOfTheSameDays(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 9, Staff: 150, Patients: 1500, Days: 20, Incidents: 200})
	at := h.start(20)
	h.rules(at, ruleSet(t, nil))
	h.add(at, h.people("")...)
	for day := range 20 {
		h.add(at, h.care(day, "")...)
	}
	imports := []string{"the record", "the archive"}
	for n, id := range imports {
		mark := func(phase v1.ImportMark_Phase) entry {
			return entry{item: &v1.Item{Body: &v1.Item_ImportMark{ImportMark: &v1.ImportMark{ImportId: []byte(id), Phase: phase, Backfill: true}}}}
		}
		h.add(at, mark(v1.ImportMark_PHASE_BEGIN))
		for day := range 20 {
			events := h.events(day)
			var own []entry
			for i := n; i < len(events); i += len(imports) {
				events[i].item.GetAccess().ImportId = []byte(id)
				own = append(own, events[i])
			}
			h.add(at, own...)
		}
		h.add(at, mark(v1.ImportMark_PHASE_END))
	}
	_, w := run(t, engineConfig(t, h), h.batches)
	type story struct{ day, reader, patient string }
	of := map[story]map[string]bool{}
	for _, a := range w.versions {
		if a.Shape != v1.Shape_SHAPE_PAIR {
			continue
		}
		key := story{time.Unix(int64(a.Day)*86400, 0).Format(time.DateOnly), a.Readers[0].Identifier.String(), a.Patients[0].Identifier.String()}
		if of[key] == nil {
			of[key] = map[string]bool{}
		}
		of[key][string(a.AlertId)] = true
	}
	twice := 0
	for _, ids := range of {
		if len(ids) > 1 {
			twice++
		}
	}
	if twice == 0 {
		t.Error("no reader and record have an alert of each import: the test saw nothing")
	}
	stories := 0
	for _, a := range w.versions {
		days := map[string]bool{}
		for _, c := range a.Accesses {
			days[time.UnixMicro(c.OccurredUs).In(h.zone).Format(time.DateOnly)] = true
		}
		if len(days) > 1 {
			stories++
		}
		if (len(days) > 1) != (a.Version > 1) || !a.Backfill {
			t.Errorf("version %d cites %d days; of an import: %v", a.Version, len(days), a.Backfill)
		}
	}
	if stories == 0 {
		t.Error("nobody came back to a record: the test saw nothing")
	}
}

// What comes so late of a closed day that its alerts are not held any more is an alert of its own.
func TestEventsLaterThanAlertsAreHeld(t *testing.T) {
	t.Parallel()
	h := fortnight().copy(t)
	w := fortnightWritten()
	of := likelyPair(t, h, w)
	var again []entry
	for _, e := range citedEvents(t, h, of) {
		e.SourceEventId, e.EventId, e.RequestId = e.SourceEventId+"-late", nil, ""
		again = append(again, entry{item: &v1.Item{Body: &v1.Item_Access{Access: e}}})
	}
	last := time.UnixMicro(of.AtUs).Add(36 * time.Hour)
	come := []arrival{{last, again}}
	for hour := range 50 {
		at := last.Add(time.Duration(hour) * time.Hour)
		come = append(come, arrival{at, []entry{tick(at)}})
	}
	h.insert(come...)
	cfg := engineConfig(t, h)
	cfg.Limits.Kept = 1 // alerts of closed days are held no longer than the next one
	_, got := run(t, cfg, h.batches)
	i := slices.IndexFunc(got.versions, func(a *v1.AlertVersion) bool { return a.Day == of.Day && a.AtUs > last.UnixMicro() })
	if i < 0 {
		t.Fatal("what came late raised nothing: the test saw nothing")
	}
	if a := got.versions[i]; string(a.AlertId) == string(of.AlertId) || a.Version != 1 {
		t.Errorf("what came late is version %d of the same alert: %v", a.Version, string(a.AlertId) == string(of.AlertId))
	}
}
