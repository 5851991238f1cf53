// Package live runs an engine along the journal: it follows, publishes what comes of it, proposes what has to stand in the journal,
// and keeps snapshots, so that a restart takes seconds and changes nothing.
package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Mark is how far a stream is: what its last message says of itself. The zero Mark is an empty stream.
type Mark struct {
	Cause   proto.Position `json:"cause"`
	Ordinal uint32         `json:"ordinal"`
	Any     bool           `json:"any"`
}

// reached reports whether a message stands at or before the mark.
func (m Mark) reached(cause uint64, ordinal uint32) bool {
	return m.Any && (cause < uint64(m.Cause) || cause == uint64(m.Cause) && ordinal <= m.Ordinal)
}

// Marks are those of both streams.
type Marks struct {
	Findings Mark `json:"findings"`
	Alerts   Mark `json:"alerts"`
}

// before reports whether one of the streams ends before what a snapshot knows of it: somebody emptied it.
func (m Marks) before(known Marks) bool {
	return known.Findings.Any && !m.Findings.reached(uint64(known.Findings.Cause), known.Findings.Ordinal) ||
		known.Alerts.Any && !m.Alerts.reached(uint64(known.Alerts.Cause), known.Alerts.Ordinal)
}

// Output is where findings and alerts go. Publish returns when all messages are on disk, in order; what was written before is left
// out by their cause and ordinal. Marks are as of the last message that is on disk.
type Output interface {
	Marks() Marks
	PublishFindings(ctx context.Context, all []*v1.Findings) error
	PublishAlerts(ctx context.Context, all []*v1.AlertVersion) error
}

// Config is what a runner needs.
type Config struct {
	// Engine is how engines are made.
	Engine detectors.EngineConfig
	// RuleSet is the configured one; it is journaled when another one is in force.
	RuleSet *v1.RuleSet
	// Dir holds snapshots, and days that do not fit in memory. Required.
	Dir string
	// SnapshotEvery is how often a snapshot is kept, where anything happened. Default 10 minutes.
	SnapshotEvery time.Duration
	// Follow calls its function with every batch after a position, in order and without a gap.
	Follow func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error
	// Head is the journal's last acknowledged position.
	Head func() proto.Position
	// Append journals an entry. An entry with an id is journaled once, however often it is offered.
	Append func(ctx context.Context, item *v1.Item) error
	// Open opens the output. It is called once, when Run begins.
	Open func(ctx context.Context) (Output, error)
	// Stage, when set, is told of each commit point. An error ends the run there, as a kill would: tests use it.
	Stage func(stage string) error
	// Clock measures how long things take and when a snapshot is due. Nothing that comes out depends on it.
	Clock func() time.Time
	// Logger defaults to one that discards; Registerer to none.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Runner runs an engine.
type Runner struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	engine  *detectors.Engine
	out     Output
	// findings and alerts wait to be published.
	findings []*v1.Findings
	alerts   []*v1.AlertVersion
	// start is the journal's head at the start: what stands before was read before, or is read late.
	start proto.Position
	store *store
	// saved is when the last snapshot was begun, unused the files that are removed behind the next one.
	saved  time.Time
	unused []string
	// torn: a batch was judged in part, so the engine is not as any position leaves it.
	torn bool
	// proposed: the configured rule set was journaled by this process.
	proposed bool
	// told: what never came was logged by this process.
	told bool

	mu     sync.Mutex // guards status
	status Status
}

// Status is how the runner is, for people.
type Status struct {
	// Position is that of the last entry judged.
	Position proto.Position
	// Learning: no day was judged yet.
	Learning bool
	// Missing are the kinds of context that are absent or too old.
	Missing []string
	// BadRuleSets could not be read.
	BadRuleSets uint64
	// BadRuleSet is what was wrong with the latest of them.
	BadRuleSet string
	// Stopped says why it does not run any more; "" while it does.
	Stopped string
}

// New prepares a runner.
func New(cfg Config) (*Runner, error) {
	var faults []error
	if cfg.Dir == "" {
		faults = append(faults, errors.New("dir: required"))
	}
	if cfg.RuleSet == nil {
		faults = append(faults, errors.New("rule set: required"))
	}
	if cfg.Follow == nil || cfg.Head == nil || cfg.Append == nil || cfg.Open == nil || cfg.Clock == nil {
		faults = append(faults, errors.New("follow, head, append, open, clock: required"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("make detectors: %w", err)
	}
	if cfg.SnapshotEvery == 0 {
		cfg.SnapshotEvery = 10 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Engine.Dir = cfg.Dir
	r := &Runner{cfg: cfg, log: cfg.Logger.With(slog.String("component", "detectors"))}
	var err error
	if r.metrics, err = newMetrics(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("make detectors: %w", err)
	}
	return r, nil
}

// Run follows the journal until ctx ends. An error means that somebody must act.
func (r *Runner) Run(ctx context.Context) error {
	err := r.run(ctx)
	if err != nil && ctx.Err() == nil {
		r.mu.Lock()
		r.status.Stopped = "detectors stopped: nothing is judged until this process starts again; the log says why"
		r.mu.Unlock()
	}
	return err
}

func (r *Runner) run(ctx context.Context) (err error) {
	if r.out, err = r.cfg.Open(ctx); err != nil {
		return fmt.Errorf("open output of detectors: %w", err)
	}
	defer func() { err = errors.Join(err, r.store.wait()) }()
	if err := r.begin(ctx); err != nil {
		return err
	}
	for {
		r.start, r.saved = r.cfg.Head(), r.cfg.Clock()
		err := r.cfg.Follow(ctx, r.engine.Position(), r.apply)
		if ctx.Err() != nil && !r.torn {
			r.last(ctx)
		}
		if !errors.Is(err, detectors.ErrSnapshot) {
			return err //nolint:wrapcheck // says what failed
		}
		// A file of a day is not what it was. All of it is in the journal.
		r.log.ErrorContext(ctx, "state of detectors is damaged, and is made anew from the journal", slog.Any("err", err))
		if err := r.anew(ctx); err != nil {
			return err
		}
	}
}

// begin makes an engine: from the newest snapshot that is good, else from nothing, and the journal is read from its beginning.
func (r *Runner) begin(ctx context.Context) error {
	var err error
	if r.store, err = openStore(r.cfg, r.log); err != nil {
		return err
	}
	began := r.cfg.Clock()
	engine, err := r.store.restore(ctx, r.out.Marks())
	if err != nil {
		return err
	}
	if engine == nil {
		return r.anew(ctx)
	}
	r.engine = engine
	r.metrics.snapshots.WithLabelValues("restored").Inc()
	r.log.InfoContext(ctx, "detectors go on from a snapshot", slog.String("position", engine.Position().String()),
		slog.Duration("took", r.cfg.Clock().Sub(began)))
	return nil
}

// anew begins with nothing.
func (r *Runner) anew(ctx context.Context) error {
	r.findings, r.alerts, r.unused, r.torn = nil, nil, nil, false
	if err := r.store.clear(); err != nil {
		return err
	}
	var err error
	if r.engine, err = detectors.NewEngine(r.cfg.Engine); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	r.log.InfoContext(ctx, "detectors read the journal from its beginning")
	return nil
}

// publishAt is how many messages wait before they are published: the study of a year makes many.
const publishAt = 256

// apply judges a batch and publishes what comes of it, before the next one is read.
func (r *Runner) apply(ctx context.Context, b *proto.Batch) error {
	err := r.engine.Apply(ctx, b, func(o detectors.Output) error {
		if o.Findings != nil {
			r.findings = append(r.findings, o.Findings)
		}
		if o.Alert != nil {
			r.alerts = append(r.alerts, o.Alert)
		}
		if len(r.findings)+len(r.alerts) < publishAt {
			return nil
		}
		return r.publish(ctx)
	})
	if err == nil {
		err = r.publish(ctx)
	}
	if r.torn = err != nil; r.torn {
		return fmt.Errorf("judge batch %d: %w", b.Sequence(), err)
	}
	r.report(b)
	if b.Position(b.Count()-1) >= r.start {
		r.propose(ctx)
		r.tellAbsent(ctx)
	}
	return r.snapshot(ctx)
}

func (r *Runner) stage(name string) error {
	if r.cfg.Stage == nil {
		return nil
	}
	return r.cfg.Stage(name)
}

// snapshot keeps the state when it is time. What the last one needed and nothing needs now is removed.
func (r *Runner) snapshot(ctx context.Context) error {
	if r.store.busy() {
		return nil
	}
	if r.store.failed != nil {
		return r.store.failed
	}
	if r.cfg.Clock().Sub(r.saved) < r.cfg.SnapshotEvery {
		return nil
	}
	return r.save(ctx)
}

// last keeps a snapshot at an orderly stop, so that the next start has next to nothing to read.
func (r *Runner) last(ctx context.Context) {
	err := r.store.wait()
	if err == nil && r.engine.RuleSet() != nil {
		err = r.save(ctx)
	}
	if err != nil {
		r.log.WarnContext(ctx, "no snapshot of detectors at the stop", slog.Any("err", err))
	}
}

func (r *Runner) save(ctx context.Context) error {
	now := r.cfg.Clock()
	r.saved = now
	r.unused = append(r.unused, r.engine.Unused()...)
	unused := r.unused
	r.unused = nil
	err := r.store.save(r.engine, r.out.Marks(), unused, saved{
		stage: r.stage,
		stood: func() { r.metrics.took.WithLabelValues("standstill").Set(r.cfg.Clock().Sub(now).Seconds()) },
		done: func(bytes int64, err error) {
			outcome := "kept"
			if err != nil {
				outcome = "failed"
				r.log.ErrorContext(ctx, "snapshot of detectors failed; a start reads more of the journal", slog.Any("err", err))
			} else {
				r.metrics.age.Set(float64(r.cfg.Clock().Unix()))
				r.metrics.size.Set(float64(bytes))
			}
			r.metrics.took.WithLabelValues("whole").Set(r.cfg.Clock().Sub(now).Seconds())
			r.metrics.snapshots.WithLabelValues(outcome).Inc()
		},
	})
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

// publish writes what waits. Findings go first: who reads an alert finds what it rests on.
func (r *Runner) publish(ctx context.Context) error {
	if len(r.findings)+len(r.alerts) == 0 {
		return nil
	}
	if err := r.stage("before findings"); err != nil {
		return err
	}
	marks := r.out.Marks()
	if len(r.findings) > 0 {
		if err := r.out.PublishFindings(ctx, r.findings); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
	}
	if err := r.stage("between findings and alerts"); err != nil {
		return err
	}
	if len(r.alerts) > 0 {
		if err := r.out.PublishAlerts(ctx, r.alerts); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
	}
	for _, a := range r.alerts {
		if !marks.Alerts.reached(a.Cause, a.Ordinal) {
			r.metrics.alert(a)
		}
	}
	r.findings, r.alerts = r.findings[:0], r.alerts[:0]
	return r.stage("after alerts")
}

// propose journals what ought to stand in the journal and does not: the configured rule set, and changes of context. What is refused
// now is offered again with the next batch.
func (r *Runner) propose(ctx context.Context) {
	var items []*v1.Item
	if !bytes.Equal(r.engine.RuleSet(), r.cfg.RuleSet.GetHash()) && !r.proposed {
		items = append(items, &v1.Item{Body: &v1.Item_RuleSet{RuleSet: r.cfg.RuleSet}})
	}
	for _, g := range r.engine.Gaps() {
		items = append(items, &v1.Item{Body: &v1.Item_ContextGap{ContextGap: g}})
	}
	for _, item := range items {
		if err := r.cfg.Append(ctx, item); err != nil {
			if ctx.Err() == nil {
				r.log.WarnContext(ctx, "entry of detectors is not taken, and is offered again", slog.Any("err", err))
			}
			return
		}
		if item.GetRuleSet() != nil {
			r.proposed = true
		}
	}
}

// tellAbsent logs once what never came, when what is usual was learned. Answers name what makes something abstain, and do not repeat this.
func (r *Runner) tellAbsent(ctx context.Context) {
	if r.told || r.engine.Stats().Learning {
		return
	}
	r.told = true
	var kinds []string
	for _, a := range r.engine.Absent() {
		if !a.Optional {
			kinds = append(kinds, a.Kind)
		}
	}
	if len(kinds) > 0 {
		r.log.InfoContext(ctx, "context that never came", slog.Any("kinds", kinds))
	}
}

// report brings metrics and status up to date.
func (r *Runner) report(b *proto.Batch) {
	s := r.engine.Stats()
	r.metrics.set(s, r.cfg.Clock().UnixMicro()-b.Head.ReceivedUs)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Position, r.status.Learning, r.status.BadRuleSets, r.status.BadRuleSet = r.engine.Position(), s.Learning, s.BadRuleSets, s.BadRuleSet
}

// Status is how it is. It may be asked at any time.
func (r *Runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Notes say what someone must act on, in sentences for anybody.
func (s Status) Notes() []string {
	var out []string
	if s.Stopped != "" {
		out = append(out, s.Stopped)
	}
	if s.BadRuleSets > 0 {
		out = append(out, "a rule set in the journal could not be read, and the one before it is in force: "+strings.ReplaceAll(s.BadRuleSet, "\n", "; "))
	}
	return out
}
