package coverage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/register/coverage"
	"github.com/readtrail/readtrail/ingest/register/journaltest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// world writes a journal as a hospital would, minute by minute, and then has it watched.
type world struct {
	t       *testing.T
	journal *journaltest.Journal
	zone    *time.Location
	dice    *rand.Rand
	serial  uint64
	// opened is when the journal was opened, and openings how often before that; ahead is how far its clock was set since.
	opened   time.Time
	openings uint64
	ahead    time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	journal, err := journaltest.New(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, journal: journal, zone: zone, dice: rand.New(rand.NewPCG(1, 2))}
}

func (w *world) append(at time.Time, items ...*v1.Item) {
	w.t.Helper()
	if len(items) == 0 {
		return
	}
	w.journal.SetNow(at)
	entries := make([]ingest.Entry, len(items))
	for i, it := range items {
		entries[i] = ingest.Entry{Item: it}
	}
	if _, err := w.journal.Append(w.t.Context(), entries, ingest.Options{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) register(at time.Time, name string, expected uint32, disabled bool) {
	w.append(at, &v1.Item{Body: &v1.Item_Source{Source: &v1.SourceRegistered{
		Name: name, TimeZone: w.zone.String(), ExpectedSilenceS: expected, Disabled: disabled,
	}}})
}

// tick is journaled at a time of the journal's clock, a moment after it.
func (w *world) tick(at time.Time) *v1.Item {
	if w.opened.IsZero() {
		w.opened = at
	}
	at = at.Add(time.Microsecond)
	return &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{
		AtUs: at.UnixMicro(), UptimeUs: at.Add(-w.ahead).Sub(w.opened).Microseconds(), OpenedAt: w.openings,
	}}}
}

// open opens the journal anew.
func (w *world) open(at time.Time) {
	w.opened, w.ahead = at, 0
	w.openings++
}

// event occurred and was recorded so long before it came.
func (w *world) event(source string, at time.Time, delay, skew time.Duration) *v1.Item {
	w.serial++
	return &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
		EventId: fmt.Appendf(nil, "%020d", w.serial), Source: source,
		OccurredUs: at.Add(skew - delay).UnixMicro(), RecordedUs: at.Add(skew).UnixMicro(),
	}}}
}

// perHour is what each source says at an hour of the local clock: busy by day, quiet at night and at weekends.
func (w *world) perHour(source string, at time.Time) float64 {
	l := at.In(w.zone)
	day := l.Hour() >= 7 && l.Hour() < 19 && l.Weekday() != time.Saturday && l.Weekday() != time.Sunday
	rates := map[string][2]float64{"emr": {80, 4}, "pacs": {30, 1}, "mail": {25, 0.3}}[source]
	if day {
		return rates[0]
	}
	return rates[1]
}

var sources = []string{"emr", "pacs", "mail"}

// live goes through time in steps of five minutes, with a tick in each. silent says who says nothing.
func (w *world) live(from, until time.Time, silent func(source string, at time.Time) bool) {
	const step = 5 * time.Minute
	for at := from; at.Before(until); at = at.Add(step) {
		items := []*v1.Item{w.tick(at)}
		for _, s := range sources {
			for chance := w.perHour(s, at) * step.Hours(); chance > 0; chance-- {
				if w.dice.Float64() < chance && !silent(s, at) {
					items = append(items, w.event(s, at, time.Second, 0))
				}
			}
		}
		w.append(at, items...)
	}
}

// watch has the journal watched from beginning to end, in as many runs as stops says: each ends after so many batches.
func (w *world) watch(stops func() int) []string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "coverage.json")
	for {
		batches, err := w.journal.Batches()
		if err != nil {
			w.t.Fatal(err)
		}
		left := stops()
		done := true
		m, err := coverage.Open(coverage.Config{
			Path: path, Append: w.journal, Last: w.journal.Last,
			Follow: func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
				for _, b := range batches {
					if b.Sequence() < from.Sequence() {
						continue
					}
					if left--; left < 0 {
						done = false
						return nil
					}
					if err := fn(ctx, b); err != nil {
						return err
					}
				}
				return nil
			},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if err := m.Run(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if done {
			return w.facts()
		}
	}
}

func once() int { return 1 << 30 }

// facts tells the coverage facts of the journal in its order.
func (w *world) facts() []string {
	w.t.Helper()
	items, err := w.journal.Items()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, it := range items {
		if it.ConflictsWith != nil {
			w.t.Error("a fact conflicts with an earlier one")
		}
		if f := it.GetCoverage(); f != nil {
			form := func(us int64) string {
				if us == 0 {
					return "open"
				}
				return time.UnixMicro(us).In(w.zone).Format("Mon 2006-01-02 15:04")
			}
			out = append(out, fmt.Sprintf("%s %s %s - %s", f.Source, f.Kind.String()[len("KIND_"):], form(f.FromUs), form(f.UntilUs)))
		}
	}
	return out
}

// monday is five weeks before the clocks are turned back in Vienna.
func (w *world) monday() time.Time { return time.Date(2026, 9, 28, 0, 0, 0, 0, w.zone) }

// stopOfPacs is two hours on a Tuesday afternoon after the change of the clocks.
func (w *world) stopOfPacs() (from, until time.Time) {
	return time.Date(2026, 10, 27, 13, 0, 0, 0, w.zone), time.Date(2026, 10, 27, 15, 0, 0, 0, w.zone)
}

func (w *world) fiveWeeks() {
	start := w.monday()
	for _, s := range sources {
		w.register(start, s, 0, false)
	}
	from, until := w.stopOfPacs()
	w.live(start, start.AddDate(0, 0, 35), func(s string, at time.Time) bool {
		return s == "pacs" && !at.Before(from) && at.Before(until)
	})
}

// TestTwoHoursOfSilence: one of three sources stops for two hours by day; five weeks of quiet nights and weekends and a
// change of the clocks raise nothing.
func TestTwoHoursOfSilence(t *testing.T) {
	w := newWorld(t)
	w.fiveWeeks()
	got := w.watch(once)
	if len(got) != 2 || got[0] != "pacs SILENCE Tue 2026-10-27 12:55 - open" || got[1] != "pacs SILENCE Tue 2026-10-27 12:55 - Tue 2026-10-27 15:00" {
		// The last event before and the first after are by chance, within minutes of the stop.
		t.Errorf("facts: %q", got)
	}
}

// TestRestartAnywhere: runs that end anywhere, with and without their snapshot, add no fact and lose none.
func TestRestartAnywhere(t *testing.T) {
	want := func() []string {
		w := newWorld(t)
		w.fiveWeeks()
		return w.watch(once)
	}()
	w := newWorld(t)
	w.fiveWeeks()
	dice := rand.New(rand.NewPCG(3, 4))
	for range 3 {
		got := w.watch(func() int { return 200 + dice.IntN(4000) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestBusyJournalLosesNoFact: a run that cannot journal its facts ends, and the next one finds them again.
func TestFailingJournalLosesNoFact(t *testing.T) {
	w := newWorld(t)
	w.fiveWeeks()
	path := filepath.Join(t.TempDir(), "coverage.json")
	broken := errors.New("broken")
	run := func() error {
		batches, err := w.journal.Batches()
		if err != nil {
			t.Fatal(err)
		}
		m, err := coverage.Open(coverage.Config{
			Path: path, Append: w.journal, Last: w.journal.Last,
			Follow: func(ctx context.Context, _ proto.Position, fn func(context.Context, *proto.Batch) error) error {
				for _, b := range batches {
					if err := fn(ctx, b); err != nil {
						return err
					}
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return m.Run(t.Context())
	}
	w.journal.FailWith(broken)
	if err := run(); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	w.journal.FailWith(nil)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if got := w.facts(); len(got) != 2 {
		t.Errorf("facts: %q", got)
	}
}

// TestDamagedSnapshot is rebuilt from the journal.
func TestDamagedSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "coverage.json")
	for _, content := range []string{"", "{", `{"version":9}`, `{"version":1,"position":4097,"state":{}}`, `{"version":1,"position":4096000000,"state":{"sources":{"a":{}}}}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		w.append(w.monday(), w.tick(w.monday()))
		m, err := coverage.Open(coverage.Config{Path: path, Append: w.journal, Last: w.journal.Last, Follow: w.journal.Follow})
		if err != nil {
			t.Fatalf("%q: %v", content, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.Run(ctx); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// ticks go on while nobody says anything.
func (w *world) ticks(from, until time.Time) {
	for at := from; at.Before(until); at = at.Add(10 * time.Minute) {
		w.append(at, w.tick(at))
	}
}

func TestDeclaredSilence(t *testing.T) {
	w := newWorld(t)
	start := w.monday()
	w.register(start, "hr", 3600, false)
	w.ticks(start, start.Add(2*time.Hour))
	imported := w.event("hr", start.Add(2*time.Hour), 0, 0)
	imported.GetAccess().ImportId = []byte("i")
	w.append(start.Add(2*time.Hour), imported)
	w.ticks(start.Add(2*time.Hour), start.Add(7*time.Hour))
	w.append(start.Add(7*time.Hour), w.event("hr", start.Add(7*time.Hour), 0, 0))
	w.ticks(start.Add(7*time.Hour), start.Add(10*time.Hour))
	w.register(start.Add(10*time.Hour), "hr", 3600, true)
	w.ticks(start.Add(10*time.Hour), start.Add(20*time.Hour))
	want := []string{
		"hr SILENCE Mon 2026-09-28 00:00 - open", "hr SILENCE Mon 2026-09-28 00:00 - Mon 2026-09-28 02:00",
		"hr SILENCE Mon 2026-09-28 02:00 - open", "hr SILENCE Mon 2026-09-28 02:00 - Mon 2026-09-28 07:00",
		"hr SILENCE Mon 2026-09-28 07:00 - open", "hr SILENCE Mon 2026-09-28 07:00 - Mon 2026-09-28 10:00",
	}
	if diff := cmp.Diff(want, w.watch(once)); diff != "" {
		t.Error(diff)
	}
}

// TestBackfillTeachesTheRhythmOnly: 28 days come as an import at once, then the source goes on live and stops.
func TestBackfillTeachesTheRhythmOnly(t *testing.T) {
	w := newWorld(t)
	start := w.monday()
	end := start.AddDate(0, 0, 28).Add(9 * time.Hour) // a Monday at nine
	w.register(end, "emr", 0, false)
	for at := start; at.Before(end); at = at.Add(time.Hour) {
		var items []*v1.Item
		for range int(w.perHour("emr", at)) {
			e := w.event("emr", at.Add(time.Duration(w.dice.Int64N(int64(time.Hour)))), 0, 0)
			e.GetAccess().ImportId = []byte("i")
			items = append(items, e)
		}
		w.append(end, items...)
	}
	for at := end; at.Before(end.Add(2 * time.Hour)); at = at.Add(time.Minute) {
		items := []*v1.Item{w.tick(at)}
		if at.Before(end.Add(time.Hour)) {
			items = append(items, w.event("emr", at, time.Second, 0))
		}
		w.append(at, items...)
	}
	if got := w.watch(once); len(got) != 1 || got[0] != "emr SILENCE Mon 2026-10-26 09:59 - open" {
		t.Errorf("facts: %q", got)
	}
}

// delays has one source speak once a minute for a day with the given delay and skew by hour.
func (w *world) delays(delay, skew func(hour int) time.Duration) []string {
	start := w.monday()
	w.register(start, "emr", 0, false)
	for minute := range 24 * 60 {
		at := start.Add(time.Duration(minute) * time.Minute)
		hour := minute / 60
		var items []*v1.Item
		for range 2 {
			jitter := time.Duration(w.dice.Int64N(int64(2 * time.Second)))
			items = append(items, w.event("emr", at, delay(hour)+jitter, skew(hour)))
		}
		w.append(at, append(items, w.tick(at))...)
	}
	return w.watch(once)
}

func zero(int) time.Duration { return 0 }

func TestLateness(t *testing.T) {
	got := newWorld(t).delays(func(hour int) time.Duration {
		if hour >= 10 && hour < 13 {
			return 40 * time.Minute
		}
		return 3 * time.Second
	}, zero)
	want := []string{"emr LATENESS Mon 2026-09-28 10:00 - open", "emr LATENESS Mon 2026-09-28 10:00 - Mon 2026-09-28 13:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClockSkew(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 2 * time.Minute, "behind": -time.Hour} {
		got := newWorld(t).delays(zero, func(hour int) time.Duration {
			if hour >= 10 && hour < 13 {
				return off
			}
			return -time.Second
		})
		want := []string{"emr CLOCK_SKEW Mon 2026-09-28 10:00 - open", "emr CLOCK_SKEW Mon 2026-09-28 10:00 - Mon 2026-09-28 13:00"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSequenceGaps(t *testing.T) {
	w := newWorld(t)
	start := w.monday()
	minute := 0
	send := func(imported bool, numbers ...uint64) {
		at := start.Add(time.Duration(minute) * time.Minute)
		minute++
		items := []*v1.Item{w.tick(at)}
		for _, n := range numbers {
			e := w.event("emr", at, 0, 0)
			e.GetAccess().SourceSequence = n
			if imported {
				e.GetAccess().ImportId = []byte("i")
			}
			items = append(items, e)
		}
		w.append(at, items...)
	}
	number := uint64(0)
	run := func(n int) {
		for range n {
			number++
			send(false, number)
		}
	}
	run(100)               // to 01:39
	send(false, 102, 101)  // overtaken
	send(false, 104)       // 103 is missing until it is imported
	number = 104           //
	run(20)                //
	send(false, 130)       // 125 to 129 are missing and never come
	number = 130           //
	run(20)                //
	send(true, 103)        //
	number = 0             // the counter begins again
	run(40)                //
	send(false, 5_000_000) // and goes on elsewhere
	number = 5_000_000
	run(5)
	want := []string{
		"emr SEQUENCE_GAP Mon 2026-09-28 01:40 - Mon 2026-09-28 01:41",
		"emr SEQUENCE_GAP Mon 2026-09-28 02:01 - Mon 2026-09-28 02:02",
		"emr SEQUENCE_GAP Mon 2026-09-28 01:40 - Mon 2026-09-28 01:41",
	}
	if diff := cmp.Diff(want, w.watch(once)); diff != "" {
		t.Error(diff)
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := coverage.Open(coverage.Config{MinWeeks: 99}); err == nil {
		t.Error("an empty configuration is accepted")
	}
}
