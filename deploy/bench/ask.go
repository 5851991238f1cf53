package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ask asks the server over its socket, as the CLI does: who viewed this record, and what a reader did in a month. Each
// question is followed through identities, answered with its coverage, and journaled before the answer leaves.
func (b *bench) ask(ctx context.Context) (err error) {
	home, p, e, err := b.populated(ctx, b.size.rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	records, err := e.records(ctx, b.size)
	if err != nil {
		return err
	}
	months, err := e.months(ctx, b.size)
	if err != nil {
		return err
	}
	total, _, err := e.weigh(ctx)
	if err != nil {
		return err
	}
	// The engine is started here and not by the server, so that it can be asked how many rows were read.
	s, err := startServer(ctx, b.binary, home, e.engine.DSN())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()

	viewed, err := b.measure(ctx, e, s, len(records), func(i int) error { return s.whoViewed(ctx, records[i]) })
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s events, %d parts of which %d late", number(float64(p.Events)), p.Parts, p.Late)
	sizes := accesses(records)
	b.add(figWhoViewed, milliseconds(quantile(viewed.took, 0.95)), "p50 %.1f, max %.1f ms; %s; records of %d to %d accesses, median %d; %s",
		milliseconds(quantile(viewed.took, 0.5)), milliseconds(quantile(viewed.took, 1)), viewed.used, sizes[0], sizes[len(sizes)-1],
		sizes[len(sizes)/2], what)
	slices.Sort(viewed.rows)
	b.add(figWhoRows, float64(viewed.rows[len(viewed.rows)*95/100]), "p95 of all statements of a question; median %s, max %s",
		number(float64(viewed.rows[len(viewed.rows)/2])), number(float64(viewed.rows[len(viewed.rows)-1])))

	did, err := b.measure(ctx, e, s, len(months), func(i int) error { return s.readerActivity(ctx, months[i]) })
	if err != nil {
		return err
	}
	sizes = accesses(months)
	slices.Sort(did.rows)
	b.add(figReader, milliseconds(quantile(did.took, 0.95)), "p50 %.1f, max %.1f ms; %s; months of %d to %d accesses, median %d; rows read p95 %s",
		milliseconds(quantile(did.took, 0.5)), milliseconds(quantile(did.took, 1)), did.used, sizes[0], sizes[len(sizes)-1], sizes[len(sizes)/2],
		number(float64(did.rows[len(did.rows)*95/100])))
	b.note("The %s generated events take %.1f bytes an event in ClickHouse.", number(float64(p.Events)), float64(total)/float64(p.Events))
	return nil
}

// subject is somebody to ask about.
type subject struct {
	system, value string
	from, until   int64
	accesses      uint64
	// passedOn are those of a record's accesses that the access report reads from the journal.
	passedOn uint64
}

// accesses are the sizes of subjects, in order.
func accesses(all []subject) []uint64 {
	out := make([]uint64, len(all))
	for i, s := range all {
		out[i] = s.accesses
	}
	slices.Sort(out)
	return out
}

// records chooses patients.
func (e *engine) records(ctx context.Context, size sizes) (all []subject, err error) {
	// One in so many is read; a hospital of these rows has about a patient for every 400.
	params := store.Params{"one_in": uint64(max(size.rows/400/size.asks/4, 1)), "limit": uint32(size.asks)}
	err = e.Query(ctx, statement("patients"), params, func(row store.Row) error {
		var s subject
		err := row.Scan(&s.system, &s.value, &s.accesses, &s.passedOn)
		all = append(all, s)
		return err //nolint:wrapcheck // says what failed
	})
	return enough(all, err)
}

// months chooses readers and months in which they worked.
func (e *engine) months(ctx context.Context, size sizes) (all []subject, err error) {
	params := store.Params{"one_in": uint64(1), "limit": uint32(size.asks), "least": uint64(min(100, size.rows/10_000))}
	if size.rows > 10*fewRows {
		params["one_in"] = uint64(20)
	}
	err = e.Query(ctx, statement("readers"), params, func(row store.Row) error {
		var s subject
		err := row.Scan(&s.system, &s.value, &s.from, &s.until, &s.accesses)
		all = append(all, s)
		return err //nolint:wrapcheck // says what failed
	})
	return enough(all, err)
}

func enough(all []subject, err error) ([]subject, error) {
	if err != nil {
		return nil, fmt.Errorf("choose subjects: %w", err)
	}
	if len(all) < 5 {
		return nil, fmt.Errorf("choose subjects: only %d were found", len(all))
	}
	return all, nil
}

// asked is what questions took and read, and what they used of the processors.
type asked struct {
	took []time.Duration
	rows []uint64
	used string
}

// measure asks n questions once to warm up, then again for their time and again for the rows that they read.
func (b *bench) measure(ctx context.Context, e *engine, s *server, n int, question func(i int) error) (a asked, err error) {
	used := func() (server, engine time.Duration) { return processorTime(s.pid()), processorTime(e.engine.PID()) }
	for round := range 2 {
		server, engine := used()
		for i := range n {
			begin := time.Now()
			if err := question(i); err != nil {
				return a, err
			}
			if round == 1 {
				a.took = append(a.took, time.Since(begin))
			}
		}
		serverNow, engineNow := used()
		a.used = fmt.Sprintf("processor a question: %.1f ms + engine %.1f ms", milliseconds(serverNow-server)/float64(n),
			milliseconds(engineNow-engine)/float64(n))
	}
	// Reading the counter reads rows of system.events too, each time as many.
	own := uint64(0)
	for i := range n {
		before, err := e.one(ctx, "rows_read")
		if err != nil {
			return a, err
		}
		between, err := e.one(ctx, "rows_read")
		if err != nil {
			return a, err
		}
		own = between - before
		if err := question(i); err != nil {
			return a, err
		}
		after, err := e.one(ctx, "rows_read")
		if err != nil {
			return a, err
		}
		a.rows = append(a.rows, after-between-min(own, after-between))
	}
	return a, nil
}

// whoViewed asks for the first page about a record and checks that it is one.
func (s *server) whoViewed(ctx context.Context, of subject) error {
	res, err := s.query.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: of.value, Purpose: purpose}))
	switch {
	case err != nil:
		return fmt.Errorf("ask who viewed: %w", err)
	case len(res.Msg.Candidates) > 0 || res.Msg.Totals.GetEvents() < of.accesses || len(res.Msg.Accesses) == 0:
		return fmt.Errorf("ask who viewed: %d candidates, %d events of %d, %d on the page", len(res.Msg.Candidates),
			res.Msg.Totals.GetEvents(), of.accesses, len(res.Msg.Accesses))
	}
	return nil
}

// readerActivity asks for the first page about a reader's month.
func (s *server) readerActivity(ctx context.Context, of subject) error {
	res, err := s.query.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{
		Reader: of.value, Purpose: purpose, FromUs: of.from, UntilUs: of.until,
	}))
	switch {
	case err != nil:
		return fmt.Errorf("ask what a reader did: %w", err)
	case len(res.Msg.Candidates) > 0 || res.Msg.Totals.GetEvents() == 0 || len(res.Msg.Accesses) == 0:
		return fmt.Errorf("ask what a reader did: %d candidates, %d events, %d on the page", len(res.Msg.Candidates),
			res.Msg.Totals.GetEvents(), len(res.Msg.Accesses))
	}
	return nil
}
