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
