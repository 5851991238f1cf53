package projections

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// ErrRebuilding refuses a second rebuild beside the first.
var ErrRebuilding = errors.New("a rebuild is running already")

// Projector folds the journal into the tables. One process only runs Run or Rebuild on a ClickHouse database: it is the
// only writer of a version. A second one with another journal is refused (ErrForeign); one with the same journal takes
// over, and the first stops before its next watermark (ErrSuperseded).
type Projector struct {
	cfg      Config
	metrics  *metrics
	registry registry
	owner    *owner
	// current is true once no table of an earlier release stands beside the active version's: what one holds is not answered from.
	current atomic.Bool
	// hook is called after each insert, for tests that break there.
	hook func(version uint32, stage string) error

	// turn holds one token: who has it may decide which version is live. Run takes it to begin, a rebuild to flip.
	turn chan struct{}

	mu sync.Mutex // guards what follows
	// live is the version that Run keeps up, or did last.
	live        uint32
	liveMarks   *marks
	liveStreams []*stream
	// hold makes Run let go of its version; idle is closed once it has. Both are nil before Run began.
	hold context.CancelCauseFunc
	idle chan struct{}
	// building is the version of the rebuild that runs.
	building        uint32
	buildingMarks   *marks
	buildingStreams []*stream
	rebuilding      bool
	stopped         error
	// streamTrouble is what keeps a stream of the detectors from getting on until someone acts, by its name.
	streamTrouble map[string]error
	// refused is what ClickHouse refuses for a reason that does not pass by itself; nil since the last watermark.
	refused error
}

// New returns a projector. It does not touch ClickHouse before Run.
func New(cfg Config) (*Projector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("projections: %w", err)
	}
	cfg = cfg.withDefaults()
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("projections: register metrics: %w", err)
	}
	process := rand.Text()
	p := &Projector{
		cfg: cfg, metrics: m, registry: registry{as(cfg.Store, process)}, turn: make(chan struct{}, 1), streamTrouble: map[string]error{},
	}
	if err := p.registerLag(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("projections: register metrics: %w", err)
	}
	p.owner = &owner{store: p.registry.store, follow: cfg.Follow, process: process}
	p.turn <- struct{}{}
	return p, nil
}

// Run makes the tables where they are missing and keeps the active version up to date until ctx ends; then it returns
// ctx's error. Whatever passes (ClickHouse away, an insert that timed out) is retried for ever, and so is what ClickHouse
// refuses until someone acts, with Trouble and the metric readtrail_projections_refused. A gap in the journal or a corrupt
// batch ends it with an error that wraps ErrGap or proto.ErrCorrupt, another writer with ErrSuperseded, after an alarm (log,
// metric readtrail_projections_stopped, Status): the tables stay as they are, questions are still answered up to the
// watermark. The caller keeps everything else running. Tables that an edited migration made wait for Rebuild.
func (p *Projector) Run(ctx context.Context) error {
	for {
		err := p.keepUp(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errHeld):
			continue
		case final(err):
			p.cfg.Logger.ErrorContext(ctx, "projection stopped", slog.Any("err", err))
			p.setStopped(err)
			return fmt.Errorf("project journal: %w", err)
		case errors.Is(err, ErrSchema), errors.Is(err, ErrForeign):
			if _, stopped := p.Status(); stopped == nil {
				p.cfg.Logger.ErrorContext(ctx, "projection waits until someone acts", slog.Any("err", err))
			}
			p.setStopped(err)
		default:
			if refused(err) != 0 {
				p.setRefused(err)
			}
			p.cfg.Logger.WarnContext(ctx, "projection cannot begin, trying again", slog.Any("err", err))
		}
		if err := pause(ctx, p.cfg.RetryAfter); err != nil {
			return err
		}
	}
}

// keepUp makes the active version live and keeps it up until ctx ends, the journal turns out damaged, or a rebuild holds
// it.
func (p *Projector) keepUp(ctx context.Context) error {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	version, err := p.begin(ctx)
	if err != nil {
		p.turn <- struct{}{}
		return err
	}
	line, streams := p.pipeline(version), p.streams(version)
	line.replaced = func() { p.current.Store(true) }
	running, cancel := context.WithCancelCause(ctx)
	idle := make(chan struct{})
	defer close(idle)
	p.mu.Lock()
	p.live, p.liveMarks, p.liveStreams, p.hold, p.idle, p.stopped = version, line.marks, streams, cancel, idle, nil
	p.mu.Unlock()
	p.turn <- struct{}{}
	streamsEnd := p.keepUpStreams(running, streams)
	err = line.keepUp(running)
	held := errors.Is(context.Cause(running), errHeld)
	cancel(nil)
	streamsEnd()
	if held {
		return errHeld
	}
	return err
}

// keepUpStreams keeps up what detectors write, beside the journal: a stream that stops at damage raises its alarm, and the others go
// on. The function returned waits until all have ended.
func (p *Projector) keepUpStreams(ctx context.Context, streams []*stream) (wait func()) {
	var all sync.WaitGroup
	for _, s := range streams {
		all.Go(func() {
			err := s.keepUp(ctx)
			if ctx.Err() != nil || errors.Is(err, ErrSuperseded) { // the pipeline of the journal finds that out and tells it
				return
			}
			p.cfg.Logger.ErrorContext(ctx, "projection of a stream stopped", slog.String("stream", s.name), slog.Any("err", err))
			p.metrics.streamStopped.WithLabelValues(s.name).Set(1)
			p.setStreamTrouble(s.name, err)
		})
	}
	return all.Wait
}

// begin prepares the tables and removes those of retired versions: no question that began before this process did can
// still be reading them.
func (p *Projector) begin(ctx context.Context) (uint32, error) {
	if err := p.registry.prepare(ctx); err != nil {
		return 0, err
	}
	if err := p.owner.claim(ctx, p.cfg.Head()); err != nil {
		return 0, err
	}
	version, err := p.registry.first(ctx)
	if err == nil || errors.Is(err, ErrSchema) {
		err = errors.Join(err, p.look(ctx))
	}
	if err != nil {
		return 0, err
	}
	p.metrics.version.Set(float64(version))
	p.mu.Lock()
	again := p.live != 0
	p.mu.Unlock()
	if again {
		return version, nil
	}
	return version, p.dropRetired(ctx, version)
}

// look finds out whether the active version has all that questions read.
func (p *Projector) look(ctx context.Context) error {
	version, _, err := p.registry.active(ctx)
	if err != nil {
		return err
	}
	former, err := p.registry.former(ctx, version)
	if err != nil {
		return err
	}
	p.current.Store(len(former) == 0)
	return nil
}

// dropRetired removes the tables of versions below the active one.
func (p *Projector) dropRetired(ctx context.Context, active uint32) error {
	stages, err := p.registry.stages(ctx)
	if err != nil {
		return err
	}
	for version, stage := range stages {
		if version < active && stage != stageGone {
			if err := p.registry.drop(ctx, version); err != nil {
				return err
			}
			p.cfg.Logger.InfoContext(ctx, "old version dropped", slog.Any("version", version))
		}
	}
	return nil
}

// errHeld ends the live pipeline because a rebuild takes over.
var errHeld = errors.New("live projection is held")

// Version is the version that answers; 0 while it is not known whether the database is this journal's, as the projections of
// another one answer nothing here, and until tables of an earlier release are taken over: answers would lack what those hold.
func (p *Projector) Version(ctx context.Context) (uint32, error) {
	if !p.owner.claimed.Load() || !p.current.Load() {
		return 0, nil
	}
	return ActiveVersion(ctx, p.cfg.Store)
}

func (p *Projector) pipeline(version uint32) *pipeline {
	line := &pipeline{
		cfg: &p.cfg, metrics: p.metrics, version: version, marks: newMarks(), owner: p.owner, runs: newRunPool(p.cfg.MaxBytes), refused: p.setRefused,
	}
	if p.hook != nil {
		line.hook = func(stage string) error { return p.hook(version, stage) }
	}
	return line
}

func (p *Projector) setStopped(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = err
}

// Status is how far one projector of one version has read.
type Status struct {
	// Name is ProjectorAccesses or ProjectorRollups.
	Name    string
	Version uint32
	// Active says that the version answers questions.
	Active   bool
	Position proto.Position
	// Received is the received time of Position; zero when nothing was read yet.
	Received time.Time
}

// Status returns the progress of what runs in this process, the live version first. A process that only asks reads
// ReadStatus instead. err is what stopped Run for good, nil while it is well.
func (p *Projector) Status() (all []Status, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.liveMarks != nil {
		all = append(all, p.liveMarks.status(p.live, true)...)
	}
	if p.rebuilding && p.buildingMarks != nil {
		all = append(all, p.buildingMarks.status(p.building, false)...)
	}
	return all, p.stopped
}

func (m *marks) status(version uint32, active bool) []Status {
	out := make([]Status, 0, 2)
	for _, name := range []string{ProjectorAccesses, ProjectorRollups} {
		w, _ := m.get(name)
		out = append(out, newStatus(name, version, active, w))
	}
	return out
}

func newStatus(name string, version uint32, active bool, w watermark) Status {
	s := Status{Name: name, Version: version, Active: active, Position: w.position}
	if w.position > 0 {
		s.Received = time.UnixMicro(w.received).UTC()
	}
	return s
}

// StreamStatus is how far the tables of one version have read a stream that detectors write.
type StreamStatus struct {
	// Name is ProjectorFindings or ProjectorAlerts.
	Name    string
	Version uint32
	// Active says that the version answers questions.
	Active bool
	// Sequence is the last message in the tables, Head the stream's last one.
	Sequence, Head uint64
	// At is the received time of the last message's cause; zero when nothing was read yet.
	At time.Time
}

// StreamStatus returns the progress of what runs in this process, the live version first.
func (p *Projector) StreamStatus() (all []StreamStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add := func(streams []*stream, version uint32, active bool) {
		for _, s := range streams {
			mark, _, _ := s.marks.get()
			one := StreamStatus{Name: s.name, Version: version, Active: active, Sequence: mark.sequence, Head: s.head()}
			if mark.sequence > 0 {
				one.At = time.UnixMicro(mark.at).UTC()
			}
			all = append(all, one)
		}
	}
	add(p.liveStreams, p.live, true)
	add(p.buildingStreams, p.building, false)
	return all
}

// ReadStatus reads from ClickHouse how far the projectors of the active version are. It is what a process does that runs
// no projector.
func ReadStatus(ctx context.Context, s *store.Store) ([]Status, error) {
	version, err := ActiveVersion(ctx, s)
	if err != nil || version == 0 {
		return nil, err
	}
	found, err := readWatermarks(ctx, s, version)
	if err != nil {
		return nil, err
	}
	return []Status{
		newStatus(ProjectorAccesses, version, true, found[ProjectorAccesses]),
		newStatus(ProjectorRollups, version, true, found[ProjectorRollups]),
	}, nil
}
