package detect_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/live"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// The same journal gives the same findings and alerts to the byte, for any number of hands.
func TestReplayIsTheSame(t *testing.T) {
	t.Parallel()
	h, want := fortnight(), fortnightWritten()
	if len(want.alerts) < 40 || len(want.findings) < 30 {
		t.Fatalf("%d alerts and %d findings: the test would see nothing", len(want.alerts), len(want.findings))
	}
	for _, hands := range []int{4, 16} {
		cfg := engineConfig(t, h)
		cfg.Hands = hands
		_, got := run(t, cfg, h.batches)
		if err := got.same(want); err != nil {
			t.Errorf("%d hands: %v", hands, err)
		}
	}
	// Little memory: days wait in files.
	cfg := engineConfig(t, h)
	cfg.HeldInMemory = 1000
	e, got := run(t, cfg, h.batches)
	if err := got.same(want); err != nil {
		t.Errorf("days in files: %v", err)
	}
	if len(e.Unused()) == 0 {
		t.Error("no day waited in a file: the test saw nothing")
	}
}

// fortnightWritten is what one engine with one hand writes of the shared fortnight.
var fortnightWritten = sync.OnceValue(func() *written {
	return judged(&quiet{}, fortnight())
})

// stream keeps what was published, as the journal's streams do: in order, once, and found again after a stop.
type stream struct {
	mu sync.Mutex
	written
	marks live.Marks
}

func (s *stream) Marks() live.Marks {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.marks
}

func (s *stream) PublishFindings(_ context.Context, all []*v1.Findings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range all {
		if at := s.marks.Findings; at.Any && (m.Cause < uint64(at.Cause) || m.Cause == uint64(at.Cause) && m.Ordinal <= at.Ordinal) {
			continue
		}
		data, err := m.MarshalVT()
		if err != nil {
			return err
		}
		s.findings = append(s.findings, data)
		s.marks.Findings = live.Mark{Cause: proto.Position(m.Cause), Ordinal: m.Ordinal, Any: true}
	}
	return nil
}

func (s *stream) PublishAlerts(_ context.Context, all []*v1.AlertVersion) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range all {
		if at := s.marks.Alerts; at.Any && (m.Cause < uint64(at.Cause) || m.Cause == uint64(at.Cause) && m.Ordinal <= at.Ordinal) {
			continue
		}
		data, err := m.MarshalVT()
		if err != nil {
			return err
		}
		s.alerts = append(s.alerts, data)
		s.marks.Alerts = live.Mark{Cause: proto.Position(m.Cause), Ordinal: m.Ordinal, Any: true}
	}
	return nil
}

// errEnd says that all batches were followed, errKilled that the run was killed.
var (
	errEnd    = errors.New("end of the journal")
	errKilled = errors.New("killed")
)

// runner makes a runner of four hands over batches that keeps a snapshot every so many of them; killed may end it at a stage.
func runner(tb testing.TB, h *hospital, dir string, out *stream, every, hands int, killed func(string) error) *live.Runner {
	tb.Helper()
	return runnerWaiting(tb, h, dir, out, every, hands, killed, func() {})
}

// runnerWaiting is runner that waits before each batch.
func runnerWaiting(
	tb testing.TB, h *hospital, dir string, out *stream, every, hands int, killed func(string) error, wait func(),
) *live.Runner {
	tb.Helper()
	cfg := engineConfig(tb, h)
	cfg.HeldInMemory, cfg.Hands = 1000, hands
	now := time.Unix(0, 0)
	var mu sync.Mutex
	r, err := live.New(live.Config{
		Engine: cfg, RuleSet: ruleSet(tb, nil), Dir: dir, SnapshotEvery: time.Duration(every) * time.Second, Stage: killed,
		Follow: func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
			for _, b := range h.batches {
				if b.Position(b.Count()-1) <= from {
					continue
				}
				mu.Lock()
				now = now.Add(time.Second)
				mu.Unlock()
				wait()
				if err := fn(ctx, b); err != nil {
					return err
				}
			}
			return errEnd
		},
		Head:   func() proto.Position { return 1 << 62 }, // it proposes nothing
		Append: func(context.Context, *v1.Item) error { return nil },
		Open:   func(context.Context) (live.Output, error) { return out, nil },
		Clock: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// A snapshot whose days wait in files is restored, whenever in the learning period it was made: else every start would judge the journal
// anew, and a panic would meet the same batch at each start.
func TestDaysInFilesAreRestored(t *testing.T) {
	t.Parallel()
	h, dir := fortnight(), t.TempDir()
	cfg := engineConfig(t, h)
	cfg.HeldInMemory = 1000
	e, err := detectors.NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	waited := 0
	for i, b := range h.batches[:len(h.batches)/2] {
		if err := e.Apply(t.Context(), b, func(detectors.Output) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if i%10 != 0 {
			continue
		}
		for _, p := range e.Parts() {
			file, err := os.Create(filepath.Join(dir, p.Name))
			if err == nil {
				err = errors.Join(p.Write(file), file.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r, err := detectors.Restore(cfg, func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) })
		if err != nil {
			t.Fatalf("after batch %d: %v", i, err)
		}
		waited = max(waited, len(r.Spilled()))
	}
	if waited < 3 {
		t.Errorf("%d days waited in files: the test saw nothing", waited)
	}
}

// Everything here that has goroutines, at once: several hands, and snapshots that are written while judging goes on. The race detector
// goes under this test (Taskfile.yml) and not under those that judge the same fortnight twenty times.
func TestHandsAndSnapshotsTogether(t *testing.T) {
	t.Parallel()
	h, want := fortnight(), fortnightWritten()
	snapshots, out := 0, &stream{}
	var mu sync.Mutex
	r := runner(t, h, t.TempDir(), out, 10, 4, func(at string) error {
		mu.Lock()
		defer mu.Unlock()
		if at == "snapshot named" {
			snapshots++
		}
		return nil
	})
	if err := r.Run(t.Context()); !errors.Is(err, errEnd) {
		t.Fatal(err)
	}
	if err := out.same(want); err != nil {
		t.Error(err)
	}
	if snapshots < 3 {
		t.Errorf("%d snapshots: the test saw nothing", snapshots)
	}
}

// Killed at any commit point and started again, each time with another number of hands, the streams are the same to the byte as without a
// kill, and as one hand writes them.
func TestKillsChangeNothing(t *testing.T) {
	t.Parallel()
	h, want := fortnight(), fortnightWritten()
	for _, stage := range []string{
		"before findings", "between findings and alerts", "after alerts", "snapshot written", "parts synced", "manifest written",
		"snapshot named",
	} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			dir, out := t.TempDir(), &stream{}
			kills := 0
			for start := 0; ; start++ {
				seen := 0
				var mu sync.Mutex
				var writing chan struct{} // while a snapshot is: on a slow disk there would be fewer of them, and of kills
				r := runnerWaiting(t, h, dir, out, 70, [...]int{1, 4, 16}[start%3], func(at string) error {
					mu.Lock()
					defer mu.Unlock()
					kill := false
					if at == stage {
						seen++
						kill = seen == 2+start
					}
					switch {
					case at == "snapshot written" && !kill:
						writing = make(chan struct{})
					case writing != nil && (kill || at == "snapshot named"):
						close(writing)
						writing = nil
					}
					if kill {
						kills++
						return errKilled
					}
					return nil
				}, func() {
					mu.Lock()
					written := writing
					mu.Unlock()
					if written == nil {
						return
					}
					select {
					case <-written:
					case <-time.After(time.Minute):
						t.Error("a snapshot is not written in a minute")
					}
				})
				err := r.Run(t.Context())
				if errors.Is(err, errKilled) && start < 100 {
					continue
				}
				if !errors.Is(err, errEnd) {
					t.Fatal(err)
				}
				break
			}
			if kills < 3 {
				t.Fatalf("killed %d times: the test saw nothing", kills)
			}
			if err := out.same(want); err != nil {
				t.Error(err)
			}
		})
	}
}

// A snapshot that cannot be read, whatever is wrong with it, costs time and changes nothing.
func TestBadSnapshots(t *testing.T) {
	t.Parallel()
	h, want := fortnight(), fortnightWritten()
	spoil := map[string]func(t *testing.T, snapshot string, out *stream){
		"a part is missing":  func(t *testing.T, s string, _ *stream) { must(t, os.Remove(filepath.Join(s, "usual"))) },
		"no manifest":        func(t *testing.T, s string, _ *stream) { must(t, os.Remove(filepath.Join(s, "manifest.json"))) },
		"a part was cut off": func(t *testing.T, s string, _ *stream) { must(t, os.Truncate(filepath.Join(s, "lessons"), 100)) },
		"garbage": func(t *testing.T, s string, _ *stream) {
			must(t, os.WriteFile(filepath.Join(s, "engine"), []byte("x"), 0o600))
		},
		"a byte of facts":      func(t *testing.T, s string, _ *stream) { flip(t, filepath.Join(s, "facts"), 5000) },
		"a byte of the days":   func(t *testing.T, s string, _ *stream) { flip(t, filepath.Join(s, "days"), 500) },
		"the streams are gone": func(_ *testing.T, _ string, out *stream) { *out = stream{} },
	}
	for name, bad := range spoil {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, out, n := t.TempDir(), &stream{}, 0
			r := runner(t, h, dir, out, 70, 4, func(at string) error {
				if at == "after alerts" {
					if n++; n == 14 {
						return errKilled
					}
				}
				return nil
			})
			if err := r.Run(t.Context()); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			snapshots, err := filepath.Glob(filepath.Join(dir, "snapshot-*"))
			if err != nil || len(snapshots) == 0 {
				t.Fatalf("no snapshot: %v", err)
			}
			for _, s := range snapshots {
				bad(t, s, out)
			}
			if err := runner(t, h, dir, out, 1<<20, 4, nil).Run(t.Context()); !errors.Is(err, errEnd) {
				t.Fatal(err)
			}
			if err := out.same(want); err != nil {
				t.Error(err)
			}
		})
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// flip changes one byte of a file.
func flip(t *testing.T, path string, at int) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	data[at%len(data)] ^= 0x10
	must(t, os.WriteFile(path, data, 0o600))
}

var _ live.Output = (*stream)(nil)
