package projections

import (
	"context"
	"time"

	"github.com/readtrail/readtrail/proto"
)

// assembler collects folded messages, in order, into runs and rollups. It is used by one goroutine.
type assembler struct {
	cfg    *Config
	runs   *runPool
	marks  *marks
	seen   *seenSet
	run    *run
	rollup *rollup
	// held is a message that belongs to the next run because it was received in another year.
	held *pendingBatch
	// last is the end of the last message that a run has, sent that of the last run that left.
	last, sent proto.Position
	// runDue and rollupDue say that what is collected should go as soon as its inserter is free.
	runDue, rollupDue bool
	// idle: the run holds questions and ticks alone.
	idle bool
	// runPace and rollupPace tell whether what is collected fills so fast that a larger one is worth the wait.
	runPace, rollupPace pace
	linger, interval    *time.Timer
}

func newAssembler(cfg *Config, runs *runPool, marks *marks) *assembler {
	a := &assembler{cfg: cfg, runs: runs, marks: marks, seen: newSeenSet(), run: runs.get(), rollup: newRollup()}
	a.linger, a.interval = time.NewTimer(cfg.Linger), time.NewTimer(cfg.RollupInterval)
	a.linger.Stop()
	a.interval.Stop()
	return a
}

// collect runs until ctx ends or a message cannot be folded. A full run or rollup stops the intake: that is the bound on
// memory.
func (a *assembler) collect(ctx context.Context, in <-chan *pendingBatch, runs chan<- *run, rollups chan<- *rollup) error {
	for {
		var toRuns chan<- *run
		if a.runDue && !a.run.empty() {
			toRuns = runs
		}
		var toRollups chan<- *rollup
		if a.rollupDue && !a.rollup.empty() {
			toRollups = rollups
		}
		intake := in
		if a.full() {
			intake = nil
		}
		end := a.run.end
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b := <-intake:
			if err := a.take(ctx, b); err != nil {
				return err
			}
		case toRuns <- a.run:
			a.run, a.runDue, a.sent = a.runs.get(), false, end
			if b := a.held; b != nil {
				a.held = nil
				a.addRun(b)
			}
		case toRollups <- a.rollup:
			a.rollup, a.rollupDue = newRollup(), false
		case <-a.linger.C:
			switch {
			case a.run.empty():
			case a.waits():
				a.linger.Reset(a.cfg.Linger)
			default:
				a.runDue = true
			}
		case <-a.marks.hurried:
			a.runDue = a.runDue || a.marks.reached(a.sent, a.last)
		case <-a.interval.C:
			if a.rollupDue = !a.rollupPace.waits(len(a.rollup.touches), many(busyTouches, a.rollup.live), busyIntervals); !a.rollupDue {
				a.interval.Reset(a.cfg.RollupInterval)
			}
		}
	}
}

func (a *assembler) full() bool {
	return a.held != nil || a.rollup.full() || a.run.rows() >= a.cfg.MaxRows || a.run.size >= a.cfg.MaxBytes
}

// take waits for the worker and adds what it folded.
func (a *assembler) take(ctx context.Context, b *pendingBatch) error {
	select {
	case <-b.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if b.err != nil {
		return b.err
	}
	if b.rollups {
		if a.rollup.empty() {
			a.rollupPace = pace{}
			a.interval.Reset(a.cfg.RollupInterval)
		}
		a.rollup.add(b.folded)
		a.rollupDue = a.rollupDue || a.rollup.full() || b.newest
	}
	if !b.accesses {
		return nil
	}
	if !a.run.empty() && yearOf(b.folded.received) != a.run.year {
		a.held, a.runDue = b, true
		return nil
	}
	a.addRun(b)
	return nil
}

func (a *assembler) addRun(b *pendingBatch) {
	f := b.folded
	if a.run.empty() {
		a.runPace, a.idle = pace{}, true
		a.linger.Reset(a.cfg.Linger)
	}
	a.idle, a.last = a.idle && f.idle(), f.end
	a.run.add(f, a.seen)
	if b.newest || a.marks.reached(a.sent, a.last) || a.run.rows() >= a.cfg.MaxRows || a.run.size >= a.cfg.MaxBytes {
		a.runDue = true
	}
}

// What machines bring, not people: 10,000 accesses a second by default, or a tenth of that by imports alone, for which nobody
// waits. As long as it comes so fast, a run is filled for three seconds (one, when some of it came live) and a rollup for ten,
// or until they are full: a round of inserts costs the engine about as much for a thousand rows as for ten thousand, and half
// as many parts save it one merge of all their rows.
const (
	busyRows                   = 2_000
	liveLingers, importLingers = 4, 14
	busyTouches, busyIntervals = 20_000, 4
	importShare                = 10
)

// many is how many rows are many, of which some came live or all by imports.
func many(rows int, live bool) int {
	if live {
		return rows
	}
	return rows / importShare
}

// lingers is how many times more than once a run waits.
func lingers(live bool) int {
	if live {
		return liveLingers
	}
	return importLingers
}

// pace follows how fast something fills.
type pace struct{ before, waited int }

// waits reports whether what holds n rows now is to wait once more: it got at least busy of them since it was asked last, and
// did not wait often yet.
func (p *pace) waits(n, busy, often int) bool {
	grown := n - p.before
	p.before = n
	p.waited++
	return grown >= busy && p.waited <= often
}

// What comes slowly gathers for a second in all by default: a run of fewer than 100 accesses, or of questions and ticks alone. A round of
// inserts costs the engine ten times what the accesses of a small hospital did, and each of its parts is merged again and again.
// An answer that needs what gathers does not wait for it: it hurries the run (Live.Hurry), or reads questions in the journal (api/catchup.go).
const fewRows, slowLingers = 100, 5

// waits reports whether the run, Linger after it was asked last, is to wait once more.
func (a *assembler) waits() bool {
	rows := a.run.rows()
	return a.runPace.waits(rows, many(busyRows, a.run.live), lingers(a.run.live)) || (a.idle || rows < fewRows) && a.runPace.waited < slowLingers
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
