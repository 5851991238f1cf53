package journal_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// clocks are the two clocks of a machine in a test.
type clocks struct {
	wall, boot atomic.Int64 // microseconds
}

// config is a journal's that lives by them.
func (c *clocks) config(t *testing.T) journal.Config {
	t.Helper()
	c.wall.Store(testStart().UnixMicro())
	cfg := testConfig(t, t.TempDir())
	cfg.Now = func() time.Time { return time.UnixMicro(c.wall.Load()) }
	return journal.WithBootClock(cfg, func() time.Duration { return time.Duration(c.boot.Load()) * time.Microsecond })
}

// set moves the wall clock only, as somebody who sets it; pass moves both.
func (c *clocks) set(d time.Duration) { c.wall.Add(d.Microseconds()) }

func (c *clocks) pass(d time.Duration) {
	c.set(d)
	c.boot.Add(d.Microseconds())
}

func receivedAt(t *testing.T, j *journal.Journal, entries ...ingest.Entry) time.Time {
	t.Helper()
	b, err := j.ReadBatch(t.Context(), mustAppend(t, j, entries...)[0].Position.Sequence())
	must(t, err)
	return b.Received()
}

// TestClockFarAheadIsNotBelieved: one look at a wrong clock must not freeze the received times. Entries wait, and go on with
// the right time once the clock is right.
func TestClockFarAheadIsNotBelieved(t *testing.T) {
	var c clocks
	j := open(t, c.config(t))
	first := receivedAt(t, j, numbered(1))
	c.pass(time.Hour)
	c.set(10 * 365 * 24 * time.Hour)
	_, err := j.Append(t.Context(), []ingest.Entry{numbered(2)}, ingest.Options{})
	if !errors.Is(err, journal.ErrClock) || !errors.Is(err, ingest.ErrBusy) || !strings.Contains(err.Error(), "start Readtrail anew") {
		t.Errorf("append ten years ahead: %v", err)
	}
	if err := j.Ready(); !errors.Is(err, journal.ErrClock) {
		t.Errorf("ready: %v", err)
	}
	c.set(-10 * 365 * 24 * time.Hour)
	must(t, j.Ready())
	if at := receivedAt(t, j, numbered(2)); !at.Equal(first.Add(time.Hour)) {
		t.Errorf("received at %s, want an hour after %s", at, first)
	}
}

// TestClockJumpsUnderABatch lets the clock jump when an entry was taken already: its batch does not leave.
func TestClockJumpsUnderABatch(t *testing.T) {
	var c clocks
	cfg := c.config(t)
	var looks atomic.Int64
	looks.Store(1 << 30)
	wall := cfg.Now
	cfg.Now = func() time.Time {
		if looks.Add(-1) < 0 {
			return wall().AddDate(10, 0, 0)
		}
		return wall()
	}
	j := open(t, cfg)
	first := receivedAt(t, j, numbered(1))
	looks.Store(1) // the call's; the batch's comes after it
	if _, err := j.Append(t.Context(), []ingest.Entry{numbered(2)}, ingest.Options{}); !errors.Is(err, journal.ErrClock) {
		t.Errorf("append: %v", err)
	}
	looks.Store(1 << 30)
	r := mustAppend(t, j, numbered(2))[0]
	if r.Status != ingest.Stored || r.Position.Sequence() != 2 {
		t.Errorf("after it: %+v, want stored in the next batch", r)
	}
	if at := receivedAt(t, j, numbered(3)); at.Sub(first) > time.Minute {
		t.Errorf("received at %s after %s", at, first)
	}
}

// TestSleepIsNoJump puts the machine to sleep for a month: both clocks say so.
func TestSleepIsNoJump(t *testing.T) {
	var c clocks
	j := open(t, c.config(t))
	first := receivedAt(t, j, numbered(1))
	c.pass(31 * 24 * time.Hour)
	if at := receivedAt(t, j, numbered(2)); at.Sub(first) != 31*24*time.Hour {
		t.Errorf("received at %s after %s", at, first)
	}
}

// TestClockAtOpen: after the last entry, 30 days may pass; more than that somebody has to know of.
func TestClockAtOpen(t *testing.T) {
	var c clocks
	cfg := c.config(t)
	j := open(t, cfg)
	mustAppend(t, j, numbered(1))
	shut(t, j)
	c.pass(29 * 24 * time.Hour)
	j = open(t, cfg)
	mustAppend(t, j, numbered(2))
	shut(t, j)
	c.pass(31 * 24 * time.Hour)
	_, err := journal.Open(t.Context(), cfg)
	if !errors.Is(err, journal.ErrClock) || !strings.Contains(err.Error(), "journal.max_clock_jump") {
		t.Fatalf("open 31 days later: %v", err)
	}
	cfg.MaxClockJump = 32 * 24 * time.Hour
	j = open(t, cfg)
	if at := receivedAt(t, j, numbered(3)); !at.Equal(time.UnixMicro(c.wall.Load())) {
		t.Errorf("received at %s", at)
	}
}

// TestClockSetRight: a clock that was wrong when the journal was opened is set right by more than a day. It is believed as far
// as a start would be, and only where something speaks for it; afterwards a day is the limit again.
func TestClockSetRight(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name string
		// at is where the clock stood at the opening, from the last entry on; after that, right comes after a while.
		at, after, right time.Duration
		kept             bool
		refused          bool
	}{
		{name: "by the network, soon after the start", at: day, after: time.Minute, right: 9 * day},
		{name: "an hour later, by nobody knows whom", at: day, after: time.Hour, right: 9 * day, refused: true},
		{name: "days later, by a time service", at: day, after: 5 * day, right: 9 * day, kept: true},
		{name: "days later, having stood behind the last entry", at: -200 * day, after: 5 * day, right: 209 * day},
		{name: "further than a start believes", at: day, after: time.Minute, right: 31 * day, kept: true, refused: true},
		{name: "further than a start believes, from behind the last entry", at: -day, after: time.Minute, right: 32 * day, refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var clock clocks
			kept := c.kept
			cfg := journal.WithClockKept(clock.config(t), func() bool { return kept })
			j := open(t, cfg)
			last := receivedAt(t, j, numbered(1))
			shut(t, j)
			clock.set(c.at)
			j = open(t, cfg)
			mustAppend(t, j, numbered(2))
			clock.pass(c.after)
			clock.set(c.right)
			if c.refused {
				if _, err := j.Append(t.Context(), []ingest.Entry{numbered(3)}, ingest.Options{}); !errors.Is(err, journal.ErrClock) {
					t.Errorf("append: %v, want a refusal", err)
				}
				return
			}
			if at := receivedAt(t, j, numbered(3)); !at.Equal(last.Add(c.at + c.after + c.right)) {
				t.Errorf("received at %s, the last before was at %s", at, last)
			}
			kept = false
			clock.pass(2 * time.Hour)
			mustAppend(t, j, numbered(4))
			clock.set(2 * day)
			if _, err := j.Append(t.Context(), []ingest.Entry{numbered(5)}, ingest.Options{}); !errors.Is(err, journal.ErrClock) {
				t.Errorf("two days on: %v, want a refusal", err)
			}
		})
	}
}

// TestClockAheadIsTold: received times that stand ahead of the clock are reported, until it has caught up.
func TestClockAheadIsTold(t *testing.T) {
	var c clocks
	j := open(t, c.config(t))
	c.set(3 * time.Hour)
	mustAppend(t, j, numbered(1))
	if d := j.ClockAhead(); d != 0 {
		t.Errorf("ahead of itself by %s", d)
	}
	c.set(-3 * time.Hour)
	mustAppend(t, j, numbered(2))
	if d := j.ClockAhead(); d != 3*time.Hour {
		t.Errorf("ahead by %s, want 3h", d)
	}
	must(t, j.Ready()) // it is no reason to take nothing
	c.pass(2*time.Hour + 56*time.Minute)
	if d := j.ClockAhead(); d != 0 {
		t.Errorf("ahead by %s, which is tolerated", d)
	}
}

// TestTicksTellHowLongTheJournalIsOpen: by a clock that nobody can set, and which opening it is.
func TestTicksTellHowLongTheJournalIsOpen(t *testing.T) {
	var c clocks
	cfg := c.config(t)
	cfg.TickEvery = time.Millisecond
	last := func(j *journal.Journal) *v1.Tick {
		t.Helper()
		for passed := j.Head().Sequence() + 2; j.Head().Sequence() < passed; { // the first may have been on its way
			time.Sleep(time.Millisecond)
		}
		b, err := j.ReadBatch(t.Context(), j.Head().Sequence())
		must(t, err)
		items, err := b.Items()
		must(t, err)
		return items[len(items)-1].GetTick()
	}
	j := open(t, cfg)
	c.pass(time.Hour)
	c.set(12 * time.Hour)
	if tick := last(j); tick.UptimeUs != time.Hour.Microseconds() || tick.OpenedAt != 0 {
		t.Errorf("%v, want one that says an hour since the first opening", tick)
	}
	shut(t, j)
	end := j.Head().Sequence()
	j = open(t, cfg)
	c.pass(time.Minute)
	if tick := last(j); tick.UptimeUs != time.Minute.Microseconds() || tick.OpenedAt != end {
		t.Errorf("%v, want one that says a minute since the opening at %d", tick, end)
	}
}

// TestFirstEntryIsATick: whatever is appended, and however soon, a tick of this opening stands before it; while that cannot be
// kept, nothing else is.
func TestFirstEntryIsATick(t *testing.T) {
	var c clocks
	cfg := c.config(t)
	cfg.TickEvery = time.Hour
	var wrong atomic.Bool
	var looks atomic.Int64
	wall := cfg.Now
	cfg.Now = func() time.Time {
		if looks.Add(1) > 1 && wrong.Load() {
			return wall().AddDate(10, 0, 0)
		}
		return wall()
	}
	for opening := range 3 {
		wrong.Store(opening == 2)
		looks.Store(0)
		j := open(t, cfg)
		end := journal.OpenedAt(j)
		if opening == 2 {
			if _, err := j.Append(t.Context(), []ingest.Entry{numbered(opening)}, ingest.Options{}); !errors.Is(err, journal.ErrClock) {
				t.Fatalf("append with a wrong clock: %v", err)
			}
			wrong.Store(false)
			for { // refused, until the tick is tried again
				_, err := j.Append(t.Context(), []ingest.Entry{numbered(opening)}, ingest.Options{})
				if err == nil {
					break
				}
				if !errors.Is(err, ingest.ErrBusy) {
					t.Fatal(err)
				}
				pause(t.Context(), 10*time.Millisecond)
			}
		} else {
			mustAppend(t, j, numbered(opening))
		}
		b, err := j.ReadBatch(t.Context(), end+1)
		must(t, err)
		items, err := b.Items()
		must(t, err)
		if tick := items[0].GetTick(); tick == nil || tick.OpenedAt != end {
			t.Errorf("opening %d begins with %v, want a tick that says it was opened at %d", opening, items[0], end)
		}
		shut(t, j)
		c.pass(time.Hour)
	}
}
