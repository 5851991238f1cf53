package console_test

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (f *fakeAPI) ListCases(ctx context.Context, req *connect.Request[v1.ListCasesRequest]) (*connect.Response[v1.ListCasesResponse], error) {
	purpose, may := summary, anyRole
	if req.Msg.Purpose != "" {
		purpose, may = req.Msg.Purpose, proto.Caller.MayAsk
	}
	if err := f.note(ctx, "ListCases", purpose, req.Msg, may); err != nil {
		return nil, err
	}
	if f.cases == nil || req.Msg.Purpose != "" {
		return answerWith(f.cases)
	}
	hidden := &v1.ListCasesResponse{Header: f.cases.Header, Totals: f.cases.Totals}
	for _, r := range f.cases.Cases {
		hidden.Cases = append(hidden.Cases, &v1.CaseRow{CaseId: r.CaseId, Version: r.Version, Status: r.Status, Assignee: r.Assignee, DueDay: r.DueDay, Overdue: r.Overdue})
	}
	return connect.NewResponse(hidden), nil
}

func (f *fakeAPI) GetCase(ctx context.Context, req *connect.Request[v1.GetCaseRequest]) (*connect.Response[v1.GetCaseResponse], error) {
	purpose := req.Msg.Purpose
	if purpose == "" && f.one != nil && f.one.Case.GetAssignee() == proto.CallerFrom(ctx).Name {
		purpose = "work on it"
	}
	if purpose == "" {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("purpose: say why you ask"))
	}
	if err := f.note(ctx, "GetCase", purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	if f.one == nil {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("there is no such case"))
	}
	return answerWith(f.one)
}

func (f *fakeAPI) WriteCase(ctx context.Context, req *connect.Request[v1.WriteCaseRequest]) (*connect.Response[v1.WriteCaseResponse], error) {
	if err := f.note(ctx, "WriteCase", summary, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	if f.refuses != nil {
		return nil, f.refuses
	}
	return connect.NewResponse(&v1.WriteCaseResponse{Position: 40970, Version: req.Msg.Version + 1, Doubt: f.doubt}), nil
}

const aCase, anAlert = "2Zs4T8sD1pS1o3yM1sYQbS3rT2a", "2Zs4T8sD1pS1o3yM1sYQbS3rT1a"

func cases() *v1.ListCasesResponse {
	return &v1.ListCasesResponse{Header: header(), Totals: &v1.CaseTotals{Open: 2, Unassigned: 1, Overdue: 1}, Cases: []*v1.CaseRow{
		{CaseId: aCase, Version: 5, Status: v1.CaseStatus_CASE_STATUS_OPEN, Title: "Uma Ward and the neighbour", Assignee: "os:other", Alerts: 1, DueDay: "2026-03-01", DueUs: 1, Overdue: 1, Unsent: 1, Notices: 1, Unanswered: 1, Questions: 1},
		{CaseId: "2Zs4T8sD1pS1o3yM1sYQbS3rT2b", Version: 1, Status: v1.CaseStatus_CASE_STATUS_OPEN, Title: "Another matter", Alerts: 1, DueDay: "2026-04-30"},
	}}
}

func oneCase() *v1.GetCaseResponse {
	step := func(n uint32, e *v1.CaseEntry) *v1.CaseStep {
		e.Version, e.Asker, e.Role, e.AtUs = n, "os:other", "privacy_officer", 1772438400_000000
		return &v1.CaseStep{Position: uint64(n) << 12, Entry: e}
	}
	return &v1.GetCaseResponse{
		Header: header(), Case: cases().Cases[0],
		Alerts: []*v1.AlertRow{{AlertId: anAlert, Version: 2, Day: "2026-03-01", Title: "Uma Ward opened a record", Scenario: "family"}},
		Notices: []*v1.NoticeRow{{Rule: v1.NoticeRule_NOTICE_RULE_INDIVIDUALS, DueUs: 1, DueDay: "2026-03-01", Overdue: true, Presumed: true, Because: "45 CFR 164.404(b)"}, {
			Rule: v1.NoticeRule_NOTICE_RULE_HHS, DueUs: 1790719200_000000, DueDay: "2026-09-30", DelayedUntilUs: 1790632800_000000, DelayedDay: "2026-09-29",
			DelayedBy: v1.DelayStatement_DELAY_STATEMENT_WRITTEN, DelayedFor: v1.DelayGround_DELAY_GROUND_INVESTIGATION, DelayedStep: 4, Because: "45 CFR 164.408(b), delayed by 164.412(a)",
		}},
		Steps: []*v1.CaseStep{
			step(1, &v1.CaseEntry{Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "Uma Ward and the neighbour"}}}),
			step(2, &v1.CaseEntry{Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: 1, Respondent: 1, Name: "Uma Ward", Text: "Why?"}}}),
			step(3, &v1.CaseEntry{Body: &v1.CaseEntry_Assessed{Assessed: &v1.BreachAssessed{Conclusion: 1, People: 3, Text: "read", Factors: []*v1.FactorJudged{{Factor: 1, Risk: 3, Text: "diagnoses"}}}}}),
			step(4, &v1.CaseEntry{Body: &v1.CaseEntry_Delayed{Delayed: &v1.CaseDelayed{Statement: 1, Official: "Sgt. Roe", Agency: "County Sheriff", StatedUs: 1772438400_000000, UntilUs: 1790632800_000000, Ground: 1, Text: "file 12"}}}),
		},
	}
}
