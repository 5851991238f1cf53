package coverage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
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
	w.open(until)
	for n := range 60 {
		at := until.Add(time.Duration(n) * time.Second)
		w.append(at, w.tick(at), w.event("emr", at, until.Sub(from)-time.Duration(n)*time.Minute, 0), w.event("pacs", at, time.Hour, -time.Hour))
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
	w.open(until)
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
	w.open(start.Add(5 * time.Hour))
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

// TestClockStepIsNoOutage: a clock is set twelve hours ahead, below what a journal believes, and set right later, so that the
// received times stand still. Readtrail ran all the time, and the source that said nothing meanwhile is told of.
func TestClockStepIsNoOutage(t *testing.T) {
	for name, up := range map[string]time.Duration{"of a server that ran for weeks": 0, "of one that was started an hour before": time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			start := w.monday()
			for _, s := range sources {
				w.register(start, s, 0, false)
			}
			from, _ := w.stopOfPacs()
			w.live(start, from.Add(-up), nobody)
			if up != 0 {
				w.open(from.Add(-up))
				w.live(from.Add(-up), from, nobody)
			}
			w.ahead = 12 * time.Hour
			stood := from.Add(w.ahead)
			for n := range 12 * 60 {
				at := stood.Add(time.Duration(n) * time.Microsecond)
				w.append(at, w.tick(at), w.event("emr", at, 0, 0))
			}
			w.live(stood.Add(time.Minute), stood.Add(time.Hour), func(s string, _ time.Time) bool { return s == "pacs" })
			told := map[string]bool{}
			for _, fact := range w.watch(once) {
				told[fact] = true
				if strings.Contains(fact, "OUTAGE") {
					t.Errorf("told though Readtrail ran: %s", fact)
				}
			}
			if want := "pacs SILENCE Tue 2026-10-27 12:55 - open"; !told[want] {
				t.Errorf("facts %v do not hold %q", told, want)
			}
		})
	}
}

// TestOutageAsFarAsProven: what the first tick of an opening says counts as down only before that opening; a tick that says
// nothing, or that the stretch was spent open, proves none.
func TestOutageAsFarAsProven(t *testing.T) {
	for _, c := range []struct {
		name     string
		uptime   time.Duration
		openedAt uint64
		want     []string
	}{
		{"opened just now", time.Minute, 7, []string{" OUTAGE Mon 2026-09-28 00:00 - Mon 2026-09-28 04:59"}},
		{"the clock refused for two hours", 2 * time.Hour, 7, []string{" OUTAGE Mon 2026-09-28 00:00 - Mon 2026-09-28 03:00"}},
		{"open for all but nine minutes of it", 4*time.Hour + 51*time.Minute, 7, nil},
		{"open for longer than it", 6 * time.Hour, 7, nil},
		{"opened before it", time.Minute, 3, nil},
		{"no uptime", 0, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			start := w.monday()
			says := func(at time.Time, uptime time.Duration, openedAt uint64) *v1.Item {
				return &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{
					AtUs: at.UnixMicro(), UptimeUs: uptime.Microseconds(), OpenedAt: openedAt,
				}}}
			}
			w.append(start, says(start, time.Hour, 3))
			back := start.Add(5 * time.Hour)
			w.append(back, w.event("emr", back, 0, 0)) // before the first tick
			w.append(back, says(back, c.uptime, c.openedAt))
			if diff := cmp.Diff(c.want, w.watch(each)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// each stops after every batch, so that all that is known goes through a snapshot; the batch before it is looked at again.
func each() int { return 2 }
