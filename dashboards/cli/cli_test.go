package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/dashboards/cli"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

var update = flag.Bool("update", false, "write golden files")

// answers is a query service that answers who-viewed from a list of pages and asserts what it is asked.
type answers struct {
	readtrailv1connect.UnimplementedQueryServiceHandler
	t     *testing.T
	pages []*v1.WhoViewedResponse
	// refusal, when set, is the answer.
	refusal error
}

func (a *answers) WhoViewed(_ context.Context, req *connect.Request[v1.WhoViewedRequest]) (*connect.Response[v1.WhoViewedResponse], error) {
	if a.refusal != nil {
		return nil, a.refusal
	}
	if req.Msg.Purpose == "" {
		a.t.Error("asked without a purpose")
	}
	if len(a.pages) == 0 {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("the question could not be journaled"))
	}
	page := a.pages[0]
	a.pages = a.pages[1:]
	return connect.NewResponse(page), nil
}

// serve answers on a unix socket, as a server does, and returns a connection to it.
func serve(t *testing.T, pages ...*v1.WhoViewedResponse) *cli.Connection {
	t.Helper()
	return serveFrom(t, &answers{t: t, pages: pages})
}

func serveFrom(t *testing.T, a *answers) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewQueryServiceHandler(a))
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

const day = int64(1_772_409_600_000_000) // 2026-03-02T00:00:00Z

func header() *v1.AnswerHeader {
	return &v1.AnswerHeader{
		Position: 8193, AsOfUs: day + 7200e6, JournalPosition: 8200, TimeZone: "Europe/Vienna",
		Coverage:         []*v1.SourceCoverage{{Source: "ehr-main", Systems: []string{"EMR"}, FirstOccurredUs: day, LastOccurredUs: day + 3600e6}, {Source: "pacs"}},
		Gaps:             []*v1.CoverageGap{{Source: "pacs", Kind: v1.CoverageFact_KIND_SILENCE, FromUs: day}},
		UnresolvedEvents: 2, QuestionId: "2Q", Notes: []string{"One source has sent nothing yet."},
	}
}

func record() *v1.WhoViewedResponse {
	reader := &v1.Reader{
		Identifiers: []*v1.Identifier{{System: "urn:staff", Value: "u17"}}, Name: "Doe, J.", Department: "Billing",
		Role: &v1.Coding{Code: "clerk"}, Type: v1.ReaderType_READER_TYPE_STAFF,
	}
	return &v1.WhoViewedResponse{
		Header: header(),
		Identifiers: []*v1.FollowedIdentifier{
			{Identifier: &v1.Identifier{System: "urn:mrn", Value: "42"}, Via: "asked"},
			{Identifier: &v1.Identifier{System: "source:ehr-main", Value: "Patient/7"}, Via: "same_resource", Position: 4096, Source: "ehr-main"},
		},
		Totals:  &v1.WhoViewedTotals{Readers: 1, Accesses: 2, Events: 3, Failed: 1, BreakGlass: 1, Unexplained: 1, NotJudged: 1},
		Readers: []*v1.ReaderSummary{{Reader: reader, Accesses: 2, Events: 3, FirstUs: day, LastUs: day + 60e6, Actions: []v1.Action{v1.Action_ACTION_READ, v1.Action_ACTION_PRINT}, Departments: []string{"Billing"}, Purposes: []string{"TREAT"}, BreakGlass: true, Failed: 1}},
		Accesses: []*v1.Access{
			{Position: 8193, OccurredUs: day + 60e6, Action: v1.Action_ACTION_PRINT, Outcome: v1.Outcome_OUTCOME_SUCCESS, Reader: reader, Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "urn:mrn", Value: "42"}}}}, Objects: []*v1.Object{{Type: "DocumentReference", Name: "=cmd|' /C calc'!A0"}}, Source: "ehr-main", Workstation: "WS-\x1b[31m1", BreakGlass: true, Paired: []*v1.PairedEvent{{Position: 8192}}, Verdict: v1.Verdict_VERDICT_UNEXPLAINED},
			{Position: 4097, OccurredUs: day, Action: v1.Action_ACTION_READ, Outcome: v1.Outcome_OUTCOME_SERIOUS_FAILURE, Reader: &v1.Reader{}, Source: "pacs"},
		},
		Unresolved:    []*v1.Candidate{{Text: "Maier, Anna", Events: 2}},
		Looks:         []*v1.Look{{QuestionId: "2P", Asker: "os:root", Role: "administrator", Query: "WhoViewed", Purpose: "complaint", AskedUs: day + 7000e6, Rows: 2, Pages: 1}},
		NextPageToken: "t2",
	}
}

func TestWhoViewed(t *testing.T) {
	second := &v1.WhoViewedResponse{Header: header(), Accesses: record().Accesses[1:]}
	tests := []struct {
		name  string
		ask   cli.WhoViewed
		pages []*v1.WhoViewedResponse
		want  error
	}{
		{name: "table", pages: []*v1.WhoViewedResponse{record()}},
		{name: "json", ask: cli.WhoViewed{Output: cli.Output{JSON: true}}, pages: []*v1.WhoViewedResponse{record()}},
		{name: "csv-all-pages", ask: cli.WhoViewed{Output: cli.Output{Format: "csv"}, Paging: cli.Paging{All: true}}, pages: []*v1.WhoViewedResponse{record(), second}},
		{name: "nothing", pages: []*v1.WhoViewedResponse{{Header: &v1.AnswerHeader{TimeZone: "UTC", Notes: []string{"No source covers this period: whether the record was viewed is not known."}}}}},
		{name: "nothing-matches", ask: cli.WhoViewed{Only: cli.Only{Failed: true}}, pages: []*v1.WhoViewedResponse{{Header: header()}}},
		{name: "ambiguous", want: cli.ErrAmbiguous, pages: []*v1.WhoViewedResponse{{Header: header(), Candidates: []*v1.Candidate{{Identifier: &v1.Identifier{System: "urn:a", Value: "42"}, Events: 3}, {Identifier: &v1.Identifier{System: "urn:b", Value: "42"}, Text: "Maier"}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			ask := tt.ask
			ask.Patient, ask.Purpose = "42", "complaint"
			if err := ask.Run(t.Context(), serve(t, tt.pages...), &out); !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			golden(t, "who-viewed-"+tt.name, out.Bytes())
		})
	}
}

// TestRefusalsNameFlags: a person who typed flags does not read of the API's fields.
func TestRefusalsNameFlags(t *testing.T) {
	for refusal, want := range map[string]string{
		"until_us: must be later than from_us":     "--until: must be later than --from",
		"page.size: at most 1000 rows":             "--limit: at most 1000 rows",
		"time_zone: an IANA name":                  "--zone: an IANA name",
		"as_of_us: a time":                         "--as-of: a time",
		"purpose: say why you ask":                 "--purpose: say why you ask",
		"patient: write it as":                     "patient: write it as",
		"page.token: the projections were rebuilt": "--page: the projections were rebuilt",
	} {
		conn := serveFrom(t, &answers{t: t, refusal: connect.NewError(connect.CodeInvalidArgument, errors.New(refusal))})
		err := cli.WhoViewed{Patient: "42", Purpose: "p"}.Run(t.Context(), conn, &bytes.Buffer{})
		if got := cli.Explain(err); got != want {
			t.Errorf("%q is told as %q, want %q", refusal, got, want)
		}
	}
}

// TestAbsenceIsNotClaimedYet: an answer that lacks what concerns the record does not say that nobody looked.
func TestAbsenceIsNotClaimedYet(t *testing.T) {
	var out bytes.Buffer
	conn := serve(t, &v1.WhoViewedResponse{Header: &v1.AnswerHeader{TimeZone: "UTC", Behind: 3}})
	if err := (cli.WhoViewed{Patient: "42", Purpose: "p"}).Run(t.Context(), conn, &out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "what the sources reported") || !strings.Contains(text, "not projected yet") {
		t.Error(text)
	}
}

// golden compares with testdata; protojson varies its spaces on purpose, so they are folded in JSON.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if strings.Contains(name, "json") {
		got = []byte(strings.ReplaceAll(string(got), ":  ", ": "))
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("differs from %s:\n%s", path, diff)
	}
}

func TestAnUnjournaledQuestionIsExplained(t *testing.T) {
	err := cli.WhoViewed{Patient: "42", Purpose: "p"}.Run(t.Context(), serve(t), &bytes.Buffer{})
	if text := cli.Explain(err); !strings.Contains(text, "cannot answer now") || !strings.Contains(text, "readtrail status") {
		t.Errorf("explained as %q", text)
	}
}

// TestCSVNamesGapsAside: a table for machines has no place for the gaps, so they are told beside it, once.
func TestCSVNamesGapsAside(t *testing.T) {
	first, second := record(), record()
	first.NextPageToken, second.NextPageToken = "more", ""
	conn := serve(t, first, second)
	var out, aside bytes.Buffer
	conn.Aside = &aside
	q := cli.WhoViewed{Patient: "42", Purpose: "p", Paging: cli.Paging{All: true}, Output: cli.Output{Format: "csv"}}
	if err := q.Run(t.Context(), conn, &out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(aside.String(), "gaps"); n != 1 || !strings.Contains(aside.String(), "pacs: 2026-03-02") {
		t.Errorf("told aside:\n%s", aside.String())
	}
	if strings.Contains(out.String(), "silence") {
		t.Errorf("told among the rows:\n%s", out.String())
	}
}

func TestNoServerIsExplained(t *testing.T) {
	conn, err := cli.Target{}.Open(filepath.Join(t.TempDir(), "nobody"))
	if err != nil {
		t.Fatal(err)
	}
	err = cli.Status{}.Run(t.Context(), conn, &bytes.Buffer{})
	if text := cli.Explain(err); !strings.Contains(text, "readtrail up") {
		t.Errorf("explained as %q", text)
	}
}

func TestTarget(t *testing.T) {
	tests := []struct {
		server string
		ok     bool
	}{
		{"https://readtrail.example:8470", true},
		{"http://127.0.0.1:8470", true},
		{"http://[::1]:8470/", true},
		{"http://localhost:8470", true},
		{"http://readtrail.example:8470", false},
		{"http://127.0.0.1.example:8470", false},
		{"unix:///run/readtrail.sock", true},
	}
	for _, tt := range tests {
		if _, err := (cli.Target{Server: tt.server}).Open(""); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want ok %v", tt.server, err, tt.ok)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, text := range []string{"yesterday", "2026-13-01", "1772409600"} {
		err := cli.WhoViewed{Patient: "42", Purpose: "p", Period: cli.Period{From: text}}.Run(t.Context(), serve(t), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), "--from") {
			t.Errorf("%q: %v, want an error that names --from", text, err)
		}
	}
}
