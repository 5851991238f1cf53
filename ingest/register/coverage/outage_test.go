package coverage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func nobody(string, time.Time) bool { return false }

// TestReadtrailDown takes Readtrail down for two hours of a busy afternoon. Its sources keep what they have and send it
// afterwards: Readtrail was down, and no source was silent or late.
func TestReadtrailDown(t *testing.T) {
	w := newWorld(t)
	start := w.monday()
	for _, s := range sources {
		w.register(start, s, 0, false)
	}
	from, until := w.stopOfPacs()
	w.live(start, from, nobody)
	for n := range 60 {
		at := until.Add(time.Duration(n) * time.Second)
		w.append(at, tick(at), w.event("emr", at, until.Sub(from)-time.Duration(n)*time.Minute, 0), w.event("pacs", at, time.Hour, -time.Hour))
	}
	w.live(until.Add(5*time.Minute), until.Add(30*time.Hour), nobody)
	if diff := cmp.Diff([]string{" OUTAGE Tue 2026-10-27 12:55 - Tue 2026-10-27 15:00"}, w.watch(once)); diff != "" {
		t.Error(diff)
	}
}

// TestSilentThroughAnOutage: a source that was silent before Readtrail went down, and still is afterwards, is told of, from
// when it was last heard.
func TestSilentThroughAnOutage(t *testing.T) {
	w := newWorld(t)
	start := w.monday()
	for _, s := range sources {
		w.register(start, s, 0, false)
	}
	from, until := w.stopOfPacs()
	silentSince := from.Add(-15 * time.Minute)
	silent := func(s string, at time.Time) bool { return s == "pacs" && !at.Before(silentSince) }
	w.live(start, from, silent)
	w.live(until, until.Add(10*time.Minute), silent)
	want := []string{" OUTAGE Tue 2026-10-27 12:55 - Tue 2026-10-27 15:00"}
	if diff := cmp.Diff(want, w.watch(once)); diff != "" {
		t.Errorf("after 25 minutes in which anybody listened:\n%s", diff)
	}
	w.live(until.Add(10*time.Minute), until.Add(2*time.Hour), silent)
	want = append(want, "pacs SILENCE Tue 2026-10-27 12:40 - open")
	if diff := cmp.Diff(want, w.watch(once)); diff != "" {
		t.Errorf("after two hours and a quarter:\n%s", diff)
	}
}

// TestDeclaredSilenceThroughAnOutage: an hour of silence is an hour in which Readtrail listened.
func TestDeclaredSilenceThroughAnOutage(t *testing.T) {
	w := newWorld(t)
	start := w.monday()
	w.register(start, "hr", 3600, false)
	w.append(start, w.event("hr", start, 0, 0))
	w.ticks(start, start.Add(30*time.Minute))
	w.ticks(start.Add(5*time.Hour), start.Add(5*time.Hour+35*time.Minute))
	want := []string{" OUTAGE Mon 2026-09-28 00:20 - Mon 2026-09-28 05:00"}
	if diff := cmp.Diff(want, w.watch(once)); diff != "" {
		t.Errorf("before the hour is over:\n%s", diff)
	}
	w.ticks(start.Add(5*time.Hour+35*time.Minute), start.Add(6*time.Hour))
	want = append(want, "hr SILENCE Mon 2026-09-28 00:00 - open")
	if diff := cmp.Diff(want, w.watch(once)); diff != "" {
		t.Errorf("after it:\n%s", diff)
	}
}
