package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/fault"
)

// Progress is how far a rebuild is.
type Progress struct {
	Version uint32
	// Position is what both projectors of the version have read; Target what they have to reach, never below Position.
	Position, Target proto.Position
	// Rows is how many accesses by patient the new version holds, whoever wrote them.
	Rows uint64
	// Flipped says that the version answers questions now; it is the last report.
	Flipped bool
}

// Rebuild reads the journal from its beginning into the tables of the next version, beside the live one, and makes it
// answer when it has caught up. progress, which may be nil, is called from one goroutine: as soon as it is known where the
// rebuild begins, twice a second while it gets on, and at the flip.
//
// The order of the flip: the live version lets go of the journal, the new one passes its watermark, one row in active
// flips, Run goes on with the new version. So no question sees an older position than the one before it did.
//
// A rebuild that was broken off, by a crash too, goes on where it stopped when Rebuild is called again. The old version's
// tables stay as they are until the next start of Run or the next rebuild, so that questions which began before the flip
// end in peace; until then both take disk space. ErrRebuilding refuses a second one.
func (p *Projector) Rebuild(ctx context.Context, progress func(Progress)) error {
	p.mu.Lock()
	if p.rebuilding {
		p.mu.Unlock()
		return ErrRebuilding
	}
	p.rebuilding = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.rebuilding, p.building, p.buildingMarks, p.buildingStreams = false, 0, nil, nil
		p.mu.Unlock()
	}()
	if progress == nil {
		progress = func(Progress) {}
	}
	version, err := p.nextVersion(ctx)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	p.cfg.Logger.InfoContext(ctx, "rebuild begins", slog.Any("version", version))
	if err := p.rebuild(ctx, version, progress); err != nil {
		return fmt.Errorf("rebuild version %d: %w", version, err)
	}
	p.cfg.Logger.InfoContext(ctx, "rebuild has flipped", slog.Any("version", version))
	return nil
}

// nextVersion goes on with a version that was being built, else begins the next one. What an older release had begun
// to build is dropped: its tables may differ.
func (p *Projector) nextVersion(ctx context.Context) (uint32, error) {
	if err := p.registry.prepare(ctx); err != nil {
		return 0, err
	}
	if err := p.owner.claim(ctx, p.cfg.Head()); err != nil {
		return 0, err
	}
	active, _, err := p.registry.active(ctx)
	if err != nil {
		return 0, err
	}
	if err := p.dropRetired(ctx, active); err != nil {
		return 0, err
	}
	stages, err := p.registry.stages(ctx)
	if err != nil {
		return 0, err
	}
	next := active + 1
	for version, stage := range stages {
		if version <= active {
			continue
		}
		next = max(next, version+1)
		if stage >= stageRetired {
			continue
		}
		err := p.registry.migrate(ctx, version)
		if err == nil {
			return version, nil
		}
		if !errors.Is(err, ErrSchema) {
			return 0, err
		}
		if err := p.registry.drop(ctx, version); err != nil {
			return 0, err
		}
	}
	if err := p.registry.stage(ctx, next, stageBuilding); err != nil {
		return 0, err
	}
	return next, p.registry.migrate(ctx, next)
}

func (p *Projector) rebuild(ctx context.Context, version uint32, progress func(Progress)) error {
	line, streams := p.pipeline(version), p.streams(version)
	line.building = true
	p.mu.Lock()
	p.building, p.buildingMarks, p.buildingStreams = version, line.marks, streams
	p.mu.Unlock()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1) // all of them together
	go func() { ended <- keepAllUp(running, line, streams) }()

	report := p.reporter(version, progress)
	wait := func(target func() proto.Position) error {
		for {
			position, known, changed := line.marks.low()
			if to := target(); known {
				if err := report(ctx, position, to); err != nil {
					return err
				}
				if position.Sequence() >= to.Sequence() {
					return nil
				}
			}
			select {
			case <-changed:
			case err := <-ended:
				ended <- err
				return err
			}
		}
	}
	err := wait(p.cfg.Head)
	if err == nil {
		err = waitStreams(streams, ended, func(s *stream) uint64 { return s.head() })
	}
	if err == nil {
		resume, holdErr := p.holdLive(ctx)
		if holdErr != nil {
			stop()
			return errors.Join(holdErr, <-ended)
		}
		defer resume()
		// The live watermarks stand still now; the new version only has to pass them.
		var target proto.Position
		if target, err = p.activePosition(ctx); err == nil {
			err = wait(func() proto.Position { return target })
		}
		if err == nil {
			err = p.passStreams(ctx, streams, ended)
		}
	}
	stop()
	if pipelineErr := <-ended; err == nil && !errors.Is(pipelineErr, context.Canceled) {
		err = pipelineErr
	}
	if err != nil {
		return err
	}
	if err := p.atFlip(version); err != nil {
		return err
	}
	if err := p.registry.flip(ctx, version); err != nil {
		return err
	}
	p.metrics.version.Set(float64(version))
	position, _, _ := line.marks.low()
	rows, err := p.rowsOf(ctx, version)
	if err != nil {
		p.cfg.Logger.WarnContext(ctx, "rows of the new version cannot be counted", slog.Any("err", err)) // it answers all the same
	}
	progress(Progress{Version: version, Position: position, Target: position, Rows: rows, Flipped: true})
	return nil
}

// keepAllUp keeps up a version that is being built. Unlike in the version that answers, a stream that stops at damage ends it.
func keepAllUp(ctx context.Context, line *pipeline, streams []*stream) error {
	together, ctx := errgroup.WithContext(ctx)
	together.Go(func() error { return line.keepUp(ctx) })
	for _, s := range streams {
		together.Go(func() error { return s.keepUp(ctx) })
	}
	return together.Wait() //nolint:wrapcheck // says what failed
}

// waitStreams waits until the streams of a version that is being built have reached their targets.
func waitStreams(streams []*stream, ended chan error, target func(*stream) uint64) error {
	for _, s := range streams {
		for {
			mark, known, changed := s.marks.get()
			if known && mark.sequence >= target(s) {
				break
			}
			select {
			case <-changed:
			case err := <-ended:
				ended <- err
				return err
			}
		}
	}
	return nil
}

// passStreams waits until the streams have passed the watermarks of the version that answers, which stand still.
func (p *Projector) passStreams(ctx context.Context, streams []*stream, ended chan error) error {
	version, err := ActiveVersion(ctx, p.cfg.Store)
	if err != nil {
		return err
	}
	live, err := readWatermarks(ctx, p.cfg.Store, version)
	if err != nil {
		return err
	}
	return waitStreams(streams, ended, func(s *stream) uint64 { return uint64(live[s.name].position) })
}

// reportEvery is how often a rebuild tells of itself: a person reads no faster.
const reportEvery = 500 * time.Millisecond

// reporter returns what tells of progress at once and then every reportEvery; in between it does nothing.
func (p *Projector) reporter(version uint32, progress func(Progress)) func(context.Context, proto.Position, proto.Position) error {
	var pause <-chan time.Time
	return func(ctx context.Context, position, target proto.Position) error {
		if pause != nil {
			select {
			case <-pause:
			default:
				return nil
			}
		}
		pause = time.After(reportEvery)
		rows, err := p.rowsOf(ctx, version)
		if err != nil {
			return err
		}
		progress(Progress{Version: version, Position: position, Target: max(position, target), Rows: rows})
		return nil
	}
}

// rowsOf counts the accesses by patient of a version.
func (p *Projector) rowsOf(ctx context.Context, version uint32) (rows uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	scan := func(row store.Row) error { return row.Scan(&rows) }
	if err := p.cfg.Store.Query(ctx, queryOn("rows", tables[accessesByPatient].name(version)), nil, scan); err != nil {
		return 0, fmt.Errorf("count rows of version %d: %w", version, err)
	}
	return rows, nil
}

// atFlip runs the test's hook.
func (p *Projector) atFlip(version uint32) error {
	fault.Point("projections:before:flip")
	if p.hook == nil {
		return nil
	}
	return p.hook(version, "before:flip")
}

// holdLive makes Run let go of the live version and waits until it has; the function returned lets Run begin again, with
// the version that is active then.
func (p *Projector) holdLive(ctx context.Context) (resume func(), err error) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	hold, idle := p.hold, p.idle
	p.mu.Unlock()
	if hold != nil {
		hold(errHeld)
		<-idle
	}
	return func() { p.turn <- struct{}{} }, nil
}

// activePosition is the largest watermark of the active version.
func (p *Projector) activePosition(ctx context.Context) (proto.Position, error) {
	all, err := ReadStatus(ctx, p.cfg.Store)
	if err != nil {
		return 0, err
	}
	position := proto.Position(0)
	for _, s := range all {
		position = max(position, s.Position)
	}
	return position, nil
}
