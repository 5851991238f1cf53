package api

import (
	"context"
	"fmt"
	"strconv"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// GetCase answers what one case is, what it is of, and what is due.
func (s *Service) GetCase(ctx context.Context, req *connect.Request[v1.GetCaseRequest]) (*connect.Response[v1.GetCaseResponse], error) {
	return answer(ctx, s, queryGetCase, anyRole, func(ctx context.Context, c proto.Caller) (*v1.GetCaseResponse, error) {
		return s.getCase(ctx, c, req.Msg)
	})
}

func (s *Service) getCase(ctx context.Context, c proto.Caller, m *v1.GetCaseRequest) (*v1.GetCaseResponse, error) {
	id, err := proto.ParseEventID(m.Case)
	if err != nil {
		return nil, invalid("case", "an id of 27 characters, as the list of cases shows it")
	}
	if err := checkPeriod(s.cfg.Now(), period{}, m.AsOfUs); err != nil {
		return nil, err
	}
	p, sequence, err := s.standOnCases(ctx, m.AsOfUs, keyset{})
	if err != nil {
		return nil, err
	}
	x, _, err := s.caseAt(ctx, p, id)
	if err != nil {
		return nil, err
	}
	own, err := s.ownCases(ctx, p) // first: a refusal is the same whether there is such a case or not
	if err != nil {
		return nil, err
	}
	purpose := m.Purpose
	if purpose == "" && c.MayAsk() && x.Assignee == c.Name && !own[id.String()] {
		purpose = "work on case " + id.String()
	}
	var asked *asking
	switch {
	case c.MayAsk():
		asked, err = s.begin(c, queryGetCase, id.String(), purpose, m.QuestionId)
	case purpose != "":
		err = errNoNames()
	}
	if err != nil {
		return nil, err
	}
	if own[id.String()] {
		return nil, s.keepBack(ctx, c, queryGetCase, purpose, p.position, noCase())
	}
	if !x.Exists() {
		elsewhere, err := p.caseElsewhere(ctx, id)
		if err != nil {
			return nil, err
		}
		return nil, s.keepNothing(ctx, &asking{caller: c, query: queryGetCase, purpose: purpose}, p, elsewhere, noCase())
	}
	res := &v1.GetCaseResponse{Case: caseRow(x, s.cfg.TimeZone, s.momentOf(m.AsOfUs)), Steps: stepsOf(x)}
	for _, n := range x.Notices(s.cfg.TimeZone) {
		res.Notices = append(res.Notices, noticeRow(n, s.momentOf(m.AsOfUs)))
	}
	if res.Alerts, _, err = p.alertsAt(ctx, x.Alerts, sequence); err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	if res.Header, err = around.alertHeader(s.cfg.TimeZone); err != nil {
		return nil, err
	}
	if n := len(x.Alerts) - len(res.Alerts); n > 0 {
		res.Header.Notes = append(res.Header.Notes, fmt.Sprintf("%d of the alerts are not in the projections now: detectors are rebuilding them.", n))
	}
	if asked == nil {
		return res, s.summarise(ctx, c, queryGetCase, res.Header)
	}
	q := (&daysAsk{}).question(&aboutWhom{}, res.Alerts)
	q.Rows = uint64(1 + len(res.Alerts) + len(res.Steps))
	return res, s.journal(ctx, asked, res.Header, q)
}

// stepsOf tells every step that counts; assessments with their number.
func stepsOf(x *cases.State) (out []*v1.CaseStep) {
	assessments := uint32(0)
	for _, step := range x.Steps {
		one := &v1.CaseStep{Position: uint64(step.Position), Entry: step.Entry}
		if step.Entry.GetAssessed() != nil {
			assessments++
			one.Assessment = assessments
		}
		out = append(out, one)
	}
	return out
}

// eventsOfCase are the positions of the accesses that the alerts of a case cite in their latest versions.
func (s *Service) eventsOfCase(ctx context.Context, text string) ([]string, error) {
	id, err := proto.ParseEventID(text)
	if err != nil {
		return nil, invalid("case", "an id of 27 characters, as the list of cases shows it")
	}
	p, sequence, err := s.standOnCases(ctx, 0, keyset{})
	if err != nil {
		return nil, err
	}
	own, err := s.ownCases(ctx, p)
	if err != nil {
		return nil, err
	}
	x, _, err := s.caseAt(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if !x.Exists() {
		return nil, noCase()
	}
	if own[id.String()] {
		return nil, s.keepBack(ctx, proto.CallerFrom(ctx), queryBreachScope, "", p.position, noCase())
	}
	_, versions, err := p.alertsAt(ctx, x.Alerts, sequence)
	if err != nil {
		return nil, err
	}
	seen := map[uint64]bool{}
	var out []string
	for _, v := range versions {
		for _, a := range v.Accesses {
			if !seen[a.Position] {
				seen[a.Position] = true
				out = append(out, strconv.FormatUint(a.Position, 10))
			}
		}
	}
	if len(out) > maxScopeEvents {
		return nil, tooWide("the alerts of the case cite more than 5000 accesses: ask for each alert, or name the reader and the days")
	}
	if len(out) == 0 {
		return nil, invalid("case", "its alerts are not in the projections now: ask again in a moment")
	}
	return out, nil
}
