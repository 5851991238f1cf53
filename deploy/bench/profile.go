package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// profileImport runs the import path in this process, journal and projector included, and writes where the processor time
// went. It is for finding out why a figure is what it is; no figure is measured here.
func (b *bench) profileImport(ctx context.Context) (err error) {
	dir, err := b.folder("profile")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.done(dir)) }()
	data, err := decadeOf(ctx, filepath.Join(dir, "events"), b.size.events)
	if err != nil {
		return err
	}
	e, err := openEngine(ctx, b.binary, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	j, err := openJournal(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close(context.WithoutCancel(ctx))) }()
	projector, err := projections.New(projections.Config{Store: e.Store, Follow: j.Follow, Head: j.Head})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	out, err := os.Create(b.profile)
	if err != nil {
		return fmt.Errorf("make profile: %w", err)
	}
	defer out.Close()
	following, stop := context.WithCancel(ctx)
	group, following := errgroup.WithContext(following)
	group.Go(func() error { return projector.Run(following) })

	if err := pprof.StartCPUProfile(out); err != nil {
		stop()
		return errors.Join(fmt.Errorf("profile: %w", err), group.Wait())
	}
	own, engine, begin := processorTime(os.Getpid()), processorTime(e.engine.PID()), time.Now()
	err = importHere(ctx, data, j)
	took := time.Since(begin)
	for err == nil && !projectedTo(projector, j.Head().Sequence()) && ctx.Err() == nil {
		time.Sleep(pollEvery)
	}
	pprof.StopCPUProfile()
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(data.events) }
	b.say("%d events in %.1f s, all projected after %.1f s; processor an event: %.1f us here, %.1f us in the engine", data.events,
		took.Seconds(), time.Since(begin).Seconds(), each(processorTime(os.Getpid())-own), each(processorTime(e.engine.PID())-engine))
	err = errors.Join(err, b.sayWritten(ctx, e))
	stop()
	if stopped := group.Wait(); err == nil && !errors.Is(stopped, context.Canceled) {
		err = stopped
	}
	return err
}

// sayWritten tells how often the engine wrote what it was given: half of its processor time goes into merges.
func (b *bench) sayWritten(ctx context.Context, e *engine) error {
	return e.Query(ctx, statement("written"), nil, func(row store.Row) error { //nolint:wrapcheck // says what failed
		var inserted, inserts, merged, merges, ms uint64
		if err := row.Scan(&inserted, &inserts, &merged, &merges, &ms); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		b.say("the engine took %d rows in %d inserts and wrote %.2f rows an inserted one again in %d merges, in %.1f s", inserted, inserts,
			float64(merged)/float64(max(1, inserted)), merges, float64(ms)/1000)
		return nil
	})
}

// openJournal opens a journal with a new key ring.
func openJournal(ctx context.Context, dir string) (*journal.Journal, error) {
	master, err := proto.LoadMasterKey(filepath.Join(dir, "master.key"), true)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	keys, err := proto.OpenKeyRing(filepath.Join(dir, "keys"), master)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	j, err := journal.Open(ctx, journal.Config{Dir: filepath.Join(dir, "data", "journal"), Keys: keys})
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return j, nil
}

// importHere decodes and appends every file, as the server's import does.
func importHere(ctx context.Context, data *dataset, j *journal.Journal) error {
	intake, err := ingest.NewIntake(ingest.IntakeConfig{Appender: j})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	for _, file := range data.files {
		f, err := os.Open(file.path)
		if err != nil {
			return fmt.Errorf("open events: %w", err)
		}
		src := ingest.Source{Name: file.source, Zone: time.UTC, Policy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE}
		err = fhir.Lines(ctx, fhir.LinesConfig{}, src, f, func(batch fhir.Batch) error {
			_, _, err := intake.Submit(ctx, src, batch.Entries, ingest.Options{})
			return err //nolint:wrapcheck // says what failed
		})
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("import: %w", err)
		}
	}
	return nil
}

// projectedTo says whether both projectors have read a message.
func projectedTo(p *projections.Projector, sequence uint64) bool {
	all, _ := p.Status()
	low := len(all) > 0
	for _, s := range all {
		low = low && s.Position.Sequence() >= sequence
	}
	return low
}
