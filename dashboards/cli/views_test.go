package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/dashboards/cli"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// cabinet keeps saved views and remembers what it was asked; every question is answered with nothing.
type cabinet struct {
	readtrailv1connect.UnimplementedViewServiceHandler
	readtrailv1connect.UnimplementedCaseworkServiceHandler
	readtrailv1connect.UnimplementedQueryServiceHandler
	readtrailv1connect.UnimplementedScopeServiceHandler
	readtrailv1connect.UnimplementedAlertServiceHandler
	readtrailv1connect.UnimplementedCaseServiceHandler

	rows []*v1.ViewRow
	view *v1.GetViewResponse

	opened  *v1.GetViewRequest
	saved   *v1.SaveViewRequest
	deleted *v1.DeleteViewRequest
	asked   proto.Message
	refusal error
}

func (c *cabinet) ListViews(context.Context, *connect.Request[v1.ListViewsRequest]) (*connect.Response[v1.ListViewsResponse], error) {
	return connect.NewResponse(&v1.ListViewsResponse{Header: judgedHeader(), Views: c.rows}), nil
}

func (c *cabinet) GetView(_ context.Context, req *connect.Request[v1.GetViewRequest]) (*connect.Response[v1.GetViewResponse], error) {
	c.opened = req.Msg
	return connect.NewResponse(c.view), nil
}

func (c *cabinet) SaveView(_ context.Context, req *connect.Request[v1.SaveViewRequest]) (*connect.Response[v1.SaveViewResponse], error) {
	if c.saved = req.Msg; c.refusal != nil {
		return nil, c.refusal
	}
	return connect.NewResponse(&v1.SaveViewResponse{View: "0ujsszwN8NRY24YaXiTIE2VWDTS", Version: req.Msg.Version + 1, Position: 77}), nil
}

func (c *cabinet) DeleteView(_ context.Context, req *connect.Request[v1.DeleteViewRequest]) (*connect.Response[v1.DeleteViewResponse], error) {
	c.deleted = req.Msg
	return connect.NewResponse(&v1.DeleteViewResponse{Position: 78}), nil
}

func (c *cabinet) WhoViewed(_ context.Context, req *connect.Request[v1.WhoViewedRequest]) (*connect.Response[v1.WhoViewedResponse], error) {
	c.asked = req.Msg
	return connect.NewResponse(&v1.WhoViewedResponse{Header: header()}), nil
}

func (c *cabinet) ReaderActivity(_ context.Context, req *connect.Request[v1.ReaderActivityRequest]) (*connect.Response[v1.ReaderActivityResponse], error) {
	c.asked = req.Msg
	return connect.NewResponse(&v1.ReaderActivityResponse{Header: header()}), nil
}

func (c *cabinet) SearchAccesses(_ context.Context, req *connect.Request[v1.SearchAccessesRequest]) (*connect.Response[v1.SearchAccessesResponse], error) {
	c.asked = req.Msg
	return connect.NewResponse(&v1.SearchAccessesResponse{Header: header()}), nil
}

func (c *cabinet) BreachScope(_ context.Context, req *connect.Request[v1.BreachScopeRequest]) (*connect.Response[v1.BreachScopeResponse], error) {
	c.asked = req.Msg
	return connect.NewResponse(&v1.BreachScopeResponse{Header: header()}), nil
}

func (c *cabinet) ListAlerts(_ context.Context, req *connect.Request[v1.ListAlertsRequest]) (*connect.Response[v1.ListAlertsResponse], error) {
	c.asked = req.Msg
	return connect.NewResponse(&v1.ListAlertsResponse{Header: header()}), nil
}

func (c *cabinet) ListCases(_ context.Context, req *connect.Request[v1.ListCasesRequest]) (*connect.Response[v1.ListCasesResponse], error) {
	c.asked = req.Msg
	return connect.NewResponse(&v1.ListCasesResponse{Header: header()}), nil
}

func (c *cabinet) serve(t *testing.T) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewViewServiceHandler(c))
	mux.Handle(readtrailv1connect.NewCaseworkServiceHandler(c))
	mux.Handle(readtrailv1connect.NewQueryServiceHandler(c))
	mux.Handle(readtrailv1connect.NewScopeServiceHandler(c))
	mux.Handle(readtrailv1connect.NewAlertServiceHandler(c))
	mux.Handle(readtrailv1connect.NewCaseServiceHandler(c))
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

// verbs are those that a person types here.
type verbs struct {
	WhoViewed cli.WhoViewed      `cmd:"" name:"who-viewed"`
	Reader    cli.ReaderActivity `cmd:""`
	Search    cli.Search         `cmd:""`
	Scope     cli.Scope          `cmd:""`
	Alerts    cli.Alerts         `cmd:""`
	Cases     cli.Cases          `cmd:""`
	Views     cli.Views          `cmd:""`
}

// typed runs a command line.
func typed(t *testing.T, conn *cli.Connection, line ...string) (string, error) {
	t.Helper()
	var cmd verbs
	var out bytes.Buffer
	parser, err := kong.New(&cmd, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(line)
	if err != nil {
		return "", err
	}
	parsed.BindTo(t.Context(), (*context.Context)(nil))
	parsed.BindTo(&out, (*io.Writer)(nil))
	parsed.Bind(conn)
	err = parsed.Run()
	return out.String(), err
}

func viewRow(name string, edit func(*v1.ViewRow)) *v1.ViewRow {
	row := &v1.ViewRow{ViewId: "0ujsszwN8NRY24YaXiTIE2VWDTS", Version: 3, Name: name, Page: v1.ViewPage_VIEW_PAGE_SEARCH, Owner: "os:ada", ChangedUs: day}
	edit(row)
	return row
}

// TestSavedAtTheTerminalAsksTheSame: what a verb's flags save, --view asks with the verb, as if the flags had been typed.
func TestSavedAtTheTerminalAsksTheSame(t *testing.T) {
	for verb, tt := range map[string]struct {
		flags []string
		// plain are the flags of the verb without the window, which asks as if it were fixed.
		plain []string
		saved *v1.ViewQuestion
	}{
		"who-viewed": {
			[]string{"MRN-42", "--action", "print", "--department", "Ward 7", "--break-glass", "--failed", "--deliberate", "--verdict", "unexplained,not-judged"},
			nil,
			&v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{
				Patient: "MRN-42", Action: v1.Action_ACTION_PRINT, Department: "Ward 7", BreakGlass: true, Failed: true, WithoutIncidental: true,
				Verdicts: []v1.Verdict{v1.Verdict_VERDICT_UNEXPLAINED, v1.Verdict_VERDICT_UNSPECIFIED},
			}}},
		},
		"reader": {[]string{"jdoe", "--verdict", "not-assessable"}, nil, &v1.ViewQuestion{Page: &v1.ViewQuestion_Reader{Reader: &v1.ViewOfReader{
			Reader: "jdoe", Verdicts: []v1.Verdict{v1.Verdict_VERDICT_NOT_ASSESSABLE},
		}}}},
		"search": {
			[]string{"--object", "o", "--object-type", "t", "--site", "s", "--workstation", "w", "--address", "a", "--source", "e", "--text", "x", "--action", "read", "--break-glass", "--patientless", "--unresolved"},
			nil, &v1.ViewQuestion{Page: &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{
				Object: "o", ObjectType: "t", Site: "s", Workstation: "w", NetworkAddress: "a", Source: "e", Text: "x", Action: v1.Action_ACTION_READ,
				BreakGlass: true, Patientless: true, Unresolved: true,
			}}},
		},
		"scope": {
			[]string{"--reader", "r", "--account", "c", "--workstation", "w", "--object", "o", "--event", "1", "--event", "2", "--alert", "a", "--case", "k"},
			nil,
			&v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: &v1.ScopeQuery{
				Reader: "r", Account: "c", Workstation: "w", Object: "o", Events: []string{"1", "2"}, Alert: "a", Case: "k",
			}}},
		},
		"alerts": {
			[]string{"--all", "--open", "--scenario", "family", "--detector", "Crowd", "--queue", "North", "--chance", "50"},
			nil,
			&v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{
				Scope: uint32(v1.AlertScope_ALERT_SCOPE_ALL), Dispositions: []v1.Disposition{0}, States: []v1.AlertState{1, 2}, Scenario: "family", Detector: "Crowd",
				Queue: "North", Chance: 500,
			}}},
		},
		"cases": {[]string{"--status", "closed", "--assignee", "os:ada"}, nil, &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{
			Status: uint32(v1.CaseStatus_CASE_STATUS_CLOSED), Assignee: "os:ada",
		}}}},
	} {
		c := &cabinet{}
		conn := c.serve(t)
		line := append([]string{"views", "save", verb, "The \x1b[31mview"}, tt.flags...)
		out, err := typed(t, conn, append(line, "--share")...)
		if err != nil || !strings.Contains(out, "0ujsszwN8NRY24YaXiTIE2VWDTS, version 1, at position 77") {
			t.Fatalf("%s: %q, %v", verb, out, err)
		}
		if diff := cmp.Diff(&v1.SaveViewRequest{Name: "The \x1b[31mview", Shared: true, Question: tt.saved}, c.saved, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", verb, diff)
		}
		purpose := []string{"-p", "why"}
		if _, err := typed(t, conn, append(append([]string{verb}, tt.flags...), purpose...)...); err != nil {
			t.Fatalf("%s: %v", verb, err)
		}
		want := c.asked
		c.rows = []*v1.ViewRow{viewRow("The view", func(*v1.ViewRow) {})}
		c.view = &v1.GetViewResponse{Header: judgedHeader(), View: c.rows[0], Question: c.saved.Question}
		c.asked = nil
		if _, err := typed(t, conn, append([]string{verb, "--view", "the VIEW"}, purpose...)...); err != nil {
			t.Fatalf("%s: %v", verb, err)
		}
		if diff := cmp.Diff(want, c.asked, protocmp.Transform()); diff != "" || c.opened.View != c.rows[0].ViewId || c.opened.Purpose != "why" {
			t.Errorf("%s, opened %v: %s", verb, c.opened, diff)
		}
		if _, err := typed(t, conn, append(append([]string{verb, "--view", "the view"}, tt.flags...), purpose...)...); err == nil || !strings.Contains(err.Error(), "--view is the whole question") {
			t.Errorf("%s: flags beside a view: %v", verb, err)
		}
		if _, err := typed(t, conn, append([]string{"views", "show"}, "the view")...); err != nil {
			t.Errorf("%s: show: %v", verb, err)
		}
	}
}

// TestViewOfTheDay: times are those that the server says the window comes to; whose cases are one's own, too.
func TestViewOfTheDay(t *testing.T) {
	c := &cabinet{rows: []*v1.ViewRow{viewRow("week", func(*v1.ViewRow) {})}}
	conn := c.serve(t)
	if _, err := typed(t, conn, "views", "save", "search", "week", "--workstation", "WS-12", "--last-days", "7"); err != nil || c.saved.Question.Window.LastDays != 7 {
		t.Fatalf("%v, %v", c.saved, err)
	}
	c.view = &v1.GetViewResponse{Header: judgedHeader(), View: c.rows[0], Question: c.saved.Question, FromUs: day, UntilUs: day + 7*86_400e6}
	if _, err := typed(t, conn, "search", "--view", "week", "-p", "p"); err != nil {
		t.Fatal(err)
	}
	if m, _ := c.asked.(*v1.SearchAccessesRequest); m.GetFromUs() != day || m.GetUntilUs() != day+7*86_400e6 || m.GetWorkstation() != "WS-12" {
		t.Errorf("asked %v", c.asked)
	}
	out, err := typed(t, conn, "views", "show", "week")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "view-show", []byte(out))
	c.view = &v1.GetViewResponse{Header: judgedHeader(), View: c.rows[0], Asker: "os:me", DueBeforeUs: day, Question: &v1.ViewQuestion{
		Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{Status: 1, Mine: true, DueWithinDays: 3}},
	}}
	if _, err := typed(t, conn, "cases", "--view", "week"); err != nil {
		t.Fatal(err)
	}
	if m, _ := c.asked.(*v1.ListCasesRequest); m.GetAssignee() != "os:me" || m.GetDueBeforeUs() != day {
		t.Errorf("asked %v", c.asked)
	}
	if _, err := typed(t, conn, "who-viewed", "-p", "p"); err == nil || !strings.Contains(err.Error(), "which record") {
		t.Errorf("no record: %v", err)
	}
	if _, err := typed(t, conn, "reader", "-p", "p"); err == nil || !strings.Contains(err.Error(), "which reader") {
		t.Errorf("no reader: %v", err)
	}
}

// TestViewsAreListedAndChanged by their names: one's own before what others share.
func TestViewsAreListedAndChanged(t *testing.T) {
	c := &cabinet{rows: []*v1.ViewRow{
		viewRow("The week", func(v *v1.ViewRow) { v.Mine, v.Window = true, &v1.ViewWindow{LastDays: 7} }),
		viewRow("the week", func(v *v1.ViewRow) {
			v.ViewId, v.Shared, v.Page = "1ujsszwN8NRY24YaXiTIE2VWDTS", true, v1.ViewPage_VIEW_PAGE_ALERTS
		}),
		viewRow("=1+1", func(v *v1.ViewRow) {
			v.ViewId, v.Shared, v.Window = "2ujsszwN8NRY24YaXiTIE2VWDTS", true, &v1.ViewWindow{FromUs: day}
		}),
		viewRow("=1+1", func(v *v1.ViewRow) { v.ViewId, v.Shared, v.Owner = "3ujsszwN8NRY24YaXiTIE2VWDTS", true, "os:bo" }),
	}}
	conn := c.serve(t)
	for name, line := range map[string][]string{"views": {"views"}, "views-csv": {"views", "--format", "csv"}} {
		out, err := typed(t, conn, line...)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, []byte(out))
	}
	if _, err := typed(t, conn, "views", "rename", "THE WEEK", "Ward"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&v1.SaveViewRequest{View: "0ujsszwN8NRY24YaXiTIE2VWDTS", Version: 3, Name: "Ward"}, c.saved, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if _, err := typed(t, conn, "views", "share", "the week"); err != nil || !c.saved.Shared || c.saved.Name != "The week" {
		t.Errorf("shared: %v, %v", c.saved, err)
	}
	if _, err := typed(t, conn, "views", "share", "1ujsszwN8NRY24YaXiTIE2VWDTS", "--off"); err != nil || c.saved.Shared {
		t.Errorf("kept: %v, %v", c.saved, err)
	}
	if _, err := typed(t, conn, "views", "delete", "The week"); err != nil || c.deleted.View != "0ujsszwN8NRY24YaXiTIE2VWDTS" || c.deleted.Version != 3 {
		t.Errorf("deleted: %v, %v", c.deleted, err)
	}
	if _, err := typed(t, conn, "views", "delete", "=1+1"); !errors.Is(err, cli.ErrAmbiguous) {
		t.Errorf("two have the name: %v", err)
	}
	if _, err := typed(t, conn, "views", "show", "nothing"); err == nil || !strings.Contains(err.Error(), "readtrail views lists") {
		t.Errorf("none has the name: %v", err)
	}
	c.refusal = connect.NewError(connect.CodeInvalidArgument, errors.New("question.window.last_days: at most 3660 days"))
	if _, err := typed(t, conn, "views", "save", "search", "x", "--site", "n", "--last-days", "9999"); err == nil || !strings.Contains(cli.Explain(err), "--last-days: at most") {
		t.Errorf("a refusal: %v", err)
	}
	c.rows = nil
	if out, err := typed(t, conn, "views"); err != nil || !strings.Contains(out, "readtrail views save search") {
		t.Errorf("none: %q, %v", out, err)
	}
}
