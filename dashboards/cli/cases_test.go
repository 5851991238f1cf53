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
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// files answers about cases and keeps what it was asked and told.
type files struct {
	readtrailv1connect.UnimplementedCaseServiceHandler
	readtrailv1connect.UnimplementedCaseworkServiceHandler
	list    *v1.ListCasesResponse
	one     *v1.GetCaseResponse
	refusal error
	doubt   *v1.AddresseeDoubt

	asked   []*v1.ListCasesRequest
	opened  *v1.GetCaseRequest
	mine    *v1.MyQuestionsRequest
	written *v1.WriteCaseRequest
	// answered is an answer to a question.
	answered *v1.AnswerQuestionRequest
}

func (f *files) ListCases(_ context.Context, req *connect.Request[v1.ListCasesRequest]) (*connect.Response[v1.ListCasesResponse], error) {
	f.asked = append(f.asked, req.Msg)
	return connect.NewResponse(f.list), nil
}

func (f *files) GetCase(_ context.Context, req *connect.Request[v1.GetCaseRequest]) (*connect.Response[v1.GetCaseResponse], error) {
	f.opened = req.Msg
	return connect.NewResponse(f.one), nil
}

func (f *files) WriteCase(_ context.Context, req *connect.Request[v1.WriteCaseRequest]) (*connect.Response[v1.WriteCaseResponse], error) {
	if f.written = req.Msg; f.refusal != nil {
		return nil, f.refusal
	}
	return connect.NewResponse(&v1.WriteCaseResponse{Position: 77, Version: req.Msg.Version + 1, Doubt: f.doubt}), nil
}

func (f *files) serve(t *testing.T) *cli.Connection {
	t.Helper()
	return serveFiles(t, f, f)
}

func serveFiles(t *testing.T, cases readtrailv1connect.CaseServiceHandler, casework readtrailv1connect.CaseworkServiceHandler) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewCaseServiceHandler(cases))
	mux.Handle(readtrailv1connect.NewCaseworkServiceHandler(casework))
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

const aCase, anAlert = "2Zs4T8sD1pS1o3yM1sYQbS3rT2a", "2Zs4T8sD1pS1o3yM1sYQbS3rT1a"

func caseRows() []*v1.CaseRow {
	return []*v1.CaseRow{
		{CaseId: aCase, Version: 9, Status: v1.CaseStatus_CASE_STATUS_OPEN, Title: "Reads on ward 7\x1b[31m", Reference: "2026/17", Assignee: "os:ada", OpenedBy: "os:ada", OpenedUs: day, ChangedUs: day + 60e6, DiscoveredUs: day - 86400e6, Laws: []v1.NoticeLaw{1, 3}, Alerts: 2, Questions: 2, Unanswered: 1, Assessments: 1, Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_BREACH, Outcome: v1.Disposition_DISPOSITION_MISUSE, Notices: 3, Unsent: 2, Overdue: 1, DueUs: day, DueDay: "2026-03-01", Held: true},
		{CaseId: "2Zs4T8sD1pS1o3yM1sYQbS3rT2b", Version: 1, Status: v1.CaseStatus_CASE_STATUS_OPEN, OpenedBy: "os:ada", OpenedUs: day, Alerts: 1, Notices: 1, Unsent: 1, DueUs: day + 60*86400e6, DueDay: "2026-04-30", DelayedUntilUs: day + 30*86400e6, DelayedDay: "2026-03-31"},
		{CaseId: "2Zs4T8sD1pS1o3yM1sYQbS3rT2c", Version: 7, Status: v1.CaseStatus_CASE_STATUS_CLOSED, Title: "=HYPERLINK(\"http://x\")", Assignee: "token:7", OpenedBy: "token:7", OpenedUs: day, ClosedUs: day + 1, Alerts: 1, Assessments: 1, Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY, Outcome: v1.Disposition_DISPOSITION_APPROPRIATE},
	}
}

func wholeCase() *v1.GetCaseResponse {
	entry := func(n uint32, e *v1.CaseEntry) *v1.CaseStep {
		e.Version, e.Asker, e.Role, e.AtUs = n, "os:ada", "privacy_officer", day+int64(n)*60e6
		return &v1.CaseStep{Position: uint64(n) << 12, Entry: e}
	}
	assessed := entry(7, &v1.CaseEntry{Body: &v1.CaseEntry_Assessed{Assessed: &v1.BreachAssessed{
		Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_BREACH, People: 3, MostInOneState: 2, Text: "He read it.",
		Factors: []*v1.FactorJudged{{Factor: 1, Risk: 3, Text: "diagnoses"}, {Factor: 3, Risk: 3, Text: "opened\x1b[2Jand read"}},
	}}})
	assessed.Assessment = 1
	return &v1.GetCaseResponse{
		Header: judgedHeader(), Case: caseRows()[0], Alerts: alertRows()[:2],
		Notices: []*v1.NoticeRow{
			{Rule: v1.NoticeRule_NOTICE_RULE_AUTHORITY, DueUs: day + 2*86400e6 + 1800e6, DueDay: "2026-03-04", Overdue: true, Because: "GDPR article 33(1)"},
			{Rule: v1.NoticeRule_NOTICE_RULE_INDIVIDUALS, DueUs: day, DueDay: "2026-04-30", SentUs: day, People: 3, Because: "45 CFR 164.404(b)"},
			{Rule: v1.NoticeRule_NOTICE_RULE_OTHER, To: "Board of Nursing", DueUs: day, DueDay: "2026-05-30", Because: "another rule"},
			{Rule: v1.NoticeRule_NOTICE_RULE_HHS, DueUs: day, DueDay: "2026-06-30", DelayedUntilUs: day, DelayedDay: "2026-06-30", DelayedBy: 1, DelayedFor: 1, DelayedStep: 10, Because: "45 CFR 164.408(b), delayed by 164.412(a)"},
		},
		Steps: []*v1.CaseStep{
			entry(1, &v1.CaseEntry{Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "Reads on ward 7"}}}),
			entry(2, &v1.CaseEntry{Body: &v1.CaseEntry_Alerts{Alerts: &v1.CaseAlerts{Added: [][]byte{{1}}, Text: "the same evening"}}}),
			entry(3, &v1.CaseEntry{Body: &v1.CaseEntry_Assigned{Assigned: &v1.CaseAssigned{Assignee: "os:ada"}}}),
			entry(4, &v1.CaseEntry{Body: &v1.CaseEntry_Noted{Noted: &v1.CaseNoted{Text: "Called the ward.\nNobody knew."}}}),
			entry(5, &v1.CaseEntry{Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: 1, Respondent: 1, Name: "Doe, J.", Text: "Why?"}}}),
			entry(6, &v1.CaseEntry{Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 1, Text: "Curiosity."}}}),
			assessed,
			entry(8, &v1.CaseEntry{Body: &v1.CaseEntry_Notice{Notice: &v1.CaseNotice{Rule: 1, SentUs: day, Contents: []v1.NoticeContent{1, 2, 3, 4, 5}}}}),
			entry(9, &v1.CaseEntry{Body: &v1.CaseEntry_Held{Held: &v1.CaseHeld{Held: true, Text: "by order of the court"}}}),
			entry(10, &v1.CaseEntry{Body: &v1.CaseEntry_Delayed{Delayed: &v1.CaseDelayed{Statement: 1, Official: "Sgt. Roe\x1b[2J", Agency: "County Sheriff", StatedUs: day, UntilUs: day + 86400e6, Ground: 1, Text: "file 12"}}}),
		},
	}
}

func TestCases(t *testing.T) {
	full := &v1.ListCasesResponse{Header: judgedHeader(), Totals: &v1.CaseTotals{Open: 2, Closed: 1, Unassigned: 1, Overdue: 1}, Cases: caseRows(), NextPageToken: "t2"}
	for _, tt := range []struct {
		name string
		run  func(*cli.Connection, io.Writer) error
		list *v1.ListCasesResponse
	}{
		{"cases-table", func(c *cli.Connection, w io.Writer) error {
			return cli.Cases{Status: "any", Purpose: "p"}.Run(t.Context(), c, w)
		}, full},
		{"cases-csv", func(c *cli.Connection, w io.Writer) error {
			return cli.Cases{Output: cli.Output{Format: "csv"}}.Run(t.Context(), c, w)
		}, full},
		{"cases-none", func(c *cli.Connection, w io.Writer) error { return cli.Cases{}.Run(t.Context(), c, w) }, &v1.ListCasesResponse{Header: judgedHeader(), Totals: &v1.CaseTotals{}}},
		{"case-full", func(c *cli.Connection, w io.Writer) error { return cli.CaseShow{Case: aCase}.Run(t.Context(), c, w) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := tt.run((&files{list: tt.list, one: wholeCase()}).serve(t), &out); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name, out.Bytes())
		})
	}
}

// TestCaseCommandsWriteWhatIsTyped: each verb sends one step, from the version that was looked at, with times in the zone of the site.
func TestCaseCommandsWriteWhatIsTyped(t *testing.T) {
	alert, err := proto.ParseEventID(anAlert)
	if err != nil {
		t.Fatal(err)
	}
	ids := [][]byte{alert.Bytes()}
	at := cli.CaseStep{Case: aCase, Version: 9}
	const noon = day + 11*3600e6 // 2026-03-02 12:00 in Vienna
	type step interface {
		Run(ctx context.Context, conn *cli.Connection, w io.Writer) error
	}
	for _, tt := range []struct {
		command step
		want    *v1.WriteCaseRequest
	}{
		{cli.CaseOpen{ID: aCase, Alert: []string{anAlert}, Title: "t", Reference: "r", Discovered: "2026-03-02 12:00", Law: []string{"hipaa", "gdpr"}, Assignee: "os:ada"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Opened{Opened: &v1.CaseOpened{Title: "t", Reference: "r", Alerts: ids, DiscoveredUs: noon, Laws: []v1.NoticeLaw{1, 3}, Assignee: "os:ada"}}}},
		{cli.CaseAdd{CaseStep: at, Alert: []string{anAlert}, Text: "x"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Alerts{Alerts: &v1.CaseAlerts{Added: ids, Text: "x"}}}},
		{cli.CaseRemove{CaseStep: at, Alert: []string{anAlert}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Alerts{Alerts: &v1.CaseAlerts{Removed: ids}}}},
		{cli.CaseAssign{CaseStep: at, Who: "os:eve"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{Assignee: "os:eve"}}}},
		{cli.CaseNote{CaseStep: at, Text: "n"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Noted{Noted: &v1.CaseNoted{Text: "n"}}}},
		{cli.CaseAsk{CaseStep: at, Respondent: "manager", Name: "m", Text: "q"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Asked{Asked: &v1.CaseAsked{Respondent: 2, Name: "m", Text: "q"}}}},
		{cli.CaseAnswer{CaseStep: at, Question: 2, Text: "a", Answered: "2026-03-02 12:00"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Answered{Answered: &v1.CaseAnswered{Question: 2, Text: "a", AnsweredUs: noon}}}},
		{cli.CaseAssess{CaseStep: at, Conclusion: "low-probability", Information: "low: dates", Person: "medium:clerk", Viewed: "high : all", Mitigation: "low: signed", Text: "t"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assessed{Assessed: &v1.BreachAssessed{Conclusion: 2, Text: "t", Factors: []*v1.FactorJudged{{Factor: 1, Risk: 1, Text: "dates"}, {Factor: 2, Risk: 2, Text: "clerk"}, {Factor: 3, Risk: 3, Text: "all"}, {Factor: 4, Risk: 1, Text: "signed"}}}}}},
		{cli.CaseAssess{CaseStep: at, Conclusion: "exception", Exception: "good-faith", Text: "t", Discovered: "2026-03-02 12:00", Law: []string{"california"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assessed{Assessed: &v1.BreachAssessed{Conclusion: 3, Exception: 1, Text: "t", DiscoveredUs: noon, Laws: []v1.NoticeLaw{2}}}}},
		{cli.CaseAssess{CaseStep: at, Conclusion: "breach", People: 3, ByLaw: []string{"gdpr: low-probability: no risk: none, at all"}, Text: "t"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assessed{Assessed: &v1.BreachAssessed{Conclusion: 1, People: 3, ByLaw: []*v1.LawConcluded{{Law: 3, Conclusion: 2, Text: "no risk: none, at all"}}, Text: "t"}}}},
		{cli.CaseConclude{CaseStep: at, As: "misuse", Text: "t"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Concluded{Concluded: &v1.CaseConcluded{Outcome: misuse(), Text: "t"}}}},
		{cli.CaseNotice{CaseStep: at, Rule: "individuals", Sent: "2026-03-02 12:00", People: 3, TellsAll: true, Text: "post"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Notice{Notice: &v1.CaseNotice{Rule: 1, SentUs: noon, People: 3, Contents: []v1.NoticeContent{1, 2, 3, 4, 5}, Text: "post"}}}},
		{cli.CaseNotice{CaseStep: at, Rule: "media", Withdraw: true, Text: "few people"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Notice{Notice: &v1.CaseNotice{Rule: 3, Withdrawn: true, Text: "few people"}}}},
		{cli.CaseNotice{CaseStep: at, Rule: "other", To: "Board", Due: "2026-03-02 12:00", Tells: []string{"contact"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Notice{Notice: &v1.CaseNotice{Rule: 8, To: "Board", DueUs: noon, Contents: []v1.NoticeContent{5}}}}},
		{cli.CaseHold{CaseStep: at, Text: "court"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Held{Held: &v1.CaseHeld{Held: true, Text: "court"}}}},
		{cli.CaseHold{CaseStep: at, Lift: true}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Held{Held: &v1.CaseHeld{}}}},
		{cli.CaseDelay{CaseStep: at, Statement: "written", Official: "Sgt. Roe", Agency: "Sheriff", Stated: "2026-03-02 12:00", Until: "2026-03-02 12:00", Ground: "security", Text: "file 12"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Delayed{Delayed: &v1.CaseDelayed{Statement: 1, Official: "Sgt. Roe", Agency: "Sheriff", StatedUs: noon, UntilUs: noon, Ground: 2, Text: "file 12"}}}},
		{cli.CaseDelay{CaseStep: at, Statement: "lifted", Official: "Sgt. Roe", Agency: "Sheriff", Stated: "2026-03-02 12:00", Text: "by phone"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Delayed{Delayed: &v1.CaseDelayed{Statement: 3, Official: "Sgt. Roe", Agency: "Sheriff", StatedUs: noon, Text: "by phone"}}}},
		{cli.CaseClose{CaseStep: at, Text: "done"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Closed{Closed: &v1.CaseClosed{Text: "done"}}}},
		{cli.CaseReopen{CaseStep: at, Text: "more"}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Reopened{Reopened: &v1.CaseReopened{Text: "more"}}}},
	} {
		f := &files{list: &v1.ListCasesResponse{Header: judgedHeader()}, one: wholeCase()}
		var out bytes.Buffer
		if err := tt.command.Run(t.Context(), f.serve(t), &out); err != nil {
			t.Fatalf("%T: %v", tt.command, err)
		}
		tt.want.Case = aCase
		if tt.want.GetOpened() == nil {
			tt.want.Version = 9
		}
		if diff := cmp.Diff(tt.want, f.written, protocmp.Transform()); diff != "" || f.opened != nil {
			t.Errorf("%T: opened %v, %s", tt.command, f.opened, diff)
		}
		if !strings.Contains(out.String(), "at journal position 77") {
			t.Errorf("%T says %q", tt.command, out.String())
		}
	}
}

// TestAQuestionThatMayNotArriveIsToldAtOnce: what is doubtful about whom it was put to stands under what was done.
func TestAQuestionThatMayNotArriveIsToldAtOnce(t *testing.T) {
	ask := cli.CaseAsk{CaseStep: cli.CaseStep{Case: aCase, Version: 9}, Respondent: "reader", Name: "Doe, J.", Text: "Why?", To: "oidc:jnae"}
	for want, doubt := range map[string]*v1.AddresseeDoubt{
		"": nil,
		"WARNING: The question may not reach them: nobody is known here as oidc:jnae. Did you mean oidc:jane?":                                                               {Unknown: true, Alike: "oidc:jane"},
		"WARNING: The question may not reach them: nobody is known here as oidc:jnae: check the name":                                                                        {Unknown: true},
		"WARNING: The question may not reach them: the case lies outside of the sites and departments":                                                                       {CaseHidden: true},
		"WARNING: The question may not reach them: 1 access that you show lies outside of the sites":                                                                         {AccessesHidden: 1},
		"WARNING: The question may not reach them: nobody is known here as oidc:jnae: check the name, it must be the one that they sign in by; 2 accesses that you show lie": {Unknown: true, AccessesHidden: 2},
	} {
		var out bytes.Buffer
		if err := ask.Run(t.Context(), (&files{doubt: doubt}).serve(t), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) || doubt == nil && strings.Contains(out.String(), "WARNING") {
			t.Errorf("%v is told as %q", doubt, out.String())
		}
	}
}

func misuse() v1.Disposition { return v1.Disposition_DISPOSITION_MISUSE }

// TestCaseVersion: without one the case is opened, and told which that was; who was too late is told where to look; flags are named.
func TestCaseVersion(t *testing.T) {
	f := &files{one: wholeCase()}
	var out bytes.Buffer
	if err := (cli.CaseNote{CaseStep: cli.CaseStep{Case: aCase, Purpose: "work on the case"}, Text: "n"}).Run(t.Context(), f.serve(t), &out); err != nil {
		t.Fatal(err)
	}
	if f.opened.GetPurpose() != "work on the case" || f.written.GetVersion() != 9 || !strings.Contains(out.String(), "version 9: Reads on ward 7\ufffd") {
		t.Errorf("opened %v, wrote %v, said %q", f.opened, f.written, out.String())
	}
	for _, tt := range []struct {
		refusal *connect.Error
		want    string
	}{
		{connect.NewError(connect.CodeAborted, errors.New("version 9 was looked at, and there is version 10")), "readtrail case " + aCase},
		{connect.NewError(connect.CodeInvalidArgument, errors.New("contents: all five")), "--tells: all five"},
		{connect.NewError(connect.CodeInvalidArgument, errors.New("factors: all four")), "--information, --person, --viewed, --mitigation: all four"},
		{connect.NewError(connect.CodeInvalidArgument, errors.New("laws: none")), "--law: none"},
		{connect.NewError(connect.CodeInvalidArgument, errors.New("official: is required")), "--official: is required"},
	} {
		f.refusal = tt.refusal
		err := cli.CaseClose{CaseStep: cli.CaseStep{Case: aCase, Version: 9}}.Run(t.Context(), f.serve(t), io.Discard)
		if text := cli.Explain(err); !strings.Contains(text, tt.want) {
			t.Errorf("%q does not say %q", text, tt.want)
		}
	}
	for _, wrong := range []cli.CaseAssess{{Conclusion: "breach", Information: "dire: x"}, {Conclusion: "breach", Person: "low"}, {Exception: "x"}, {Law: []string{"x"}}, {ByLaw: []string{"gdpr:breach"}}, {ByLaw: []string{"x:breach:why"}}, {ByLaw: []string{"gdpr:x:why"}}} {
		f.written = nil
		if err := wrong.Run(t.Context(), f.serve(t), io.Discard); err == nil || f.written != nil {
			t.Errorf("%+v is sent: %v", wrong, err)
		}
	}
}

// TestAPersonsNameDrivesNoTerminal: who a question was put to, and who has a case, was typed by somebody else.
func TestAPersonsNameDrivesNoTerminal(t *testing.T) {
	one := wholeCase()
	for _, s := range one.Steps {
		if a := s.Entry.GetAsked(); a != nil {
			a.To = "oidc:jo\x1b[2J\u202e"
		}
		if a := s.Entry.GetAssigned(); a != nil {
			a.Assignee = "os:ada\x1b[2J"
		}
	}
	var out bytes.Buffer
	if err := (cli.CaseShow{Case: aCase}).Run(t.Context(), (&files{one: one}).serve(t), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "oidc:jo\ufffd[2J\ufffd") || !strings.Contains(out.String(), "os:ada\ufffd[2J") || strings.ContainsAny(out.String(), "\x1b\u202e") {
		t.Errorf("%q", out.String())
	}
}

// TestACaseSaysWhatWasShown: each disclosed access by its id, in the order in which it was shown, under the question that it went with.
func TestACaseSaysWhatWasShown(t *testing.T) {
	one, shown := wholeCase(), []string{anEvent, "2Zs4T8sD1pS1o3yM1sYQbS3rT4b"}
	for _, s := range one.Steps {
		if a := s.Entry.GetAsked(); a != nil {
			a.To = "oidc:jo"
			for _, text := range shown {
				id, err := proto.ParseEventID(text)
				if err != nil {
					t.Fatal(err)
				}
				a.Shown = append(a.Shown, id.Bytes())
			}
		}
	}
	var out bytes.Buffer
	if err := (cli.CaseShow{Case: aCase}).Run(t.Context(), (&files{one: one}).serve(t), &out); err != nil {
		t.Fatal(err)
	}
	want := "with 2 accesses shown, without their patients\n         Doe, J.: Why?\n         shown event " + shown[0] + "\n         shown event " + shown[1] + "\n"
	if !strings.Contains(out.String(), want) {
		t.Error(out.String())
	}
}
