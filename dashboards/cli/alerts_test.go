package cli_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/dashboards/cli"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// office answers about alerts and keeps what it was asked and told.
type office struct {
	readtrailv1connect.UnimplementedAlertServiceHandler
	readtrailv1connect.UnimplementedCaseworkServiceHandler
	list    *v1.ListAlertsResponse
	alert   *v1.GetAlertResponse
	refusal error

	asked   *v1.ListAlertsRequest
	opened  *v1.GetAlertRequest
	decided *v1.DecideAlertRequest
}

func (o *office) ListAlerts(_ context.Context, req *connect.Request[v1.ListAlertsRequest]) (*connect.Response[v1.ListAlertsResponse], error) {
	if o.asked = req.Msg; o.refusal != nil {
		return nil, o.refusal
	}
	return connect.NewResponse(o.list), nil
}

func (o *office) GetAlert(_ context.Context, req *connect.Request[v1.GetAlertRequest]) (*connect.Response[v1.GetAlertResponse], error) {
	o.opened = req.Msg
	return connect.NewResponse(o.alert), nil
}

func (o *office) DecideAlert(_ context.Context, req *connect.Request[v1.DecideAlertRequest]) (*connect.Response[v1.DecideAlertResponse], error) {
	if o.decided = req.Msg; o.refusal != nil {
		return nil, o.refusal
	}
	return connect.NewResponse(&v1.DecideAlertResponse{Position: 77}), nil
}

func (o *office) serve(t *testing.T) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewAlertServiceHandler(o))
	mux.Handle(readtrailv1connect.NewCaseworkServiceHandler(o))
	server := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(on) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	conn, err := cli.Target{}.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func judgedHeader() *v1.AnswerHeader {
	return &v1.AnswerHeader{
		Position: 8193, AsOfUs: day, JournalPosition: 8193, TimeZone: "Europe/Vienna", QuestionId: "2Q",
		Detection: &v1.DetectionProgress{JudgedUntil: "2026-02-28", Missing: []*v1.MissingContext{{Context: "roster", SinceUs: day, Blind: []string{"AfterHours"}}}},
	}
}

func alertRows() []*v1.AlertRow {
	doe := &v1.AlertReader{Identifier: &v1.Identifier{System: "urn:staff", Value: "u17"}, Display: "Doe, J.", Role: "clerk", Department: "Billing"}
	maier := &v1.AlertPatient{Identifier: &v1.Identifier{System: "urn:mrn", Value: "42"}, Display: "Maier, Anna"}
	return []*v1.AlertRow{
		{AlertId: "2Zs4T8sD1pS1o3yM1sYQbS3rT1a", Version: 2, State: v1.AlertState_ALERT_STATE_UPDATED, Day: "2026-02-28", Shape: v1.Shape_SHAPE_PAIR, Scenario: "family", Chance: 820, Rank: 1, Shown: true, Severity: v1.Severity_SEVERITY_HIGH, Readers: []*v1.AlertReader{doe}, ReadersTotal: 1, Patients: []*v1.AlertPatient{maier}, PatientsTotal: 1, Accesses: 3, Detectors: []string{"FamilyAccess", "NoRelation"}, AtUs: day},
		{AlertId: "2Zs4T8sD1pS1o3yM1sYQbS3rT1b", Version: 1, State: v1.AlertState_ALERT_STATE_RAISED, Day: "2026-02-28", Shape: v1.Shape_SHAPE_READER_DAY, Scenario: "left account", Chance: 1000, Rank: 2, Queue: "North", Shown: true, Hard: true, Readers: []*v1.AlertReader{doe}, ReadersTotal: 1, Patients: []*v1.AlertPatient{maier}, PatientsTotal: 31, Accesses: 40, AtUs: day, Disposition: v1.Disposition_DISPOSITION_IN_REVIEW, DecidedBy: "os:ada", DecidedUs: day, DecidedVersion: 1},
		{AlertId: "2Zs4T8sD1pS1o3yM1sYQbS3rT1c", Version: 2, State: v1.AlertState_ALERT_STATE_RETRACTED, Day: "2026-02-27", Shape: v1.Shape_SHAPE_RECORD_DAY, Scenario: "=crowd", Chance: 333, Rank: 3, Readers: []*v1.AlertReader{{Display: "reader 7QF3K2AB"}}, ReadersTotal: 5, Patients: []*v1.AlertPatient{{Display: "record 91BCD\x1b[31mEF"}}, PatientsTotal: 1, AtUs: day},
		{AlertId: "2Zs4T8sD1pS1o3yM1sYQbS3rT1d", Version: 3, State: v1.AlertState_ALERT_STATE_UPDATED, Day: "2026-02-27", Scenario: "neighbour", Chance: 40, Rank: 9, Sampled: true, Backfill: true, Disposition: v1.Disposition_DISPOSITION_APPROPRIATE, DecidedBy: "os:ada", DecidedUs: day, DecidedVersion: 2},
	}
}

func TestAlerts(t *testing.T) {
	totals := &v1.AlertTotals{Candidates: 12, Shown: 3, Sampled: 1, Retracted: 1, Waiting: 1, InReview: 1, Appropriate: 1}
	full := &v1.ListAlertsResponse{Header: judgedHeader(), Totals: totals, Alerts: alertRows(), From: "2026-02-01", To: "2026-02-28", NextPageToken: "t2"}
	learning := judgedHeader()
	learning.Detection = &v1.DetectionProgress{LearningUntil: "2026-03-14"}
	for _, tt := range []struct {
		name string
		ask  cli.Alerts
		list *v1.ListAlertsResponse
	}{
		{"table", cli.Alerts{Purpose: "review"}, full},
		{"pseudonyms", cli.Alerts{Day: "2026-02-28"}, &v1.ListAlertsResponse{Header: judgedHeader(), Alerts: alertRows()[2:3], From: "2026-02-28", To: "2026-02-28"}},
		{"csv", cli.Alerts{Output: cli.Output{Format: "csv"}}, full},
		{"none", cli.Alerts{Purpose: "review"}, &v1.ListAlertsResponse{Header: judgedHeader(), Totals: &v1.AlertTotals{}, From: "2026-02-01", To: "2026-02-28"}},
		{"none-of-this-kind", cli.Alerts{Purpose: "review", AlertConditions: cli.AlertConditions{Scenario: "family"}}, &v1.ListAlertsResponse{Header: judgedHeader(), Totals: totals, From: "2026-02-01", To: "2026-02-28"}},
		{"learning", cli.Alerts{Purpose: "review"}, &v1.ListAlertsResponse{Header: learning, Totals: &v1.AlertTotals{}, From: "2026-02-01", To: "2026-02-28"}},
		{"never", cli.Alerts{Purpose: "review"}, &v1.ListAlertsResponse{Header: &v1.AnswerHeader{TimeZone: "UTC"}, Totals: &v1.AlertTotals{}, From: "1970-01-01", To: "1970-01-01"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := tt.ask.Run(t.Context(), (&office{list: tt.list}).serve(t), &out); err != nil {
				t.Fatal(err)
			}
			golden(t, "alerts-"+tt.name, out.Bytes())
		})
	}
}

// TestAlertFlagsAreAsked: what is typed is what is asked.
func TestAlertFlagsAreAsked(t *testing.T) {
	o := &office{list: &v1.ListAlertsResponse{Header: judgedHeader(), Totals: &v1.AlertTotals{}}}
	ask := cli.Alerts{
		Day: "2026-02-28", AlertConditions: cli.AlertConditions{Everyone: true, Open: true, Scenario: "family", Detector: "Crowd", Queue: "North", Chance: 50},
		Reader: "u17", Patient: "42", Purpose: "p", Limit: 7, Page: "t",
	}
	if err := ask.Run(t.Context(), o.serve(t), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	want := &v1.ListAlertsRequest{
		From: "2026-02-28", To: "2026-02-28", Scope: v1.AlertScope_ALERT_SCOPE_ALL, Dispositions: []v1.Disposition{0},
		States:   []v1.AlertState{v1.AlertState_ALERT_STATE_RAISED, v1.AlertState_ALERT_STATE_UPDATED},
		Scenario: "family", Detector: "Crowd", Queue: "North", Reader: "u17", Patient: "42", Chance: 500, Purpose: "p", Page: &v1.Page{Size: 7, Token: "t"},
	}
	if diff := cmp.Diff(want, o.asked, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	for _, wrong := range []cli.Alerts{
		{Day: "2026-02-28", From: "2026-02-27"},
		{Day: "2026-02-31"},
		{AlertConditions: cli.AlertConditions{Everyone: true, Sampled: true}},
		{AlertConditions: cli.AlertConditions{Chance: 101}},
		{AlertConditions: cli.AlertConditions{Chance: 1<<32/10 + 1}},
	} {
		o.asked = nil
		if err := wrong.Run(t.Context(), o.serve(t), &bytes.Buffer{}); err == nil || o.asked != nil {
			t.Errorf("%+v is asked: %v", wrong, err)
		}
	}
	o.refusal = connect.NewError(connect.CodeInvalidArgument, errors.New("from: a day such as 2026-03-02"))
	if err := ask.Run(t.Context(), o.serve(t), &bytes.Buffer{}); cli.Explain(err) != "--from: a day such as 2026-03-02" {
		t.Errorf("told as %q", cli.Explain(err))
	}
}

func wholeAlert() *v1.GetAlertResponse {
	row := alertRows()[0]
	row.Disposition, row.DecidedBy, row.DecidedUs, row.DecidedVersion = v1.Disposition_DISPOSITION_IN_REVIEW, "os:ada", day, 2
	return &v1.GetAlertResponse{
		Header: judgedHeader(), Alert: row,
		Latest: &v1.AlertVersion{State: v1.AlertState_ALERT_STATE_UPDATED, Note: &v1.AlertNote{
			Title: "Doe, J. (clerk, Billing) in the record of Maier, Anna (42)", What: []string{"On Saturday 28 February 2026, Doe, J. opened the record three times."},
			Why: []string{"They live at the same address."}, Usual: []string{"Doe, J. opens about 30 records a day."}, Tried: []string{"No encounter, no order, no task."},
			Normal: []string{"A bill of these days would have explained it."}, Evidence: []string{"08:01 read", "08:02 print"}, More: 1,
		}},
		Versions: []*v1.AlertChange{
			{Version: 1, State: v1.AlertState_ALERT_STATE_RAISED, AtUs: day, Chance: 500, Rank: 4, Shown: true, Accesses: 2},
			{Version: 2, State: v1.AlertState_ALERT_STATE_UPDATED, AtUs: day + 3600e6, Chance: 820, Rank: 1, Shown: true, Accesses: 3},
		},
		Decisions: []*v1.DecisionRow{{Position: 9000, Version: 2, Disposition: v1.Disposition_DISPOSITION_IN_REVIEW, Comment: "asked\nthe ward", Asker: "os:ada", Role: "privacy_officer", DecidedUs: day}},
		Accesses: []*v1.Access{
			{Position: 8193, OccurredUs: day, Action: v1.Action_ACTION_READ, Reader: &v1.Reader{Name: "Doe, J."}, Source: "ehr-main", Verdict: v1.Verdict_VERDICT_UNEXPLAINED},
			{
				Position: 8194, OccurredUs: day + 60e6, Action: v1.Action_ACTION_PRINT, Reader: &v1.Reader{Name: "Doe, J."}, Source: "ehr-main",
				Verdict: v1.Verdict_VERDICT_EXPLAINED, Explanation: v1.Explanation_EXPLANATION_ORDERED,
				Document: &v1.Document{Source: "emr", Type: "ServiceRequest", Id: "o7", FromUs: day, UntilUs: day + 60e6},
			},
			{Position: 8195, OccurredUs: day + 120e6, Action: v1.Action_ACTION_READ, Reader: &v1.Reader{Name: "Doe, J."}, Source: "ehr-main", Verdict: v1.Verdict_VERDICT_NOT_ASSESSABLE, Missing: []string{"care"}},
			{Position: 8196, OccurredUs: day + 180e6, Action: v1.Action_ACTION_READ, Reader: &v1.Reader{Name: "Doe, J."}, Source: "ehr-main"},
		},
	}
}

func TestAlert(t *testing.T) {
	retracted := wholeAlert()
	retracted.Alert.State, retracted.Latest.State = v1.AlertState_ALERT_STATE_RETRACTED, v1.AlertState_ALERT_STATE_RETRACTED
	retracted.Latest.Because = "A referral that arrived later names this reader."
	retracted.Alert.Backfill, retracted.ImportId = true, "79656172"
	again := wholeAlert()
	again.Alert.State, again.Latest.State = v1.AlertState_ALERT_STATE_UPDATED, v1.AlertState_ALERT_STATE_UPDATED
	again.Latest.Because = "What explained it was withdrawn: takes part in an encounter."
	again.Versions = append(again.Versions, &v1.AlertChange{Version: 3, State: v1.AlertState_ALERT_STATE_RETRACTED, Because: "A referral that arrived later names this reader."},
		&v1.AlertChange{Version: 4, State: v1.AlertState_ALERT_STATE_UPDATED, Shown: true, Because: again.Latest.Because})
	for name, a := range map[string]*v1.GetAlertResponse{"full": wholeAlert(), "retracted": retracted, "again": again} {
		var out bytes.Buffer
		ask := cli.AlertShow{Alert: "2Zs4T8sD1pS1o3yM1sYQbS3rT1a", Purpose: "review"}
		if err := ask.Run(t.Context(), (&office{alert: a}).serve(t), &out); err != nil {
			t.Fatal(err)
		}
		golden(t, "alert-"+name, out.Bytes())
	}
}

// TestDecide: a decision names the version that was looked at; one that came meanwhile is told, and nothing is decided.
func TestDecide(t *testing.T) {
	o := &office{alert: wholeAlert()}
	var out bytes.Buffer
	ask := cli.AlertDecide{Alert: "a", As: "in-review", Comment: "mine", Purpose: "decision on the alert"}
	if err := ask.Run(t.Context(), o.serve(t), &out); err != nil {
		t.Fatal(err)
	}
	want := &v1.DecideAlertRequest{Alert: "a", Version: 2, Disposition: v1.Disposition_DISPOSITION_IN_REVIEW, Comment: "mine"}
	if diff := cmp.Diff(want, o.decided, protocmp.Transform()); diff != "" || o.opened.GetPurpose() == "" {
		t.Errorf("opened for %q, decided: %s", o.opened.GetPurpose(), diff)
	}
	if text := out.String(); !strings.Contains(text, "in review, version 2, at journal position 77") {
		t.Error(text)
	}
	o.opened, o.refusal = nil, connect.NewError(connect.CodeAborted, errors.New("version 1 was looked at, and there is version 2: look at the alert again"))
	err := cli.AlertDecide{Alert: "a", As: "misuse", Version: 1}.Run(t.Context(), o.serve(t), &out)
	if err == nil || !strings.Contains(err.Error(), "nothing was decided") || !strings.Contains(err.Error(), "readtrail alert a") || o.opened != nil {
		t.Errorf("%v, opened %v", err, o.opened)
	}
	for _, as := range []string{"in-review", "misuse", "appropriate", "inconclusive", "reopened"} {
		o.refusal = nil
		if err := (cli.AlertDecide{Alert: "a", As: as, Version: 1}).Run(t.Context(), o.serve(t), &out); err != nil || o.decided.Disposition == 0 {
			t.Errorf("%s is sent as %v: %v", as, o.decided.GetDisposition(), err)
		}
	}
}
