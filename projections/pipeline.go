package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/fault"
)

// Names of the two projectors in watermarks.
const (
	ProjectorAccesses = "accesses"
	ProjectorRollups  = "rollups"
)

// ErrGap marks a journal that skipped a message. The projector stops: going on would lose what was in it.
var ErrGap = errors.New("journal has a gap")

// queuedBatches is how many messages wait for a worker or for their turn: enough for both cores to work ahead of one
// insert; the largest unpack to 8 MB each.
const queuedBatches = 4

// pipeline brings one version up to date and keeps it there. It is the version's only writer.
type pipeline struct {
	cfg     *Config
	metrics *metrics
	version uint32
	marks   *marks
	owner   *owner
	runs    *runPool
	// refused is told what ClickHouse refuses for a reason that does not pass by itself, and nil when it does no more.
	refused func(err error)
	// replaced is called once no table of an earlier release stands beside the version's; nil: nobody asks.
	replaced func()
	// hook is called after each insert, for tests that break there. nil outside of tests.
	hook func(stage string) error
	// writer is the name of the session that runs, which the tables' fences carry, and into what it inserts under that name;
	// nothing while the journal is empty.
	writer string
	into   *store.Store
	// building says that the version answers only once it has caught up.
	building bool
}

// errUnnamed ends a session that began with an empty journal: now that there is something to write, the tables are taken.
var errUnnamed = errors.New("the journal was empty when the session began")

// pendingBatch is a message on its way through a worker.
type pendingBatch struct {
	batch             *proto.Batch
	accesses, rollups bool
	// newest says that a version which is being built has read all that there is: what it collected waits for nothing more.
	newest bool
	done   chan struct{}
	// folded and err are written before done is closed.
	folded *folded
	err    error
}

// session recovers, then follows the journal until ctx ends or something fails. It always returns an error.
func (p *pipeline) session(ctx context.Context) error {
	start, err := p.recover(ctx)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	work := make(chan *pendingBatch, queuedBatches)
	ordered := make(chan *pendingBatch, queuedBatches)
	runs := make(chan *run)
	rollups := make(chan *rollup)
	g.Go(func() error {
		defer close(work)
		return p.follow(ctx, start, work, ordered)
	})
	for range p.cfg.Workers {
		g.Go(func() error {
			for b := range work {
				b.folded, b.err = foldBatch(b.batch, start.present, b.accesses, b.rollups)
				b.batch = nil
				close(b.done)
			}
			return nil
		})
	}
	g.Go(func() error { return newAssembler(p.cfg, p.runs, p.marks).collect(ctx, ordered, runs, rollups) })
	g.Go(func() error { return p.insertRuns(ctx, start, runs) })
	g.Go(func() error { return p.insertRollups(ctx, rollups) })
	return g.Wait()
}

// follow hands every message to the workers and, in order, to the assembler.
func (p *pipeline) follow(ctx context.Context, start *start, work, ordered chan<- *pendingBatch) error {
	last := min(start.accesses.position, start.rollups.position).Sequence()
	err := p.cfg.Follow(ctx, proto.EndOf(last), func(ctx context.Context, b *proto.Batch) error {
		if b.Sequence() <= last {
			return nil
		}
		if b.Sequence() != last+1 {
			return fmt.Errorf("message %d follows %d: %w", b.Sequence(), last, ErrGap)
		}
		last = b.Sequence()
		pending := &pendingBatch{
			batch: b, done: make(chan struct{}),
			accesses: b.Sequence() > start.accesses.position.Sequence(),
			rollups:  b.Sequence() > start.rollups.position.Sequence(),
			newest:   p.building && b.Sequence() >= p.cfg.Head().Sequence(),
		}
		for _, to := range []chan<- *pendingBatch{work, ordered} {
			select {
			case to <- pending:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	if err == nil {
		err = errors.New("follower ended")
	}
	return fmt.Errorf("follow journal: %w", err)
}

// insertRuns writes runs as they come. A stop lets the run in progress finish.
func (p *pipeline) insertRuns(ctx context.Context, start *start, runs <-chan *run) error {
	verify := verifyRounds * p.cfg.MaxRows
	after := start.accesses
	// What an earlier session had on its way stands at or below the journal's end as it is now.
	foreign := p.cfg.Head()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-runs:
			if err := p.insertRun(context.WithoutCancel(ctx), r); err != nil {
				return err
			}
			if verify > 0 && after.position < foreign {
				verify -= max(1, r.rows())
				if err := p.verify(ctx, after, r); err != nil {
					return err
				}
			}
			if err := p.mark(context.WithoutCancel(ctx), ProjectorAccesses, r.end, r.received); err != nil {
				return err
			}
			after = watermark{r.end, r.received}
			p.metrics.messages.Add(float64(r.messages))
			p.runs.put(r)
		}
	}
}

// insertRun writes one run, table by table.
func (p *pipeline) insertRun(ctx context.Context, r *run) error {
	if r.unresolved {
		p.marks.wrote(unresolvedRows)
	}
	if r.readerLinks {
		p.marks.wrote(readerLinkRows)
	}
	if r.readerNames {
		p.marks.wrote(readerNameRows)
	}
	for _, b := range r.blocks {
		if b == nil || b.rows == 0 {
			continue
		}
		if err := p.insert(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// insertRollups writes what the rollups hold. Its rows are idempotent: nothing has to be found out after an error.
func (p *pipeline) insertRollups(ctx context.Context, rollups <-chan *rollup) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-rollups:
			for _, b := range r.blocks() {
				if err := p.insert(context.WithoutCancel(ctx), b); err != nil {
					return err
				}
			}
			if err := p.mark(context.WithoutCancel(ctx), ProjectorRollups, r.end, r.received); err != nil {
				return err
			}
		}
	}
}

// insert writes a block; it is on disk when insert returns nil.
func (p *pipeline) insert(ctx context.Context, b *block) error {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	if p.writer == "" {
		return errUnnamed
	}
	observe := timer(p.metrics.inserts.WithLabelValues(b.table.base))
	err := p.into.InsertNative(ctx, p.statementName(), b.table.name(p.version), b.table.columnNames(), b.reader())
	if err != nil {
		return fmt.Errorf("insert into %s: %w", b.table.base, err)
	}
	observe()
	p.marks.wrote(b.table.id)
	p.metrics.rows.WithLabelValues(b.table.base).Add(float64(b.rows))
	return p.at("insert:" + b.table.base)
}

// at marks a commit point: a crash test may kill here, and a test's hook may fail here.
func (p *pipeline) at(stage string) error {
	fault.Point("projections:" + stage)
	if p.hook == nil {
		return nil
	}
	return p.hook(stage)
}

// alarm reports whether trying again is pointless: the journal itself is damaged.
func alarm(err error) bool { return errors.Is(err, proto.ErrCorrupt) || errors.Is(err, ErrGap) }

// retryGrowth bounds the pauses between attempts, which double: to 5 s by default.
const retryGrowth = 5

// keepUp runs sessions until ctx ends, the journal turns out damaged or the database somebody else's. A failure is logged once, however often it is
// met again before the next watermark.
func (p *pipeline) keepUp(ctx context.Context) error {
	wait, before := p.cfg.RetryAfter, proto.Position(0)
	for {
		err := p.session(ctx)
		p.marks.ends()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case final(err):
			p.metrics.stopped.Set(1)
			return err
		case errors.Is(err, ErrForeign):
			return err
		case errors.Is(err, errUnnamed):
			continue
		case refused(err) != 0:
			p.refused(err)
		}
		level := slog.LevelDebug
		if now, _ := p.marks.get(ProjectorAccesses); now.position != before || wait == p.cfg.RetryAfter {
			level, wait, before = slog.LevelWarn, p.cfg.RetryAfter, now.position
		}
		p.cfg.Logger.Log(ctx, level, "projection interrupted, recovering", slog.Any("err", err), slog.Any("version", p.version))
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, retryGrowth*p.cfg.RetryAfter)
	}
}
