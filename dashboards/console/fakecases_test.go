package console_test

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (f *fakeAPI) ListAlerts(ctx context.Context, req *connect.Request[v1.ListAlertsRequest]) (*connect.Response[v1.ListAlertsResponse], error) {
	purpose, may := summary, anyRole
	if req.Msg.Purpose != "" {
		purpose, may = req.Msg.Purpose, proto.Caller.MayAsk
	}
	if err := f.note(ctx, "ListAlerts", purpose, req.Msg, may); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queue == nil || req.Msg.Purpose != "" {
		return answerWith(f.queue)
	}
	hidden := &v1.ListAlertsResponse{Header: f.queue.Header, Totals: f.queue.Totals, From: f.queue.From, To: f.queue.To, NextPageToken: f.queue.NextPageToken}
	for _, r := range f.queue.Alerts {
		hidden.Alerts = append(hidden.Alerts, hide(r))
	}
	return connect.NewResponse(hidden), nil
}

// hide is what the API does with a row that is asked for without a purpose.
func hide(r *v1.AlertRow) *v1.AlertRow {
	h := &v1.AlertRow{
		AlertId: r.AlertId, Version: r.Version, State: r.State, Day: r.Day, Shape: r.Shape, Scenario: r.Scenario, Chance: r.Chance, Rank: r.Rank, Shown: r.Shown, Queue: r.Queue,
		ReadersTotal: r.ReadersTotal, PatientsTotal: r.PatientsTotal, Accesses: r.Accesses, Detectors: r.Detectors, Disposition: r.Disposition,
		DecidedBy: r.DecidedBy, DecidedUs: r.DecidedUs, DecidedVersion: r.DecidedVersion,
	}
	for range r.Readers {
		h.Readers = append(h.Readers, &v1.AlertReader{Display: "reader GRG2QSRL"})
	}
	for range r.Patients {
		h.Patients = append(h.Patients, &v1.AlertPatient{Display: "record LI5QGQDU"})
	}
	return h
}

func (f *fakeAPI) GetAlert(ctx context.Context, req *connect.Request[v1.GetAlertRequest]) (*connect.Response[v1.GetAlertResponse], error) {
	purpose := req.Msg.Purpose
	if purpose == "" && f.mine {
		purpose = "review of it"
	}
	if purpose == "" {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("purpose: say why you ask"))
	}
	if err := f.note(ctx, "GetAlert", purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	if f.alert == nil {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("there is no such alert"))
	}
	return answerWith(f.alert)
}

func (f *fakeAPI) DecideAlert(ctx context.Context, req *connect.Request[v1.DecideAlertRequest]) (*connect.Response[v1.DecideAlertResponse], error) {
	if err := f.note(ctx, "DecideAlert", summary, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	if f.refuses != nil {
		return nil, f.refuses
	}
	return connect.NewResponse(&v1.DecideAlertResponse{Position: 40970}), nil
}

func (f *fakeAPI) ReleaseBackfill(ctx context.Context, req *connect.Request[v1.ReleaseBackfillRequest]) (*connect.Response[v1.ReleaseBackfillResponse], error) {
	if err := f.note(ctx, "ReleaseBackfill", summary, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.ReleaseBackfillResponse{}), nil
}

func (f *fakeAPI) BreachScope(ctx context.Context, req *connect.Request[v1.BreachScopeRequest]) (*connect.Response[v1.BreachScopeResponse], error) {
	if err := f.note(ctx, "BreachScope", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.scope)
}

func (f *fakeAPI) CompareScopes(ctx context.Context, req *connect.Request[v1.CompareScopesRequest]) (*connect.Response[v1.CompareScopesResponse], error) {
	if err := f.note(ctx, "CompareScopes", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.compared)
}

func (f *fakeAPI) FreezeScope(ctx context.Context, req *connect.Request[v1.FreezeScopeRequest]) (*connect.Response[v1.FreezeScopeResponse], error) {
	if err := f.note(ctx, "FreezeScope", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.FreezeScopeResponse{Header: header(), Position: 49152}), nil
}

func (f *fakeAPI) VerifyScope(ctx context.Context, req *connect.Request[v1.VerifyScopeRequest]) (*connect.Response[v1.VerifyScopeResponse], error) {
	if err := f.note(ctx, "VerifyScope", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.frozen)
}

func (f *fakeAPI) ListFrozenScopes(ctx context.Context, req *connect.Request[v1.ListFrozenScopesRequest]) (*connect.Response[v1.ListFrozenScopesResponse], error) {
	if err := f.note(ctx, "ListFrozenScopes", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.list)
}

func (f *fakeAPI) AccessReport(ctx context.Context, req *connect.Request[v1.AccessReportRequest]) (*connect.Response[v1.AccessReportResponse], error) {
	if err := f.note(ctx, "AccessReport", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.report)
}

// export sends the parts that a test put there, in a buffer that is used again, as the API's is.
func (f *fakeAPI) export(ctx context.Context, m *v1.ExportScopeRequest, send func(*v1.ExportScopeResponse) error) error {
	if err := f.note(ctx, "ExportScope", m.Purpose, m, proto.Caller.MayAsk); err != nil {
		return err
	}
	for _, p := range f.parts {
		if err := send(p); err != nil {
			return err
		}
		clear(p.Data)
	}
	return f.breaks
}

// queue is a day with two alerts; the second one is in review.
func queue() *v1.ListAlertsResponse {
	row := func(id string, rank uint32) *v1.AlertRow {
		return &v1.AlertRow{
			AlertId: id, Version: 2, State: v1.AlertState_ALERT_STATE_RAISED, Day: "2026-03-01", Shape: v1.Shape_SHAPE_PAIR, Scenario: "former partner",
			Chance: 960, Rank: rank, Shown: true, Severity: v1.Severity_SEVERITY_HIGH, Title: "Uma Ward (clerk, Billing) in the record of Max Payne (4711)",
			Readers:      []*v1.AlertReader{{Identifier: &v1.Identifier{System: "urn:staff", Value: "S-77"}, Display: "Uma Ward", Role: "clerk", Department: "Billing"}},
			Patients:     []*v1.AlertPatient{{Identifier: &v1.Identifier{System: "urn:mrn", Value: "4711"}, Display: "Max Payne"}},
			ReadersTotal: 1, PatientsTotal: 1, Accesses: 3, Detectors: []string{"FormerRelation", "site_rule-7"}, AtUs: 1772438400_000000,
		}
	}
	second := row("2Zs4T8sD1pS1o3yM1sYQbS3rT1b", 2)
	second.Queue = "North"
	second.Disposition, second.DecidedBy, second.DecidedUs, second.DecidedVersion = v1.Disposition_DISPOSITION_IN_REVIEW, "os:other", 1772438400_000000, 1
	return &v1.ListAlertsResponse{
		Header: header(), Totals: &v1.AlertTotals{Candidates: 12, Shown: 2, Waiting: 1, InReview: 1}, From: "2026-02-01", To: "2026-03-01",
		Alerts: []*v1.AlertRow{row("2Zs4T8sD1pS1o3yM1sYQbS3rT1a", 1), second},
	}
}

func alert() *v1.GetAlertResponse {
	row := queue().Alerts[0]
	return &v1.GetAlertResponse{
		Header: header(), Alert: row,
		Latest: &v1.AlertVersion{
			Version: 2, Readers: row.Readers, Patients: row.Patients, Accesses: []*v1.CitedAccess{{Position: 40961}, {Position: 40962}, {Position: 40961}},
			Note: &v1.AlertNote{
				Title: row.Title, What: []string{"Uma Ward opened the record three times."}, Why: []string{"They used to live at the same address."},
				Usual: []string{"She opens 30 records a day."}, Tried: []string{"No encounter, no order."}, Normal: []string{"An appointment."}, Evidence: []string{"08:01 read"},
			},
		},
		Versions:  []*v1.AlertChange{{Version: 1, State: v1.AlertState_ALERT_STATE_RAISED, Shown: true}, {Version: 2, State: v1.AlertState_ALERT_STATE_UPDATED, Shown: true, Because: "another access"}},
		Decisions: []*v1.DecisionRow{{Version: 1, Disposition: v1.Disposition_DISPOSITION_REOPENED, Comment: "not mine", Asker: "os:other", Role: proto.RoleInvestigator}},
		Accesses:  record().Accesses,
	}
}

func scope() *v1.BreachScopeResponse {
	counts := &v1.ScopeCounts{Reports: 11, Accesses: 3, SecondReports: 1, Failed: 1, Incidental: 2, Patientless: 4, FirstUs: 1772434800_000000, LastUs: 1772438400_000000}
	return &v1.BreachScopeResponse{
		Header: header(), Totals: &v1.ScopeTotals{Counts: counts, Events: 10, Patients: 2, Unresolved: 1}, Sha256: []byte{0xab, 0xcd}, Verdicts: &v1.ScopeVerdicts{Explained: 3, Unexplained: 2, NotJudged: 1},
		Parts:         []*v1.ScopePart{{Name: "Observation", Reports: 3, Patients: 2}, {Reports: 1, Patients: 1}},
		Sensitivity:   []*v1.ScopePart{{Name: "HIV", Reports: 1, Patients: 1}},
		Jurisdictions: []*v1.ScopeJurisdiction{{Country: "US", State: "CA", Patients: 1, Counts: counts}, {Patients: 1, Counts: counts}},
		Patients: []*v1.ScopePatient{{
			Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Patient/7"}, {System: "urn:mrn", Value: "4711"}}, Counts: counts, Country: "US", State: "CA", Verdicts: &v1.ScopeVerdicts{Unexplained: 2},
			Parts: []*v1.ScopePart{{Name: "Observation", Reports: 3}},
		}},
		Unresolved: []*v1.ScopeUnresolved{{Text: "Ward, U.", Counts: counts}}, NextPageToken: "bmV4dA",
	}
}
