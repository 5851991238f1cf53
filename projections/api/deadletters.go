package api

import (
	"context"
	"fmt"
	"strconv"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxCounts bounds the rows of counts by source and reason: adapters know some dozens of reasons.
const maxCounts = 5000

// ListDeadLetters lists what could not become an event. It names nobody: reasons name elements, never values; and it tells no ids, which are
// hashes of what was sent.
func (s *Service) ListDeadLetters(ctx context.Context, req *connect.Request[v1.ListDeadLettersRequest]) (*connect.Response[v1.ListDeadLettersResponse], error) {
	return answer(ctx, s, queryListDeadLetters, anyRole, func(ctx context.Context, c proto.Caller) (*v1.ListDeadLettersResponse, error) {
		return s.listDeadLetters(ctx, c, req.Msg)
	})
}

func (s *Service) listDeadLetters(ctx context.Context, c proto.Caller, m *v1.ListDeadLettersRequest) (*v1.ListDeadLettersResponse, error) {
	for field, value := range map[string]string{"source": m.Source, "reason": m.Reason} {
		if err := checkCondition(field, value); err != nil {
			return nil, err
		}
	}
	at := period{m.FromUs, m.UntilUs}
	if err := checkPeriod(s.cfg.Now(), at, 0); err != nil {
		return nil, err
	}
	size, err := pageSize(m.Page)
	if err != nil {
		return nil, err
	}
	hash := questionHash(queryListDeadLetters, m.Source, m.Reason, strconv.FormatInt(m.FromUs, 10), strconv.FormatInt(m.UntilUs, 10), strconv.FormatBool(m.IncludeRetried))
	token, err := parseToken(m.Page.GetToken(), hash)
	if err != nil {
		return nil, err
	}
	p, err := s.pin(ctx, 0, token)
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, at)
	defer func() { _ = around.wait() }()
	res := &v1.ListDeadLettersResponse{}
	if res.DeadLetters, err = p.deadLetters(ctx, m, at, token, size+1); err != nil {
		return nil, err
	}
	if len(res.DeadLetters) > size {
		res.DeadLetters = res.DeadLetters[:size]
		last := res.DeadLetters[size-1]
		res.NextPageToken = PageToken{
			Question: hash, Version: p.version, Position: p.position, Page: max(token.Page, 1) + 1,
			AfterOccurred: last.ReceivedUs, AfterPosition: proto.Position(last.Position),
		}.String()
	}
	if token.Page == 0 {
		if res.Counts, err = p.deadLetterCounts(ctx, m.Source, m.Reason, at); err != nil {
			return nil, err
		}
	}
	if res.Header, err = around.header(s.cfg.TimeZone, nil, "there were more"); err != nil {
		return nil, err
	}
	return res, s.summarise(ctx, c, queryListDeadLetters, res.Header)
}

func (p *pin) deadLetters(ctx context.Context, m *v1.ListDeadLettersRequest, at period, token PageToken, limit int) ([]*v1.DeadLetterRow, error) {
	from, until := at.bounds(0)
	before := ^uint64(0)
	if token.AfterPosition != 0 {
		before = uint64(token.AfterPosition)
	}
	params := store.Params{
		"before": before, "from": from, "until": until, "source": m.Source, "reason": m.Reason,
		"include_retried": m.IncludeRetried, "limit": uint32(limit),
	}
	var out []*v1.DeadLetterRow
	err := p.query(ctx, "dead_letters", params, func(row store.Row) error {
		d := &v1.DeadLetterRow{}
		out = append(out, d)
		return row.Scan(&d.Position, &d.Source, &d.Reason, &d.Message, &d.Element, &d.Origin, &d.Line, &d.Column,
			&d.SizeBytes, &d.ReceivedUs, &d.Format, &d.RetriedPosition)
	})
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return out, nil
}

func (p *pin) deadLetterCounts(ctx context.Context, source, reason string, at period) ([]*v1.DeadLetterCount, error) {
	from, until := at.bounds(0)
	var out []*v1.DeadLetterCount
	params := store.Params{"from": from, "until": until, "source": source, "reason": reason, "limit": uint32(maxCounts)}
	err := p.query(ctx, "dead_letter_counts", params, func(row store.Row) error {
		n := &v1.DeadLetterCount{}
		out = append(out, n)
		return row.Scan(&n.Source, &n.Reason, &n.DeadLetters, &n.Retried, &n.FirstUs, &n.LastUs)
	})
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	return out, nil
}

// GetDeadLetter answers with one dead letter and its original bytes, which may name a patient.
func (s *Service) GetDeadLetter(ctx context.Context, req *connect.Request[v1.GetDeadLetterRequest]) (*connect.Response[v1.GetDeadLetterResponse], error) {
	return answer(ctx, s, queryGetDeadLetter, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.GetDeadLetterResponse, error) {
		return s.getDeadLetter(ctx, c, req.Msg)
	})
}

func (s *Service) getDeadLetter(ctx context.Context, c proto.Caller, m *v1.GetDeadLetterRequest) (*v1.GetDeadLetterResponse, error) {
	if err := checkPurpose(m.Purpose); err != nil {
		return nil, err
	}
	e, err := s.entry(ctx, "dead_letter", m.DeadLetter, v1.Kind_KIND_DEAD_LETTER)
	if err != nil {
		return nil, err
	}
	a, err := s.begin(c, queryGetDeadLetter, e.position.String(), m.Purpose, m.QuestionId)
	if err != nil {
		return nil, err
	}
	p, err := s.pin(ctx, 0, PageToken{})
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	res := &v1.GetDeadLetterResponse{DeadLetter: deadLetterRow(e)}
	err = p.query(ctx, "dead_letter_retry", store.Params{"dead_letter": uint64(e.position)}, func(row store.Row) error {
		return row.Scan(&res.DeadLetter.RetriedEventId, &res.DeadLetter.RetriedPosition)
	})
	if err != nil {
		return nil, fmt.Errorf("read retries: %w", err)
	}
	if res.Header, err = around.header(s.cfg.TimeZone, nil, "there were more"); err != nil {
		return nil, err
	}
	sealed, note, err := e.original()
	if err != nil {
		return nil, err
	}
	res.Original, res.MediaType = sealed.GetOriginal(), sealed.GetMediaType()
	if note != "" {
		res.Header.Notes = append([]string{note}, res.Header.Notes...)
	}
	return res, s.journal(ctx, a, res.Header, &v1.Question{Rows: 1})
}

func deadLetterRow(e *entry) *v1.DeadLetterRow {
	d := e.item.GetDeadLetter()
	row := &v1.DeadLetterRow{
		Position: uint64(e.position), Source: d.Source, Reason: d.Reason, Message: d.Message, Element: d.Element, Origin: d.Origin,
		Line: d.Line, Column: d.Column, SizeBytes: d.SizeBytes, ReceivedUs: e.batch.Head.ReceivedUs, Format: d.Format,
	}
	if id, err := proto.EventIDFromBytes(d.EventId); err == nil {
		row.EventId = id.String()
	}
	return row
}
