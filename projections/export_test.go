package projections

import (
	"context"
	"testing"
	"time"

	"github.com/readtrail/readtrail/proto"
)

// SetHook makes the projector call hook after each insert and before each watermark and flip. An error there breaks the
// work off as a failing engine would.
func (p *Projector) SetHook(hook func(version uint32, stage string) error) { p.hook = hook }

// Tables returns the name and columns of every table of a version that is folded from the journal.
func Tables(version uint32) map[string][]string { return tablesOf(version, tables[:]) }

// StreamTables returns the name and columns of every table of a version that is folded from what detectors write.
func StreamTables(version uint32) map[string][]string { return tablesOf(version, streamTables) }

func tablesOf(version uint32, all []*table) map[string][]string {
	out := map[string][]string{}
	for _, t := range all {
		out[t.name(version)] = t.names
	}
	return out
}

// Prepare makes the tables of the active version.
func (p *Projector) Prepare(ctx context.Context) (uint32, error) {
	if err := p.registry.prepare(ctx); err != nil {
		return 0, err
	}
	return p.registry.first(ctx)
}

// Statements are those of a migration for a version.
func Statements(t testing.TB, name string, version uint32) []string {
	text, err := migrationFiles.ReadFile("migrations/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return statements(string(text), version)
}

// BeginVersion applies the first migrations to a version, as a start leaves it that was broken off behind them.
func (p *Projector) BeginVersion(ctx context.Context, version uint32, first int) error {
	if err := p.registry.prepare(ctx); err != nil {
		return err
	}
	all, err := migrations()
	if err != nil {
		return err
	}
	for _, m := range all[1:first] {
		if err := p.registry.apply(ctx, version, m, nil); err != nil {
			return err
		}
	}
	return nil
}

// Migrations is how many there are.
func Migrations(t testing.TB) int {
	all, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// RunBytes is how many bytes a run of one message counts, and how many its blocks hold.
func RunBytes(b *proto.Batch) (counted, held int, err error) {
	f, err := foldBatch(b, &present{}, true, true)
	if err != nil {
		return 0, 0, err
	}
	r := &run{}
	r.add(f, newSeenSet())
	for _, block := range r.blocks {
		if block != nil {
			held += block.bytes()
		}
	}
	return r.size, held, nil
}

// FoldBatch folds one message for both projectors.
func FoldBatch(b *proto.Batch) error {
	_, err := foldBatch(b, &present{}, true, true)
	return err
}

// Arrival is a message that reaches the projector so long after the one before: of accesses, or one question. Hurry says in place of
// one that somebody waits for the messages up to that one, from the first.
type Arrival struct {
	After    time.Duration
	Accesses int
	// Year is in which it was received, from the first.
	Year  int
	Hurry uint64
}

// Departures says how long after the first arrival runs leave towards the tables. It wants a bubble of synctest.
func Departures(ctx context.Context, linger time.Duration, arrivals []Arrival) []time.Duration {
	cfg, marks := Config{Linger: linger}.withDefaults(), newMarks()
	in, runs := make(chan *pendingBatch), make(chan *run)
	go func() {
		_ = newAssembler(&cfg, newRunPool(cfg.MaxBytes), marks).collect(ctx, in, runs, make(chan *rollup))
	}()
	var departed []time.Duration
	all := make(chan uint64, 1)
	done := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(done)
		most := uint64(len(arrivals))
		for messages := uint64(0); messages < most; {
			select {
			case r := <-runs:
				messages += uint64(r.messages)
				departed = append(departed, time.Since(begin))
			case most = <-all:
			}
		}
	}()
	sequence := uint64(0)
	for _, a := range arrivals {
		time.Sleep(a.After)
		if a.Hurry > 0 {
			marks.hurry(proto.EndOf(a.Hurry))
			continue
		}
		sequence++
		f := &folded{sequence: sequence, end: proto.EndOf(sequence), received: begin.AddDate(a.Year, 0, 0).UnixMicro()}
		f.blocks[questions] = newBlock(tables[questions])
		if a.Accesses > 0 {
			f.blocks[questions], f.blocks[accessesByPatient] = nil, newBlock(tables[accessesByPatient])
			f.blocks[accessesByPatient].rows = a.Accesses
		}
		b := &pendingBatch{folded: f, accesses: true, done: make(chan struct{})}
		close(b.done)
		in <- b
	}
	all <- sequence
	<-done
	return departed
}

// Waited is how often something that fills to sizes, one after the other, waits once more in a row, from the first on.
func Waited(busy, often int, sizes ...int) int {
	var p pace
	for i, n := range sizes {
		if !p.waits(n, busy, often) {
			return i
		}
	}
	return len(sizes)
}
