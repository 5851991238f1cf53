package detect_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
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
	must(t, w.same(restoredOften(t, h, len(h.batches)-60)))
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

// What was counted of a day is counted once: whoever comes late of a story that was told, and comes again the next day, adds an access to it,
// and nothing to what is usual or to how likely it is.
func TestLateEventsCountOnce(t *testing.T) {
	t.Parallel()
	const times = 4
	h := newHospital(t, simulate.Config{Seed: 8, Staff: 150, Patients: 1500, Days: 12, Incidents: 90})
	h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) { c.LearningDays, c.Threshold, c.Sample = 4, 900, 0 }))
	h.before("")
	h.live(0, 12, "")
	for hour := range 50 {
		at := h.start(12).Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	e, w := run(t, engineConfig(t, h), h.batches)
	before := usual(t, e)
	told := map[string]*v1.AlertVersion{}
	for _, a := range w.versions {
		if a.Shape == v1.Shape_SHAPE_PAIR && !a.Hard && !a.Sampled && a.Day >= int32(h.start(10).Unix()/86_400) {
			told[string(a.AlertId)] = a
		}
	}
	shown := 0
	for id, a := range told {
		if a.State == v1.AlertState_ALERT_STATE_RETRACTED {
			delete(told, id)
		}
		if a.Shown {
			shown++
		}
	}
	if shown == 0 || shown == len(told) {
		t.Fatalf("%d of %d alerts are shown: the test would see nothing", shown, len(told))
	}
	at, n := h.batches[len(h.batches)-1].Received(), len(h.batches)
	for day := range times {
		for id, a := range told {
			again := citedEvents(t, h, a)[0]
			again.SourceEventId, again.EventId, again.RequestId = fmt.Sprintf("late-%x-%d", id, day), nil, ""
			again.OccurredUs += int64(day+1) * time.Second.Microseconds()
			again.Mode = v1.AccessMode_ACCESS_MODE_INCIDENTAL // more looks would say more of that day
			h.add(at.Add(time.Minute), entry{item: &v1.Item{Body: &v1.Item_Access{Access: again}}})
		}
		at = at.Add(24 * time.Hour)
		h.add(at, tick(at))
	}
	defer func() {
		_, whole := run(t, engineConfig(t, h), h.batches)
		must(t, whole.same(restoredOften(t, h, n)))
	}()
	late := &written{}
	for _, b := range h.batches[n:] {
		must(t, e.Apply(t.Context(), b, late.take(t)))
	}
	versions, first, last := map[string]int{}, map[string]*v1.AlertVersion{}, map[string]*v1.AlertVersion{}
	for _, a := range late.versions {
		if versions[string(a.AlertId)]++; versions[string(a.AlertId)] == 1 {
			first[string(a.AlertId)] = a
		}
		last[string(a.AlertId)] = a
	}
	for id, a := range told {
		if versions[id] < times {
			t.Errorf("%q has %d versions by what came late, want %d", a.Note.Title, versions[id], times)
			continue
		}
		if last[id].Shown != a.Shown || last[id].Score != first[id].Score {
			t.Errorf("%q was shown: %t, and is: %t (score %d by the first late event, then %d)",
				a.Note.Title, a.Shown, last[id].Shown, first[id].Score, last[id].Score)
		}
	}
	if !bytes.Equal(before, usual(t, e)) {
		t.Error("what came late of stories that were told changed what is usual")
	}
}

// Old days of which something comes make nothing older, however many they are: an undeclared file of 56 days, with one event each.
func TestOldDaysFadeNothing(t *testing.T) {
	t.Parallel()
	h := fortnight().copy(t)
	e, _ := run(t, engineConfig(t, h), h.batches)
	lessons, events := e.Stats().Lessons, h.events(10)
	if lessons == 0 {
		t.Fatal("nothing was learned: the test would see nothing")
	}
	at, n := h.batches[len(h.batches)-1].Received(), len(h.batches)
	for day := range 56 {
		old := events[day].item
		old.GetAccess().OccurredUs = h.start(-100 - day).Add(10 * time.Hour).UnixMicro()
		h.add(at, entry{item: old})
	}
	at = at.Add(24 * time.Hour)
	h.add(at, tick(at))
	days := e.Stats().Days
	for _, b := range h.batches[n:] {
		must(t, e.Apply(t.Context(), b, func(detectors.Output) error { return nil }))
	}
	if s := e.Stats(); s.Days != days+56 || s.Lessons != lessons {
		t.Errorf("%d days were judged and %d patients are known of for edges; want 56 and %d", s.Days-days, s.Lessons, lessons)
	}
}

// restoredOften is what comes out with several hands, and of an engine that is restored from a snapshot every few batches from one on.
func restoredOften(t *testing.T, h *hospital, from int) *written {
	t.Helper()
	cfg := engineConfig(t, h)
	cfg.Hands = 4
	e, w, n := h.begun(t, cfg, from)
	w.more(t, e, h.batches[n:from])
	for i, b := range h.batches[from:] {
		if i%10 == 0 {
			e = restored(t, cfg, snapshotOf(t, e))
		}
		must(t, e.Apply(t.Context(), b, w.take(t)))
	}
	return w
}

// usual are the bytes of what an engine knows of what is usual.
func usual(t *testing.T, e *detectors.Engine) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, p := range e.Parts() {
		if p.Name == "usual" {
			must(t, p.Write(&out))
		}
	}
	return out.Bytes()
}
