package api

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// ownCases is the purpose of whoever asks for the cases that they have.
const ownCases = "work on own cases"

// nobodyHas is how a list asks for cases that nobody has.
const nobodyHas = "-"

var _ readtrailv1connect.CaseServiceHandler = (*Service)(nil)

// CaseHandler returns the path prefix and the handler of readtrail.v1.CaseService. The listener puts the caller into the context.
func (s *Service) CaseHandler(options ...connect.HandlerOption) (string, http.Handler) {
	return readtrailv1connect.NewCaseServiceHandler(s, s.handling(options)...)
}

// ListCases answers which cases there are, and what is due.
func (s *Service) ListCases(ctx context.Context, req *connect.Request[v1.ListCasesRequest]) (*connect.Response[v1.ListCasesResponse], error) {
	return answer(ctx, s, queryListCases, anyRole, func(ctx context.Context, c proto.Caller) (*v1.ListCasesResponse, error) {
		return s.listCases(ctx, c, req.Msg)
	})
}

// casesAsk is a list, checked.
type casesAsk struct {
	*asking
	m     *v1.ListCasesRequest
	size  int
	hash  [8]byte
	token keyset
}

func (s *Service) checkCases(c proto.Caller, m *v1.ListCasesRequest) (*casesAsk, error) {
	a := &casesAsk{m: m}
	if v1.CaseStatus_name[int32(m.Status)] == "" {
		return nil, invalid("status", "open, closed or any")
	}
	if err := checkCondition("assignee", m.Assignee); err != nil {
		return nil, err
	}
	if m.Alert != "" {
		if _, err := proto.ParseEventID(m.Alert); err != nil {
			return nil, invalid("alert", "an id of 27 characters, as the list of alerts shows it")
		}
	}
	if err := checkPeriod(s.cfg.Now(), period{}, m.AsOfUs); err != nil {
		return nil, err
	}
	var err error
	if a.size, err = pageSize(m.Page); err != nil {
		return nil, err
	}
	a.hash = questionHash(queryListCases, strconv.Itoa(int(m.Status)), m.Assignee, strconv.FormatInt(m.DueBeforeUs, 10), m.Alert, strconv.FormatInt(m.AsOfUs, 10))
	if a.token, err = parseKeyset(m.Page.GetToken(), a.hash); err != nil {
		return nil, err
	}
	purpose := m.Purpose
	if purpose == "" && c.MayAsk() && m.Assignee == c.Name {
		purpose = ownCases
	}
	switch {
	case purpose == "":
		return a, nil
	case !c.MayAsk():
		return nil, errNoNames()
	}
	a.asking, err = s.begin(c, queryListCases, string(a.hash[:]), purpose, m.QuestionId)
	return a, err
}

func (s *Service) listCases(ctx context.Context, c proto.Caller, m *v1.ListCasesRequest) (*v1.ListCasesResponse, error) {
	a, err := s.checkCases(c, m)
	if err != nil {
		return nil, err
	}
	p, sequence, err := s.standOnCases(ctx, m.AsOfUs, a.token)
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	own, err := s.own(ctx, p, around)
	if err != nil {
		return nil, err
	}
	mine, err := p.casesOfAsker(ctx, own)
	if err != nil {
		return nil, err
	}
	all, err := p.allCases(ctx)
	if err != nil {
		return nil, err
	}
	there := len(all)
	all = slices.DeleteFunc(all, func(x *cases.State) bool { return mine[x.ID.String()] })
	withheld := uint64(there - len(all))
	res := &v1.ListCasesResponse{}
	rows := s.caseRows(a, all, res)
	if len(rows) > a.size {
		rows = rows[:a.size]
		last := rows[a.size-1]
		res.NextPageToken = keyset{
			question: a.hash, version: p.version, position: p.position, sequence: max(sequence, 1), day: closedLast(last), number: dueOrNever(last),
			text: last.CaseId,
		}.String()
	}
	res.Cases = rows
	if res.Header, err = around.header(s.cfg.TimeZone, nil, "there were more"); err != nil {
		return nil, err
	}
	if a.asking == nil {
		return res, s.summariseWithout(ctx, c, queryListCases, res.Header, withheld)
	}
	return res, s.journal(ctx, a.asking, res.Header, &v1.Question{Rows: uint64(len(rows)), Withheld: withheld})
}

// caseRows are the rows that a list asks for, from its page on, in its order; the first page's totals count all.
func (s *Service) caseRows(a *casesAsk, all []*cases.State, res *v1.ListCasesResponse) (rows []*v1.CaseRow) {
	totals, now := &v1.CaseTotals{}, s.momentOf(a.m.AsOfUs)
	for _, x := range all {
		row := caseRow(x, s.cfg.TimeZone, now)
		countCase(totals, row)
		if a.wants(row, x) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(x, y *v1.CaseRow) int {
		return cmp.Or(cmp.Compare(closedLast(x), closedLast(y)), cmp.Compare(dueOrNever(x), dueOrNever(y)), cmp.Compare(x.CaseId, y.CaseId))
	})
	if a.token.position == 0 {
		res.Totals = totals
		return rows
	}
	after := a.token
	return slices.DeleteFunc(rows, func(row *v1.CaseRow) bool {
		return cmp.Or(cmp.Compare(closedLast(row), after.day), cmp.Compare(dueOrNever(row), after.number), cmp.Compare(row.CaseId, after.text)) <= 0
	})
}

// countCase adds a case to the totals.
func countCase(t *v1.CaseTotals, row *v1.CaseRow) {
	switch {
	case row.Status == v1.CaseStatus_CASE_STATUS_CLOSED:
		t.Closed++
	case row.Assignee == "":
		t.Open++
		t.Unassigned++
	default:
		t.Open++
	}
	t.Overdue += uint64(row.Overdue)
}

// wants reports whether a case meets all conditions.
func (a *casesAsk) wants(row *v1.CaseRow, x *cases.State) bool {
	m := a.m
	return (m.Status == 0 || m.Status == row.Status) &&
		(m.Assignee == "" || m.Assignee == row.Assignee || m.Assignee == nobodyHas && row.Assignee == "") &&
		(m.DueBeforeUs == 0 || row.DueUs != 0 && row.DueUs < m.DueBeforeUs) &&
		(m.Alert == "" || slices.ContainsFunc(x.Alerts, func(id proto.EventID) bool { return id.String() == m.Alert }))
}

// closedLast and dueOrNever order a list: open cases first, then by when something is due.
func closedLast(row *v1.CaseRow) int32 {
	if row.Status == v1.CaseStatus_CASE_STATUS_CLOSED {
		return 1
	}
	return 0
}

func dueOrNever(row *v1.CaseRow) int64 {
	if row.DueUs == 0 {
		return math.MaxInt64
	}
	return row.DueUs
}

func noCase() error { return notFound("there is no such case") }

// CaseSteps finds the steps of a case for a command; false: there is none, or it is about the asker in ctx, which is journaled. It answers
// no person and says nothing of one, so it is no question; the command that asks is journaled.
func (s *Service) CaseSteps(ctx context.Context, id proto.EventID) ([]cases.Step, bool, error) {
	ctx = proto.WithGlass(ctx, "") // a broken glass lets see, and do nothing
	p, _, err := s.standOnCases(ctx, 0, keyset{})
	if err != nil {
		return nil, false, err
	}
	x, steps, err := s.caseAt(ctx, p, id)
	if err != nil || !x.Exists() {
		return nil, false, err
	}
	own, err := s.ownCases(ctx, p)
	if err != nil {
		return nil, false, err
	}
	if own[id.String()] {
		return nil, false, s.keepBack(ctx, proto.CallerFrom(ctx), queryGetCase, "", p.position, nil)
	}
	return steps, true, nil
}

// caseAt folds one case.
func (s *Service) caseAt(ctx context.Context, p *pin, id proto.EventID) (*cases.State, []cases.Step, error) {
	steps, err := p.caseSteps(ctx, id.String())
	if err != nil {
		return nil, nil, err
	}
	return cases.Fold(steps), steps, nil
}

// ownCases are the cases about the asker.
func (s *Service) ownCases(ctx context.Context, p *pin) (map[string]bool, error) {
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	own, err := s.own(ctx, p, around)
	if err != nil {
		return nil, fmt.Errorf("find who asks: %w", err)
	}
	return p.casesOfAsker(ctx, own)
}
