package detect_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest/simulate"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Half of two days' events come when the days were closed long ago. They get their verdicts at the next closing, stories that were
// told are told on under their ids, and the day's budget is not spent twice.
func TestLateEvents(t *testing.T) {
	t.Parallel()
	const budget = 2
	h := newHospital(t, simulate.Config{Seed: 8, Staff: 150, Patients: 1500, Days: 12, Incidents: 90})
	h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) { c.LearningDays, c.Budget, c.Sample = 4, budget, 0 }))
	h.before("")
	h.live(0, 7, "")
	var late []entry
	for day := 7; day < 9; day++ {
		events := h.events(day)
		for i, e := range events {
			if i%2 == 0 {
				h.add(time.UnixMicro(e.item.GetAccess().GetOccurredUs()).Add(time.Second), e)
			} else {
				late = append(late, e)
			}
		}
		h.add(h.start(day+1), h.care(day, "")...)
		h.add(h.start(day+1), tick(h.start(day+1)))
	}
	h.live(9, 12, "")
	h.add(h.start(12), late...)
	for hour := range 50 {
		at := h.start(12).Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	_, w := run(t, engineConfig(t, h), h.batches)
	latest, grown := map[string]*v1.AlertVersion{}, 0
	for _, a := range w.versions {
		before := latest[string(a.AlertId)]
		if a.Version != before.GetVersion()+1 {
			t.Errorf("version %d follows version %d", a.Version, before.GetVersion())
		}
		if before != nil && before.Cause != a.Cause && !before.Hard && len(a.Accesses) > len(before.Accesses) {
			grown++
		}
		latest[string(a.AlertId)] = a
	}
	if grown == 0 {
		t.Error("no story grew by what came late: the test saw nothing")
	}
	shown := map[int32]int{}
	for _, a := range latest {
		if a.Shown && !mayExceed(a) {
			if shown[a.Day]++; shown[a.Day] > budget {
				t.Errorf("%d alerts shown on day %d", shown[a.Day], a.Day)
			}
		}
	}
	judged := map[uint64]bool{}
	for _, m := range w.messages {
		at := uint64(0)
		for _, d := range m.Verdicts.GetPositions() {
			at += d
			judged[at] = true
		}
	}
	for _, b := range h.batches {
		items, err := b.Items()
		must(t, err)
		for i, it := range items {
			if e := it.GetAccess(); e != nil && len(e.Patients) > 0 && !judged[uint64(b.Position(i))] {
				t.Fatalf("an event of %s has no verdict", time.UnixMicro(e.OccurredUs))
			}
		}
	}
}
