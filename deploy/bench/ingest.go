package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// ingest imports ten years of events with `readtrail import`, all consumers on, weighs what the tables take, and rebuilds
// them from the journal.
func (b *bench) ingest(ctx context.Context) (err error) {
	dir, err := b.folder("ingest")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.done(dir)) }()
	b.say("writing %d events of ten years", b.size.events)
	data, err := decadeOf(ctx, filepath.Join(dir, "events"), b.size.events)
	if err != nil {
		return err
	}
	var imported, queryable, rebuilt []float64
	note, rebuilding := "", ""
	for i := range b.size.repeat {
		home := filepath.Join(dir, fmt.Sprintf("run%d", i+1))
		r, err := b.importAll(ctx, home, data)
		if err != nil {
			return err
		}
		imported = append(imported, perSecond(data.events, r.imported))
		queryable = append(queryable, perSecond(data.events, r.imported+r.projected))
		note = r.note
		b.say("import: %.0f events/s, to queryable: %.0f events/s (%s)", imported[i], queryable[i], note)
		if i == 0 {
			if err := b.weighTables(ctx, home, data.events); err != nil {
				return err
			}
		}
		rate, cost, err := b.rebuild(ctx, home, data.events)
		if err != nil {
			return err
		}
		rebuilt, rebuilding = append(rebuilt, rate), cost
		if err := b.done(home); err != nil {
			return err
		}
	}
	size := fmt.Sprintf("%s events of %.2f KB", number(float64(data.events)), float64(data.bytes)/float64(data.events)/1000)
	b.add(figImport, median(imported), "%s; %s", size, note)
	b.add(figEndToEnd, median(queryable), "the same import, until all of it answers")
	b.add(figRebuild, median(rebuilt), "into the next version, until it answers; %s", rebuilding)
	return nil
}

// imported is how one import went.
type imported struct {
	imported, projected time.Duration
	note                string
}

// importAll imports a dataset into a new server, file after file, and waits until everything can be asked for.
func (b *bench) importAll(ctx context.Context, home string, data *dataset) (r imported, err error) {
	s, err := startServer(ctx, b.binary, home, "")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := s.registerSources(ctx); err != nil {
		return r, err
	}
	used, begin := usageOf(s.pid()), time.Now()
	for _, f := range data.files {
		if f.events == 0 {
			continue
		}
		if err := s.importFile(ctx, f.source, f.path, nil, f.events); err != nil {
			return r, err
		}
	}
	r.imported = time.Since(begin)
	accesses, rollups, err := s.awaitProjected(ctx)
	if err != nil {
		return r, err
	}
	r.projected = accesses
	r.note = fmt.Sprintf("projections %.1f s behind at the end, rollups %.1f s; %s", accesses.Seconds(), rollups.Seconds(),
		usageOf(s.pid()).since(used, data.events))
	return r, nil
}

// weighTables weighs everything that the engine keeps, once its merges have come to rest.
func (b *bench) weighTables(ctx context.Context, home string, events int) error {
	e, err := openEngine(ctx, b.binary, home)
	if err != nil {
		return err
	}
	total, largest, err := e.weigh(ctx)
	if err = errors.Join(err, e.close()); err != nil {
		return err
	}
	b.add(figTableBytes, float64(total)/float64(events), "after the import: %s", largest.per(events))
	return nil
}

// rebuild rebuilds the projections of a data directory from its journal and returns the rate and what it used.
func (b *bench) rebuild(ctx context.Context, home string, events int) (rate float64, cost string, err error) {
	s, err := startServer(ctx, b.binary, home, "")
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	used, begin := usageOf(s.pid()), time.Now()
	stream, err := readtrailv1connect.NewProjectionServiceClient(s.http, base).Rebuild(ctx, connect.NewRequest(&v1.RebuildRequest{}))
	if err != nil {
		return 0, "", fmt.Errorf("rebuild: %w", err)
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	flipped, rows := false, uint64(0)
	for stream.Receive() {
		flipped, rows = stream.Msg().Flipped, stream.Msg().Rows
	}
	if err := stream.Err(); err != nil {
		return 0, "", fmt.Errorf("rebuild: %w", err)
	}
	if !flipped || rows < uint64(events) {
		return 0, "", fmt.Errorf("rebuild of %d events: %d rows, flipped: %t", events, rows, flipped)
	}
	took := time.Since(begin)
	return perSecond(events, took), usageOf(s.pid()).since(used, events), nil
}
