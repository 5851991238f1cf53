package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// furnishOnline asks the server for what it alone makes: dead letters, saved views, questions that wait for whoever runs this, and frozen
// scopes. Before, it waits until alerts, decisions and cases are in its tables.
func (b *bench) furnishOnline(ctx context.Context, home string, f *furniture, e *engine, s *server, years []subject) error {
	if _, _, err := s.awaitProjected(ctx); err != nil {
		return err
	}
	if err := s.awaitAlerts(ctx, e, f.Alerts); err != nil {
		return err
	}
	if f.Online {
		return nil
	}
	for _, furnish := range []func(context.Context, *engine, []subject) error{s.sendDeadLetters, s.saveViews, s.putQuestions, s.freezeScopes} {
		if err := furnish(ctx, e, years); err != nil {
			return err
		}
	}
	if _, _, err := s.awaitProjected(ctx); err != nil {
		return err
	}
	f.Online = true
	return f.keep(home)
}

// awaitAlerts waits until so many alerts are in the tables.
func (s *server) awaitAlerts(ctx context.Context, e *engine, alerts int) error {
	for {
		n, err := e.one(ctx, "alerts")
		if err != nil || n >= uint64(alerts) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for alerts: %w", ctx.Err())
		case <-s.gone:
			return fmt.Errorf("the server ended: %s", s.log)
		case <-time.After(pollEvery):
		}
	}
}

// sendDeadLetters sends what cannot become an event: of each source some lines of an element that is not there.
func (s *server) sendDeadLetters(ctx context.Context, _ *engine, _ []subject) error {
	for i, source := range simulate.Sources() {
		var lines bytes.Buffer
		for n := i; n < deadLetters; n += len(simulate.Sources()) {
			fmt.Fprintf(&lines, `{"resourceType":"AuditEvent","id":"bench-%d","recorded":"no time"}`+"\n", n)
		}
		if err := s.postLines(ctx, source, lines.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) saveViews(ctx context.Context, _ *engine, years []subject) error {
	casework := readtrailv1connect.NewCaseworkServiceClient(s.http, base)
	for i := range savedViews {
		q := &v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{
			Dispositions: []v1.Disposition{v1.Disposition_DISPOSITION_UNSPECIFIED}, States: []v1.AlertState{v1.AlertState_ALERT_STATE_RAISED, v1.AlertState_ALERT_STATE_UPDATED},
		}}, Window: &v1.ViewWindow{LastDays: 7}}
		switch i % 3 {
		case 1:
			q.Page = &v1.ViewQuestion_Reader{Reader: &v1.ViewOfReader{Reader: years[i%len(years)].value}}
		case 2:
			q.Page = &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{Workstation: fmt.Sprintf("WS-%d", i)}}
		}
		req := connect.NewRequest(&v1.SaveViewRequest{Name: fmt.Sprintf("Rounds %d", i), Shared: i%2 == 0, Question: q})
		// A run that broke off may have saved it.
		if _, err := casework.SaveView(ctx, req); err != nil && connect.CodeOf(err) != connect.CodeAlreadyExists {
			return fmt.Errorf("save a view: %w", err)
		}
	}
	return nil
}

// shown is how many accesses a question discloses.
const shown = 3

// putQuestions puts a question in each of the open cases to whoever runs this, with some accesses that were really imported.
func (s *server) putQuestions(ctx context.Context, e *engine, _ []subject) error {
	who, err := asker()
	if err != nil {
		return err
	}
	positions, err := e.imported(ctx, shown)
	if err != nil {
		return err
	}
	var events [][]byte
	for _, position := range positions {
		res, err := s.query.GetEvent(ctx, connect.NewRequest(&v1.GetEventRequest{Event: fmt.Sprint(position), Purpose: purpose}))
		if err != nil {
			return fmt.Errorf("find an event: %w", err)
		}
		events = append(events, res.Msg.Event.EventId)
	}
	list, err := readtrailv1connect.NewCaseServiceClient(s.http, base).ListCases(ctx, connect.NewRequest(&v1.ListCasesRequest{
		Status: v1.CaseStatus_CASE_STATUS_OPEN, Purpose: purpose, Page: &v1.Page{Size: questions},
	}))
	if err != nil {
		return fmt.Errorf("list cases: %w", err)
	}
	casework := readtrailv1connect.NewCaseworkServiceClient(s.http, base)
	for _, c := range list.Msg.Cases {
		_, err := casework.WriteCase(ctx, connect.NewRequest(&v1.WriteCaseRequest{Case: c.CaseId, Version: c.Version, Body: &v1.WriteCaseRequest_Asked{
			Asked: &v1.CaseAsked{
				Respondent: v1.Respondent_RESPONDENT_READER, Name: "Who opened it", Text: "What was this for?", To: who, Shown: events, Patients: true,
			},
		}}))
		if err != nil {
			return fmt.Errorf("put a question: %w", err)
		}
	}
	return nil
}

func (s *server) freezeScopes(ctx context.Context, _ *engine, years []subject) error {
	for _, of := range years[:min(frozen, len(years))] {
		_, err := s.scopes.FreezeScope(ctx, connect.NewRequest(&v1.FreezeScopeRequest{
			Query: &v1.ScopeQuery{Reader: of.system + "|" + of.value, FromUs: of.from, UntilUs: of.until}, Purpose: purpose,
		}))
		if err != nil {
			return fmt.Errorf("freeze a scope: %w", err)
		}
	}
	return nil
}

// imported are positions of events that the journal holds.
func (e *engine) imported(ctx context.Context, n int) (all []uint64, err error) {
	err = e.Query(ctx, statement("imported"), store.Params{"limit": uint32(n)}, func(row store.Row) error {
		var position uint64
		err := row.Scan(&position)
		all = append(all, position)
		return err //nolint:wrapcheck // says what failed
	})
	if err != nil || len(all) == 0 {
		return nil, errors.Join(fmt.Errorf("choose events: %d were found", len(all)), err)
	}
	return all, nil
}

// workstations chooses workstations and weeks in which somebody worked there.
func (e *engine) workstations(ctx context.Context, size sizes) (all []subject, err error) {
	params := store.Params{"one_in": uint64(max(size.rows/1_000_000, 1)), "limit": uint32(size.asks)}
	err = e.Query(ctx, statement("workstations"), params, func(row store.Row) error {
		var s subject
		err := row.Scan(&s.system, &s.value, &s.from, &s.until, &s.accesses)
		all = append(all, s)
		return err //nolint:wrapcheck // says what failed
	})
	return enough(all, err)
}
