package projections_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// process is a projector that can be made to stand still at one of its commit points, as a process does that the system
// has stopped, and be let go later.
type process struct {
	projector *projections.Projector
	stop      func() error

	mu    sync.Mutex // guards what follows
	stage string
	there chan struct{}
	let   chan struct{}
}

// begin starts a process that takes over from whoever projects. before, which may be nil, runs ahead of each stage.
func begin(t *testing.T, s *store.Store, j *memoryJournal, before func(at string)) *process {
	t.Helper()
	return beginWith(t, s, j, before)
}

// beginWith is begin with another configuration.
func beginWith(t *testing.T, s *store.Store, j *memoryJournal, before func(at string), change ...func(*projections.Config)) *process {
	t.Helper()
	p := &process{projector: newProjector(t, s, j, change...), there: make(chan struct{}), let: make(chan struct{})}
	t.Cleanup(sync.OnceFunc(p.release))
	p.projector.SetHook(func(_ uint32, at string) error {
		if before != nil {
			before(at)
		}
		p.mu.Lock()
		halts := at == p.stage
		p.mu.Unlock()
		if halts {
			p.arrived()
			<-p.let
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.projector.Run(ctx) }()
	p.stop = func() error {
		cancel()
		return <-ended
	}
	return p
}

// haltAt makes the process stand still when it comes to the stage.
func (p *process) haltAt(stage string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage = stage
}

func (p *process) arrived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.there:
	default:
		close(p.there)
	}
}

// halted gives the process something to do until it stands still.
func (p *process) halted(t *testing.T, j *memoryJournal, fill func()) {
	t.Helper()
	for halted := false; !halted; {
		fill()
		waitFor(t, "the stage "+p.stage, func() bool {
			select {
			case <-p.there:
				halted = true
			default:
			}
			return halted || reached(p.projector, j.Head())
		})
	}
}

// release lets the process go on.
func (p *process) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.let:
	default:
		close(p.let)
	}
}

// ends lets the process go on, and waits until it has found out that it is not the writer any more.
func (p *process) ends(t *testing.T) {
	t.Helper()
	p.release()
	troubled(t, p.projector, projections.ErrSuperseded)
	if err := p.stop(); !errors.Is(err, projections.ErrSuperseded) {
		t.Errorf("the earlier process ended with %v", err)
	}
}

// TestTakeOverAtEveryCommitPoint is a row of processes. Each is stopped at one of its commit points, the next one takes over
// and gets past everything that it has read, and then it goes on with the inserts that it was about to send: each row
// stands once, and it ends. Without the fences its rows stand twice, below the next one's watermark, where nobody counts.
func TestTakeOverAtEveryCommitPoint(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(44)
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	fill := func() {
		g.fill(t, j, 3, 40, at)
		at = at.Add(time.Hour)
	}
	one := begin(t, s, j, nil)
	for _, stage := range stages() {
		one.haltAt(stage)
		one.halted(t, j, fill)
		next := begin(t, s, j, nil)
		fill()
		waitFor(t, "the next process", func() bool { return reached(next.projector, j.Head()) })
		one.ends(t)
		one = next
	}
	fill()
	waitFor(t, "the last process", func() bool { return reached(one.projector, j.Head()) })
	if err := one.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("the last process ended with %v", err)
	}
	checkTables(t, s, j, 1)
}

// TestTakeOverOfATakeOver stops two processes, one after the other, at the same commit point; both go on while a third
// writes.
func TestTakeOverOfATakeOver(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(45)
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	fill := func() {
		g.fill(t, j, 3, 40, at)
		at = at.Add(time.Hour)
	}
	one := begin(t, s, j, nil)
	for _, stage := range []string{"insert:accesses_by_patient", "insert:coverage", "before:watermark:accesses", "insert:reader_days"} {
		one.haltAt(stage)
		one.halted(t, j, fill)
		two := begin(t, s, j, nil)
		two.haltAt(stage)
		two.halted(t, j, fill)
		three := begin(t, s, j, nil)
		waitFor(t, "the third process's claim", func() bool {
			version, err := three.projector.Version(t.Context())
			return version != 0 && err == nil
		})
		one.release()
		two.ends(t)
		one.ends(t)
		waitFor(t, "the third process", func() bool { return reached(three.projector, j.Head()) })
		one = three
	}
	_ = one.stop()
	checkTables(t, s, j, 1)
}

// TestSupersededRepairRemovesNothing: a process that was about to cut a table back to its watermark when another took over
// takes nothing away that the other counts on.
func TestSupersededRepairRemovesNothing(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(46)
	g.fill(t, j, 20, 40, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	project(t, newProjector(t, s, j), j)
	g.fill(t, j, 20, 40, time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC))
	double := sync.OnceFunc(func() { doubleRows(t, s) })
	one := begin(t, s, j, func(at string) {
		if at == "insert:accesses_by_reader" {
			double()
		}
	})
	one.haltAt("before:repair")
	one.halted(t, j, func() {})
	two := newProjector(t, s, j)
	running(t, two)
	waitFor(t, "the second process", func() bool { return reached(two, j.Head()) })
	one.ends(t)
	checkTables(t, s, j, 1)
}

// doubleRows inserts the rows above the watermark once more, under the name of the session that writes, as an insert does
// that was given up and lands after recovery has looked.
func doubleRows(t *testing.T, s *store.Store) {
	t.Helper()
	writer := ""
	query := "SELECT extract(create_table_query, '\\'([A-Z0-9]+-[0-9]+\\.)\\'') FROM system.tables WHERE database = currentDatabase() AND name = 'accesses_by_patient_v1'"
	if err := s.Query(t.Context(), query, nil, func(row store.Row) error { return row.Scan(&writer) }); err != nil {
		t.Error(err)
	}
	exec(t, s.With(store.Settings{"log_comment": writer}), "INSERT INTO accesses_by_patient_v1 SELECT * FROM accesses_by_patient_v1 WHERE position > (SELECT max(position) FROM watermarks WHERE projector = 'accesses')")
}
