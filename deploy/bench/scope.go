package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// exported is how many reports the export is measured on.
const exported = 2_000_000

// scope asks the server what the breach of a reader's year concerns, and has it export a stretch of time of all readers.
func (b *bench) scope(ctx context.Context) (err error) {
	home, p, e, err := b.populated(ctx, b.size.rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	asked, err := e.readerYears(ctx, b.size)
	if err != nil {
		return err
	}
	window, err := e.window(ctx, min(exported, b.size.rows/4))
	if err != nil {
		return err
	}
	s, err := startServer(ctx, b.binary, home, e.engine.DSN())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	what := fmt.Sprintf("%s events, %d parts of which %d late", number(float64(p.Events)), p.Parts, p.Late)

	// No scope is asked for twice: the server keeps those that it computed last.
	turn := int64(0)
	years, err := b.measure(ctx, e, s, len(asked), func(i int) error {
		turn++
		return s.breachScope(ctx, asked[i], turn)
	})
	if err != nil {
		return err
	}
	sizes := accesses(asked)
	b.add(figScope, milliseconds(quantile(years.took, 0.95)), "p50 %.1f, max %.1f ms; %s; years of %d to %d reports, median %d; rows read p95 %s; %s",
		milliseconds(quantile(years.took, 0.5)), milliseconds(quantile(years.took, 1)), years.used, sizes[0], sizes[len(sizes)-1], sizes[len(sizes)/2],
		number(float64(years.rows[len(years.rows)*95/100])), what)
	return b.export(ctx, s, window)
}

// export measures one export from the question to its last byte, with the counting that comes before the first one.
func (b *bench) export(ctx context.Context, s *server, window subject) error {
	if err := resetPeak(s.pid()); err != nil {
		return err
	}
	before, begun := peak(s.pid()), time.Now()
	stream, err := s.scopes.ExportScope(ctx, connect.NewRequest(&v1.ExportScopeRequest{
		Query: &v1.ScopeQuery{FromUs: window.from, UntilUs: window.until}, Purpose: purpose, Format: v1.ExportScopeRequest_FORMAT_CSV,
	}))
	if err != nil {
		return fmt.Errorf("export a scope: %w", err)
	}
	defer func() { _ = stream.Close() }() // what failed is in stream.Err
	var counted, took time.Duration
	var reports, patients, bytes uint64
	for stream.Receive() {
		part := stream.Msg()
		if part.Totals != nil {
			counted, patients = time.Since(begun), part.Totals.Patients
		}
		bytes += uint64(len(part.Data))
		if part.Done {
			reports, took = part.Reports, time.Since(begun)
		}
	}
	if err := stream.Err(); err != nil || reports < window.accesses {
		return errors.Join(err, fmt.Errorf("export a scope: %d reports of %d", reports, window.accesses))
	}
	b.add(figExport, float64(reports)/took.Seconds(), "%s reports about %s patients, %.0f MB; counted in %.1f s, then %s reports/s; the server grew by %.0f MB",
		number(float64(reports)), number(float64(patients)), float64(bytes)/1e6, counted.Seconds(), number(float64(reports)/(took-counted).Seconds()),
		(peak(s.pid())-before)/1e6)
	return nil
}

// readerYears chooses readers and years in which they worked.
func (e *engine) readerYears(ctx context.Context, size sizes) (all []subject, err error) {
	params := store.Params{"one_in": uint64(1), "limit": uint32(size.asks), "least": uint64(min(1000, size.rows/10_000))}
	if size.rows > 10*fewRows {
		params["one_in"] = uint64(10)
	}
	err = e.Query(ctx, statement("reader_years"), params, func(row store.Row) error {
		var s subject
		err := row.Scan(&s.system, &s.value, &s.from, &s.until, &s.accesses)
		all = append(all, s)
		return err //nolint:wrapcheck // says what failed
	})
	return enough(all, err)
}

// window is the last stretch of time with so many reports.
func (e *engine) window(ctx context.Context, reports int) (w subject, err error) {
	err = e.Query(ctx, statement("window"), store.Params{"limit": uint32(reports)}, func(row store.Row) error {
		return row.Scan(&w.from, &w.until, &w.accesses) //nolint:wrapcheck // says what failed
	})
	if err != nil {
		return w, fmt.Errorf("choose a stretch of time: %w", err)
	}
	return w, nil
}

// breachScope asks for the first page of a reader's year and checks that it is one. turn moves its beginning by as many
// microseconds, so that it is another scope each time.
func (s *server) breachScope(ctx context.Context, of subject, turn int64) error {
	res, err := s.scopes.BreachScope(ctx, connect.NewRequest(&v1.BreachScopeRequest{
		Query: &v1.ScopeQuery{Reader: of.system + "|" + of.value, FromUs: of.from - turn, UntilUs: of.until}, Purpose: purpose,
	}))
	switch {
	case err != nil:
		return fmt.Errorf("ask for a breach scope: %w", err)
	case len(res.Msg.Candidates) > 0 || res.Msg.Totals.GetCounts().GetReports() < of.accesses || len(res.Msg.Patients) == 0 && res.Msg.Totals.GetPatients() > 0:
		return fmt.Errorf("ask for a breach scope: %d candidates, %d reports of %d, %d patients", len(res.Msg.Candidates),
			res.Msg.Totals.GetCounts().GetReports(), of.accesses, len(res.Msg.Patients))
	}
	return nil
}
