package projections_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
)

var errKilled = errors.New("killed by the test")

// stages lists every point at which a run can break off: after the insert of each table, before and after the watermarks.
func stages() []string {
	out := []string{
		"before:watermark:" + projections.ProjectorAccesses, "watermark:" + projections.ProjectorAccesses,
		"before:watermark:" + projections.ProjectorRollups, "watermark:" + projections.ProjectorRollups,
	}
	for name := range projections.Tables(1) {
		out = append(out, "insert:"+strings.TrimSuffix(name, "_v1"))
	}
	return out
}

// TestKillAtEveryCommitPoint breaks the projector off at each point, several times, and starts a new one as a new process
// would. The tables must hold each row once.
func TestKillAtEveryCommitPoint(t *testing.T) {
	// Two rows of kills side by side, one for each core.
	all := stages()
	for half, stages := range [][]string{all[:len(all)/2], all[len(all)/2:]} {
		t.Run(fmt.Sprint(half), func(t *testing.T) {
			t.Parallel()
			s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(11)
			at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
			for _, stage := range stages {
				for range *rounds {
					for killed := false; !killed; at = at.Add(time.Hour) {
						g.fill(t, j, 10, 40, at)
						killed = killOnce(t, newProjector(t, s, j), j, stage)
					}
				}
			}
			project(t, newProjector(t, s, j), j)
			checkTables(t, s, j, 1)
		})
	}
}

// killOnce runs a projector until it comes to the stage, and drops it there, or when it has read all because the stage did not
// come, and reports which.
func killOnce(t *testing.T, p *projections.Projector, j *memoryJournal, stage string) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	dead := false
	p.SetHook(func(_ uint32, at string) error {
		mu.Lock()
		defer mu.Unlock()
		if dead = dead || at == stage; dead {
			cancel()
			return errKilled
		}
		return nil
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.Run(ctx) // fails: it was killed
	}()
	waitFor(t, "the kill or the end of the journal", func() bool {
		select {
		case <-ended:
			return true
		default:
			return reached(p, j.Head())
		}
	})
	cancel()
	<-ended
	return dead
}

// TestErrorAtEveryCommitPoint lets each stage fail while the projector lives on: it recovers by itself.
func TestErrorAtEveryCommitPoint(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(12)
	p := newProjector(t, s, j)
	var mu sync.Mutex
	failed := map[string]bool{}
	p.SetHook(func(_ uint32, at string) error {
		mu.Lock()
		defer mu.Unlock()
		if failed[at] {
			return nil
		}
		failed[at] = true
		return fmt.Errorf("%s: %w", at, errKilled)
	})
	g.fill(t, j, 60, 40, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	project(t, p, j)
	for _, stage := range stages() {
		if !failed[stage] {
			t.Errorf("%s never came", stage)
		}
	}
	checkTables(t, s, j, 1)
}

// TestLastPartLost deletes the newest part of one table after its insert, as a crash at ClickHouse's rename leaves it, and
// stops before the watermark.
func TestLastPartLost(t *testing.T) {
	for _, base := range []string{"accesses_by_patient", "accesses_by_reader", "context", "questions", "identities"} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(13)
			g.fill(t, j, 20, 40, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
			project(t, newProjector(t, s, j), j)
			exec(t, s, "SYSTEM STOP MERGES "+base+"_v1")
			g.fill(t, j, 20, 40, time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC))

			p := newProjector(t, s, j, func(c *projections.Config) { c.Linger = 200 * time.Millisecond })
			ctx, cancel := context.WithCancel(ctx)
			p.SetHook(func(_ uint32, at string) error {
				if at == "before:watermark:accesses" {
					cancel()
					return errKilled
				}
				return nil
			})
			if err := p.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			dropNewestPart(t, s, base+"_v1")
			exec(t, s, "SYSTEM START MERGES "+base+"_v1")
			project(t, newProjector(t, s, j), j)
			checkTables(t, s, j, 1)
		})
	}
}

func exec(t testing.TB, s *store.Store, query string) {
	t.Helper()
	if err := s.Exec(t.Context(), query, nil); err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
}

func dropNewestPart(t testing.TB, s *store.Store, table string) {
	t.Helper()
	part := ""
	query := "SELECT argMax(name, max_block_number) FROM system.parts WHERE database = currentDatabase() AND active AND table = {t:String}"
	if err := s.Query(t.Context(), query, store.Params{"t": table}, func(row store.Row) error { return row.Scan(&part) }); err != nil {
		t.Fatal(err)
	}
	if part == "" {
		t.Fatalf("%s has no part", table)
	}
	exec(t, s, "ALTER TABLE "+table+" DROP PART '"+part+"'")
}

// TestLateInsertIsRepaired doubles rows above the watermark, as an insert does that was given up and lands after recovery
// has looked. The count after the next run finds it, and the table is cut back.
func TestLateInsertIsRepaired(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(14)
	g.fill(t, j, 20, 40, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	project(t, newProjector(t, s, j), j)
	g.fill(t, j, 20, 40, time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC))
	registry := prometheus.NewRegistry()
	p := newProjector(t, s, j, func(c *projections.Config) { c.Linger, c.Metrics = 200*time.Millisecond, registry })
	var once sync.Once
	p.SetHook(func(_ uint32, at string) error {
		if at == "insert:accesses_by_reader" {
			once.Do(func() { doubleRows(t, s) })
		}
		return nil
	})
	project(t, p, j)
	checkTables(t, s, j, 1)
	if n := counter(t, registry, "readtrail_projections_repairs_total"); n != 1 {
		t.Errorf("%v repairs, want 1", n)
	}
}

// TestRepairedAgain: what one session has repaired, the next one can repair too, though the table has another fence by then.
func TestRepairedAgain(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(14)
	g.fill(t, j, 20, 40, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	project(t, newProjector(t, s, j), j)
	for round := range 3 {
		g.fill(t, j, 20, 40, time.Date(2025, time.Month(4+round), 1, 0, 0, 0, 0, time.UTC))
		registry := prometheus.NewRegistry()
		p := newProjector(t, s, j, func(c *projections.Config) { c.Linger, c.Metrics = 200*time.Millisecond, registry })
		doubled := 0
		p.SetHook(func(_ uint32, at string) error {
			if at == "insert:accesses_by_reader" && doubled == 0 || at == "insert:accesses_by_patient" && doubled == 1 {
				doubled++
				doubleRows(t, s)
			}
			return nil
		})
		project(t, p, j)
		checkTables(t, s, j, 1)
		if n := counter(t, registry, "readtrail_projections_repairs_total"); n != 2 {
			t.Errorf("round %d: %v repairs, want 2", round, n)
		}
	}
}

// counter returns the value of a counter without labels.
func counter(t testing.TB, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// TestReplay starts again without watermarks: everything is found and nothing doubled.
func TestReplay(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(15)
	g.fill(t, j, 30, 40, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	project(t, newProjector(t, s, j), j)
	exec(t, s, "TRUNCATE TABLE watermarks")
	project(t, newProjector(t, s, j), j)
	checkTables(t, s, j, 1)
}

func TestGapStops(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(16)
	g.fill(t, j, 10, 10, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	j.skip = 6
	p := newProjector(t, s, j)
	if err := p.Run(t.Context()); !errors.Is(err, projections.ErrGap) {
		t.Fatalf("run: %v, want ErrGap", err)
	}
	checkStopped(t, p, 5)
}

func TestPoisonedBatchStops(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(17)
	g.fill(t, j, 10, 30, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	j.corrupt(6)
	p := newProjector(t, s, j)
	if err := p.Run(t.Context()); !errors.Is(err, proto.ErrCorrupt) {
		t.Fatalf("run: %v, want ErrCorrupt", err)
	}
	checkStopped(t, p, 5)
}

// checkStopped: the projector says why it stopped, and nothing at or after the fault is claimed.
func checkStopped(t *testing.T, p *projections.Projector, most uint64) {
	t.Helper()
	all, stopped := p.Status()
	if stopped == nil {
		t.Error("status says nothing of the stop")
	}
	for _, s := range all {
		if s.Position.Sequence() > most {
			t.Errorf("%s claims message %d, the fault is at %d", s.Name, s.Position.Sequence(), most+1)
		}
	}
}
