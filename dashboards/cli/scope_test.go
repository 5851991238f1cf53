package cli_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/cli"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// scopes is a scope service that answers from what it is given and keeps what it was asked.
type scopes struct {
	readtrailv1connect.UnimplementedScopeServiceHandler
	pages   []*v1.BreachScopeResponse
	asked   []*v1.BreachScopeRequest
	parts   []*v1.ExportScopeResponse
	cut     error
	compare *v1.CompareScopesResponse
	runs    *v1.CompareScopesRequest
	verify  *v1.VerifyScopeResponse
	report  []*v1.AccessReportResponse
	frozen  []*v1.FrozenScope
	refusal error
}

func (s *scopes) BreachScope(_ context.Context, req *connect.Request[v1.BreachScopeRequest]) (*connect.Response[v1.BreachScopeResponse], error) {
	if s.refusal != nil {
		return nil, s.refusal
	}
	s.asked = append(s.asked, req.Msg)
	page := s.pages[0]
	s.pages = s.pages[1:]
	return connect.NewResponse(page), nil
}

func (s *scopes) ExportScope(_ context.Context, _ *connect.Request[v1.ExportScopeRequest], stream *connect.ServerStream[v1.ExportScopeResponse]) error {
	for _, part := range s.parts {
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return s.cut
}

func (s *scopes) CompareScopes(_ context.Context, req *connect.Request[v1.CompareScopesRequest]) (*connect.Response[v1.CompareScopesResponse], error) {
	s.runs = req.Msg
	return connect.NewResponse(s.compare), nil
}

func (s *scopes) VerifyScope(context.Context, *connect.Request[v1.VerifyScopeRequest]) (*connect.Response[v1.VerifyScopeResponse], error) {
	return connect.NewResponse(s.verify), nil
}

func (s *scopes) FreezeScope(context.Context, *connect.Request[v1.FreezeScopeRequest]) (*connect.Response[v1.FreezeScopeResponse], error) {
	return connect.NewResponse(&v1.FreezeScopeResponse{Header: header(), Position: 12288, Frozen: frozen()}), nil
}

func (s *scopes) ListFrozenScopes(context.Context, *connect.Request[v1.ListFrozenScopesRequest]) (*connect.Response[v1.ListFrozenScopesResponse], error) {
	return connect.NewResponse(&v1.ListFrozenScopesResponse{Header: header(), Scopes: s.frozen, NextPageToken: "t3"}), nil
}

func (s *scopes) AccessReport(context.Context, *connect.Request[v1.AccessReportRequest]) (*connect.Response[v1.AccessReportResponse], error) {
	page := s.report[0]
	s.report = s.report[1:]
	return connect.NewResponse(page), nil
}

func serveScopes(t *testing.T, s *scopes) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewScopeServiceHandler(s))
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

func counts(accesses, second, failed, incidental uint64) *v1.ScopeCounts {
	return &v1.ScopeCounts{
		Reports: accesses + second + failed + incidental, Accesses: accesses, SecondReports: second, Failed: failed, Incidental: incidental,
		FirstUs: day, LastUs: day + 3600e6,
	}
}

func breach() *v1.BreachScopeResponse {
	whole := counts(3, 1, 1, 2)
	whole.Patientless, whole.Reports = 4, whole.Reports+4
	return &v1.BreachScopeResponse{
		Header: header(), Query: &v1.ScopeQuery{Reader: "urn:staff|u17", FromUs: day},
		Identifiers: []*v1.FollowedIdentifier{
			{Identifier: &v1.Identifier{System: "urn:staff", Value: "u17"}, Via: "asked"},
			{Identifier: &v1.Identifier{System: "urn:login", Value: "u17"}, Via: "same_event", Position: 4096},
		},
		Totals:        &v1.ScopeTotals{Counts: whole, Events: 10, Patients: 2, Unresolved: 1},
		Parts:         []*v1.ScopePart{{Name: "Observation", Reports: 3, Patients: 2, FirstUs: day, LastUs: day + 60e6}, {Reports: 1, Patients: 1, FirstUs: day, LastUs: day}},
		Sensitivity:   []*v1.ScopePart{{Name: "HIV", Reports: 1, Patients: 1, FirstUs: day, LastUs: day}},
		Jurisdictions: []*v1.ScopeJurisdiction{{Country: "US", State: "CA", Patients: 1, Counts: counts(2, 1, 0, 1)}, {Patients: 1, Counts: counts(1, 0, 1, 1)}},
		Patients: []*v1.ScopePatient{
			{Identifiers: []*v1.Identifier{{System: "urn:mrn", Value: "42"}, {System: "source:ehr-main", Value: "Patient/7"}}, Counts: counts(2, 1, 0, 0), Country: "US", State: "CA", Parts: []*v1.ScopePart{{Name: "Observation", Reports: 3}}},
			{Identifiers: []*v1.Identifier{{Value: "=cmd|' /C calc'!A0"}}, Counts: counts(1, 0, 1, 1)},
		},
		Unresolved:    []*v1.ScopeUnresolved{{Text: "Maier, <b>Anna</b>\x1b[31m", Counts: counts(0, 0, 0, 1)}},
		Sha256:        bytes.Repeat([]byte{0xab}, 32),
		NextPageToken: "t2",
	}
}

// judgedBreach is breach where detectors have judged.
func judgedBreach() *v1.BreachScopeResponse {
	a := breach()
	one, other := &v1.ScopeVerdicts{Explained: 1, Unexplained: 1}, &v1.ScopeVerdicts{NotAssessable: 1, NotJudged: 2}
	a.Verdicts = &v1.ScopeVerdicts{Explained: 1, Unexplained: 1, NotAssessable: 1, NotJudged: 3}
	a.Patients[0].Verdicts, a.Patients[1].Verdicts = one, other
	a.Jurisdictions[0].Verdicts, a.Jurisdictions[1].Verdicts = one, other
	a.Unresolved[0].Verdicts = &v1.ScopeVerdicts{NotJudged: 1}
	return a
}

func frozen() *v1.ScopeFrozen {
	return &v1.ScopeFrozen{
		Query: breach().Query, Position: 8193, Totals: breach().Totals, Sha256: breach().Sha256, Asker: "os:root", Role: "administrator",
		Purpose: "breach 7", FrozenUs: day + 7200e6,
	}
}

func TestScope(t *testing.T) {
	second := &v1.BreachScopeResponse{Header: header(), Patients: breach().Patients[1:]}
	for name, tt := range map[string]struct {
		ask   cli.ScopeShow
		pages []*v1.BreachScopeResponse
		want  error
	}{
		"table":         {pages: []*v1.BreachScopeResponse{breach()}},
		"judged":        {pages: []*v1.BreachScopeResponse{judgedBreach()}},
		"json":          {ask: cli.ScopeShow{Output: cli.Output{JSON: true}}, pages: []*v1.BreachScopeResponse{breach()}},
		"csv-all-pages": {ask: cli.ScopeShow{Output: cli.Output{Format: "csv"}, All: true}, pages: []*v1.BreachScopeResponse{breach(), second}},
		"nothing":       {pages: []*v1.BreachScopeResponse{{Header: &v1.AnswerHeader{TimeZone: "UTC"}, Totals: &v1.ScopeTotals{Counts: &v1.ScopeCounts{}}}}},
		"ambiguous":     {want: cli.ErrAmbiguous, pages: []*v1.BreachScopeResponse{{Header: header(), Candidates: []*v1.Candidate{{Identifier: &v1.Identifier{System: "urn:a", Value: "u17"}, Events: 3}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			tt.ask.Reader, tt.ask.Purpose = "u17", "breach 7"
			if err := tt.ask.Run(t.Context(), serveScopes(t, &scopes{pages: tt.pages}), &out); !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			golden(t, "scope-"+name, out.Bytes())
		})
	}
}

func TestFrozenScopes(t *testing.T) {
	some := []*v1.FrozenScope{{Position: 12288, Frozen: frozen()}, {Position: 8200, Frozen: &v1.ScopeFrozen{Query: &v1.ScopeQuery{Events: []string{"1", "2"}, UntilUs: day}, Purpose: "=1+1"}}}
	for name, tt := range map[string]struct {
		ask    cli.ScopeList
		frozen []*v1.FrozenScope
	}{
		"list":      {frozen: some},
		"list-csv":  {ask: cli.ScopeList{Output: cli.Output{Format: "csv"}}, frozen: some},
		"list-none": {},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := tt.ask.Run(t.Context(), serveScopes(t, &scopes{frozen: tt.frozen}), &out); err != nil {
				t.Fatal(err)
			}
			golden(t, "scope-"+name, out.Bytes())
		})
	}
}

// TestScopePage: the page to print holds every page of patients, loads nothing, and takes what a source sent for text.
func TestScopePage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scope.html")
	second := &v1.BreachScopeResponse{Header: header(), Patients: breach().Patients[1:]}
	s := &scopes{pages: []*v1.BreachScopeResponse{judgedBreach(), second}}
	if err := (cli.ScopeShow{ScopeQuery: cli.ScopeQuery{Reader: "u17"}, Purpose: "breach 7", HTML: path}).Run(t.Context(), serveScopes(t, s), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	text := readPage(t, path)
	golden(t, "scope-page", []byte(text))
	if len(s.asked) != 2 || s.asked[1].Page.Token != "t2" || s.asked[0].Page.Size != 1000 {
		t.Errorf("asked %d times", len(s.asked))
	}
	if !strings.Contains(text, "&lt;b&gt;Anna") || strings.Contains(text, "<b>") {
		t.Error("what a source sent is markup")
	}
}

// readPage reads a page to print and holds it to what every page must be.
func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)(\ssrc=|\shref=|url\(|@import|<script|\son[a-z]+=)`).FindString(string(text)); found != "" {
		t.Errorf("the page loads or runs something: %s", found)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the page: %v %v", info.Mode(), err)
	}
	return string(text)
}

func TestAsOfIsATimeOrAPosition(t *testing.T) {
	for text, want := range map[string][2]int64{"73728": {0, 73728}, "2026-03-02T00:00:00Z": {day, 0}, "": {0, 0}} {
		s := &scopes{pages: []*v1.BreachScopeResponse{breach()}}
		ask := cli.ScopeShow{ScopeQuery: cli.ScopeQuery{Reader: "u17"}, Moment: cli.Moment{AsOf: text}, Purpose: "p"}
		if err := ask.Run(t.Context(), serveScopes(t, s), &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		if got := [2]int64{s.asked[0].AsOfUs, int64(s.asked[0].AsOfPosition)}; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestScopeRefusalsNameFlags(t *testing.T) {
	for refusal, want := range map[string]string{
		"query: name a reader":                        "name --reader, --account, --workstation, --object, --event or --alert, or both --from and --until",
		"events: at most 5000":                        "--event: at most 5000",
		"account: give a reader":                      "--account: give a reader",
		"as_of_position: the journal does not":        "--as-of: the journal does not",
		"until_us: must be later than from_us":        "--until: must be later than --from",
		"the scope holds more than 200000 patients":   "the scope holds more than 200000 patients",
		"object: write it as \"12345\"":               "--object: write it as \"12345\"",
		"page.token: not a page token of this answer": "--page: not a page token of this answer",
	} {
		conn := serveScopes(t, &scopes{refusal: connect.NewError(connect.CodeInvalidArgument, errors.New(refusal))})
		err := cli.ScopeShow{Purpose: "p"}.Run(t.Context(), conn, &bytes.Buffer{})
		if got := cli.Explain(err); got != want {
			t.Errorf("%q is told as %q, want %q", refusal, got, want)
		}
	}
}

func exported() []*v1.ExportScopeResponse {
	return []*v1.ExportScopeResponse{
		{Header: header(), Totals: breach().Totals, Sha256: breach().Sha256},
		{Data: []byte("a,b\r\n"), Reports: 5},
		{Data: []byte("c,d\r\n"), Reports: 11, Done: true},
	}
}

func TestExportWritesAWholeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scope.csv")
	conn := serveScopes(t, &scopes{parts: exported()})
	var aside bytes.Buffer
	conn.Aside = &aside
	if err := (cli.ScopeExport{Purpose: "p", Out: path}).Run(t.Context(), conn, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "a,b\r\nc,d\r\n" {
		t.Errorf("%q, %v", text, err)
	}
	for _, part := range []string{"known at", "abab", "exporting 11 reports", "11 reports in"} {
		if !strings.Contains(aside.String(), part) {
			t.Errorf("not told aside: %q", part)
		}
	}
}

// TestBrokenExportLeavesNoFile: half a file is never taken for a whole one, nor does it replace one.
func TestBrokenExportLeavesNoFile(t *testing.T) {
	for name, s := range map[string]*scopes{
		"ends early": {parts: exported()[:2]},
		"fails":      {parts: exported()[:2], cut: connect.NewError(connect.CodeDeadlineExceeded, errors.New("the answer took too long"))},
		"several":    {parts: []*v1.ExportScopeResponse{{Header: header(), Candidates: []*v1.Candidate{{Identifier: &v1.Identifier{Value: "u17"}}}}}},
	} {
		path := filepath.Join(t.TempDir(), "scope.csv")
		if err := os.WriteFile(path, []byte("older"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (cli.ScopeExport{Purpose: "p", Out: path}).Run(t.Context(), serveScopes(t, s), &bytes.Buffer{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if text, _ := os.ReadFile(path); err != nil || len(entries) != 1 || string(text) != "older" {
			t.Errorf("%s: %d files, %q", name, len(entries), text)
		}
	}
}

func TestScopeFreezeAndVerify(t *testing.T) {
	same := &v1.VerifyScopeResponse{Header: header(), Frozen: frozen(), Totals: frozen().Totals, Sha256: frozen().Sha256, Same: true}
	other := &v1.VerifyScopeResponse{Header: header(), Frozen: frozen(), Totals: frozen().Totals, Sha256: make([]byte, 32)}
	var out bytes.Buffer
	if err := (cli.ScopeFreeze{Purpose: "p"}).Run(t.Context(), serveScopes(t, &scopes{}), &out); err != nil {
		t.Fatal(err)
	}
	if err := (cli.ScopeVerify{Position: 12288, Purpose: "p"}).Run(t.Context(), serveScopes(t, &scopes{verify: same}), &out); err != nil {
		t.Fatal(err)
	}
	if err := (cli.ScopeVerify{Position: 12288, Purpose: "p"}).Run(t.Context(), serveScopes(t, &scopes{verify: other}), &out); !errors.Is(err, cli.ErrDiffers) {
		t.Errorf("another scope: %v", err)
	}
	golden(t, "scope-frozen", out.Bytes())
}

func TestScopeCompare(t *testing.T) {
	run := &v1.ScopeRunResult{Position: 8193, Totals: breach().Totals, Sha256: breach().Sha256}
	s := &scopes{compare: &v1.CompareScopesResponse{
		Header: header(), Before: run, After: run, PatientsAdded: 1, PatientsChanged: 1, AccessesAdded: 2, ReportsAdded: 3,
		Changes: []*v1.ScopeChange{
			{Kind: v1.ScopeChange_KIND_ADDED, After: breach().Patients[:1]},
			{Kind: v1.ScopeChange_KIND_MERGED, Before: breach().Patients, After: breach().Patients[:1]},
		},
	}}
	var out bytes.Buffer
	ask := cli.ScopeCompare{ScopeQuery: cli.ScopeQuery{Reader: "u17"}, Before: "frozen:4096", After: "73728", Purpose: "p"}
	if err := ask.Run(t.Context(), serveScopes(t, s), &out); err != nil {
		t.Fatal(err)
	}
	golden(t, "scope-compare", out.Bytes())
	if s.runs.Before.Frozen != 4096 || s.runs.Before.Query != nil || s.runs.After.AsOfPosition != 73728 || s.runs.After.Query.Reader != "u17" {
		t.Errorf("asked for %v", s.runs)
	}
	ask.Before = "frozen:x"
	if err := ask.Run(t.Context(), serveScopes(t, s), &out); err == nil || !strings.Contains(err.Error(), "--before") {
		t.Errorf("%v", err)
	}
}

func patientReport() *v1.AccessReportResponse {
	return &v1.AccessReportResponse{
		Header: header(), Notes: []string{"This report lists every access.", "The system pacs has told us of nothing yet."},
		Accesses: []*v1.ReportedAccess{
			{OccurredUs: day + 60e6, Who: "Person AAAA-BBBB", Role: "Physician", Department: "Oncology", What: "looked at", Data: []string{"diagnoses", "medication"}, Purposes: []string{"your treatment"}, Origin: "ehr-main, at North", Emergency: true},
			{OccurredUs: day, Who: "=1+1", What: "passed on", Recipient: "Acme <Insurance>", Failed: true},
		},
		Looks: []*v1.ReportedLook{{AskedUs: day + 7000e6, Role: "privacy officer"}},
	}
}

func TestAccessReport(t *testing.T) {
	first, second := patientReport(), patientReport()
	first.NextPageToken, second.Looks = "t2", nil
	for name, tt := range map[string]struct {
		ask   cli.AccessReport
		pages []*v1.AccessReportResponse
		want  error
	}{
		"table":     {pages: []*v1.AccessReportResponse{first, second}},
		"json":      {ask: cli.AccessReport{Output: cli.Output{JSON: true}}, pages: []*v1.AccessReportResponse{patientReport()}},
		"csv":       {ask: cli.AccessReport{Output: cli.Output{Format: "csv"}}, pages: []*v1.AccessReportResponse{patientReport()}},
		"nothing":   {pages: []*v1.AccessReportResponse{{Header: header(), Notes: []string{"No system has told us of any access yet."}}}},
		"ambiguous": {want: cli.ErrAmbiguous, pages: []*v1.AccessReportResponse{{Header: header(), Candidates: []*v1.Candidate{{Identifier: &v1.Identifier{Value: "42"}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			tt.ask.Patient, tt.ask.Purpose = "42", "request 9"
			if err := tt.ask.Run(t.Context(), serveScopes(t, &scopes{report: tt.pages}), &out); !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			golden(t, "report-"+name, out.Bytes())
		})
	}
	path := filepath.Join(t.TempDir(), "report.html")
	if err := (cli.AccessReport{Patient: "42", Purpose: "p", HTML: path}).Run(t.Context(), serveScopes(t, &scopes{report: []*v1.AccessReportResponse{patientReport()}}), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	text := readPage(t, path)
	golden(t, "report-page", []byte(text))
	if !strings.Contains(text, "Acme &lt;Insurance&gt;") {
		t.Error("what a source sent is markup")
	}
}
