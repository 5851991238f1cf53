package console_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// The builder's conditions reach the API as they were typed; the answer shows every column, each patient once.
func TestScope(t *testing.T) {
	s := newSite(t)
	s.api.scope = scope()
	b := s.signedIn(proto.RoleInvestigator)
	form := url.Values{
		"reader": {" urn:staff|S-77 "}, "workstation": {"WS-12"}, "from": {"2026-02-01"}, "until": {"2026-02-28"}, "purpose": {"breach 7"},
	}
	asked := b.post("/scope", form)
	if asked.status != http.StatusSeeOther || strings.Contains(asked.location, "S-77") || strings.Contains(asked.location, "WS") {
		t.Fatalf("%d to %q", asked.status, asked.location)
	}
	page := b.get(asked.location)
	vienna := zone(t, "Europe/Vienna")
	want := &v1.BreachScopeRequest{
		Query: &v1.ScopeQuery{
			Reader: "urn:staff|S-77", Workstation: "WS-12", FromUs: time.Date(2026, 2, 1, 0, 0, 0, 0, vienna).UnixMicro(), UntilUs: time.Date(2026, 3, 1, 0, 0, 0, 0, vienna).UnixMicro(),
		},
		Purpose: "breach 7", Page: &v1.Page{Size: 50},
	}
	m, _ := last[*v1.BreachScopeRequest](s, "BreachScope")
	if diff := cmp.Diff(want, m, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{
		"11 reports = 3 accesses + 1 second report + 1 failed + 2 incidental + 4 without a patient", "CA, US", "not known", "no patient", "abcd", "Ward, U.", ">4711</bdi>",
		"Patient/7", "Observation 3", "HIV", "3 known, 2 none found, 1 not judged", ">2 none found<", "none stated", "journal position <span class=\"num\">40960</span>",
	} {
		if !strings.Contains(strings.ReplaceAll(page.body, "&#43;", "+"), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(page.body)
	}
	part := b.get(asked.location+"?after=bmV4dA", func(r *http.Request) { r.Header.Set("Hx-Request", "true") })
	if !strings.HasPrefix(strings.TrimSpace(part.body), "<tbody") || strings.Contains(part.body, "Where the patients live") {
		t.Errorf("part: %d\n%s", part.status, part.body)
	}
	for name, bad := range map[string]url.Values{
		"nothing": {"purpose": {"breach 7"}}, "one day": {"from": {"2026-02-01"}, "purpose": {"breach 7"}}, "no purpose": {"reader": {"u17"}}, "date": {"from": {"x"}},
	} {
		if p := b.post("/scope", bad); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, p.status)
		}
	}
}

// What is filled in so far is counted, once it says whom and why; what is wrong is said in its place.
func TestScopeIsCounted(t *testing.T) {
	s := newSite(t)
	s.api.scope = scope()
	b := s.signedIn(proto.RoleInvestigator)
	count := func(form url.Values) string {
		p := b.post("/scope/count", form, func(r *http.Request) { r.Header.Set("Hx-Request", "true") })
		if p.status != http.StatusOK || strings.Contains(p.body, "<html") {
			t.Errorf("%v: %d", form, p.status)
		}
		return p.body
	}
	for _, form := range []url.Values{{}, {"purpose": {"breach 7"}}, {"reader": {"u17"}}, {"reader": {"u17"}, "purpose": {"breach 7"}, "from": {"x"}}} {
		count(form)
	}
	if _, n := last[*v1.BreachScopeRequest](s, "BreachScope"); n != 0 {
		t.Errorf("%d questions were asked before anything can be counted", n)
	}
	whole := url.Values{"reader": {"u17"}, "purpose": {"breach 7"}}
	if got := count(whole); !strings.Contains(got, "2 patients and 1 without an identifier, 10 events") {
		t.Errorf("counted: %s", got)
	}
	s.api.fails = connect.NewError(connect.CodeFailedPrecondition, errors.New("the object has more than 5000 events: give a shorter period, or name a reader too"))
	if got := count(whole); !strings.Contains(got, "give a shorter period") {
		t.Errorf("too wide: %s", got)
	}
}

// From an alert to its scope, for the same purpose, without its id in the address.
func TestScopeOfAnAlert(t *testing.T) {
	s := newSite(t)
	s.api.queue, s.api.alert, s.api.scope, s.api.record, s.api.reader = queue(), alert(), scope(), record(), reader()
	b := s.signedIn(proto.RoleInvestigator)
	b.post("/alerts", url.Values{"purpose": {"triage"}})
	page := b.get(b.alertPath())
	_, after, _ := strings.Cut(page.body, `href="/scope/`)
	handle, _, _ := strings.Cut(after, `"`)
	if p := b.get("/scope/" + handle); p.status != http.StatusOK || !strings.Contains(p.body, "accesses of alert 2Zs4T8sD1pS1o3yM1sYQbS3rT1a") {
		t.Fatalf("%d\n%s", p.status, p.body)
	}
	m, _ := last[*v1.BreachScopeRequest](s, "BreachScope")
	if m.GetQuery().GetAlert() != "2Zs4T8sD1pS1o3yM1sYQbS3rT1a" || m.GetPurpose() != "triage" {
		t.Errorf("asked: %v", m)
	}
}

// A scope is frozen as of the position that was seen, and compared with what it became.
func TestFreezeAndCompare(t *testing.T) {
	s := newSite(t)
	s.api.scope = scope()
	s.api.frozen = &v1.VerifyScopeResponse{
		Header: header(), Same: true, Totals: s.api.scope.Totals, Sha256: []byte{0xab},
		Frozen: &v1.ScopeFrozen{Query: &v1.ScopeQuery{Reader: "urn:staff|S-77"}, Position: 40960, Totals: s.api.scope.Totals, Sha256: []byte{0xab}, Asker: "os:alex", Purpose: "breach 7"},
	}
	s.api.compared = &v1.CompareScopesResponse{Header: header(), PatientsAdded: 1, Changes: []*v1.ScopeChange{{Kind: v1.ScopeChange_KIND_MERGED, After: s.api.scope.Patients}}}
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.post("/scope", url.Values{"reader": {"S-77"}, "purpose": {"breach 7"}}).location
	frozen := b.post(path+"/freeze", url.Values{"position": {"40960"}})
	if m, _ := last[*v1.FreezeScopeRequest](s, "FreezeScope"); m.GetAsOfPosition() != 40960 || m.GetQuery().GetReader() != "S-77" || m.GetPurpose() != "breach 7" {
		t.Errorf("frozen: %v", m)
	}
	page := b.get(frozen.location)
	if m, _ := last[*v1.VerifyScopeRequest](s, "VerifyScope"); m.GetPosition() != 49152 || !strings.Contains(page.body, "<b>The same.</b>") {
		t.Errorf("computed again: %d %v\n%s", page.status, m, page.body)
	}
	s.api.list = &v1.ListFrozenScopesResponse{Header: header(), Scopes: []*v1.FrozenScope{{Position: 49152, Frozen: s.api.frozen.Frozen}}}
	listed := b.get(b.post("/frozen", url.Values{"purpose": {"hearing"}}).location)
	if m, _ := last[*v1.ListFrozenScopesRequest](s, "ListFrozenScopes"); m.GetPurpose() != "hearing" || !strings.Contains(listed.body, `href="`+frozen.location+`">49152</a>`) {
		t.Errorf("listed: %d %v\n%s", listed.status, m, listed.body)
	}
	s.api.frozen.Same = false
	if p := b.get(frozen.location); !strings.Contains(p.body, "Not the same any more") || !strings.Contains(p.body, `role="alert"`) {
		t.Error("another hash is not told")
	}
	compared := b.get(b.post(path+"/compare", url.Values{"before": {"49152"}, "frozen": {"1"}}).location)
	m, _ := last[*v1.CompareScopesRequest](s, "CompareScopes")
	want := &v1.CompareScopesRequest{
		Before: &v1.ScopeRun{Frozen: 49152}, After: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "S-77"}}, Purpose: "breach 7",
	}
	if diff := cmp.Diff(want, m, protocmp.Transform()); diff != "" || !strings.Contains(compared.body, "merged") {
		t.Errorf("%d: %s", compared.status, diff)
	}
	b.get(b.post(path+"/compare", url.Values{"before": {"2026-03-01T12:00"}}).location)
	m, _ = last[*v1.CompareScopesRequest](s, "CompareScopes")
	if at := time.Date(2026, 3, 1, 12, 0, 0, 0, zone(t, "Europe/Vienna")).UnixMicro(); m.GetBefore().GetAsOfUs() != at || m.GetBefore().GetQuery().GetReader() != "S-77" {
		t.Errorf("with a time: %v", m)
	}
	for _, bad := range []string{"", "yesterday", "99999999999999999999999"} {
		if p := b.post(path+"/compare", url.Values{"before": {bad}}); p.status != http.StatusUnprocessableEntity {
			t.Errorf("before %q: %d", bad, p.status)
		}
	}
}

// An export is a file of its kind, whole, of the position that was seen; one that breaks off never looks whole.
func TestExport(t *testing.T) {
	s := newSite(t)
	s.api.scope = scope()
	b := s.signedIn(proto.RoleInvestigator)
	path := b.post("/scope", url.Values{"reader": {"S-77"}, "purpose": {"breach 7"}}).location
	for form, want := range map[string]struct {
		format v1.ExportScopeRequest_Format
		name   string
	}{
		"csv":    {v1.ExportScopeRequest_FORMAT_CSV, "scope-40960.csv"},
		"ndjson": {v1.ExportScopeRequest_FORMAT_NDJSON, "scope-40960.ndjson"},
		"fhir":   {v1.ExportScopeRequest_FORMAT_FHIR, "scope-40960.json"},
	} {
		s.api.parts = []*v1.ExportScopeResponse{{Header: header()}, {Data: []byte("one\n")}, {Data: []byte("two\n"), Done: true}}
		p := b.get(path + "/export/" + form + "?position=40960")
		if p.body != "one\ntwo\n" || p.header.Get("Content-Disposition") != `attachment; filename=`+want.name {
			t.Errorf("%s: %d %q %q", form, p.status, p.body, p.header.Get("Content-Disposition"))
		}
		if m, _ := last[*v1.ExportScopeRequest](s, "ExportScope"); m.GetFormat() != want.format || m.GetAsOfPosition() != 40960 || m.GetPurpose() != "breach 7" {
			t.Errorf("%s: asked %v", form, m)
		}
	}
	for _, bad := range []string{"/export/csv", "/export/csv?position=x", "/export/pdf?position=1"} {
		if p := b.get(path + bad); p.status < http.StatusBadRequest || p.header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %d", bad, p.status)
		}
	}
	for name, breaks := range map[string]error{"an error": errors.New("the engine is gone"), "an end before the end": nil} {
		s.api.parts, s.api.breaks = []*v1.ExportScopeResponse{{Header: header()}, {Data: []byte(strings.Repeat("one\n", 4096))}}, breaks
		res, err := b.Get(s.server.URL + path + "/export/csv?position=40960")
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: the browser takes the file for a whole one", name)
		}
	}
	s.api.parts, s.api.breaks = nil, connect.NewError(connect.CodeUnavailable, errors.New("the question could not be journaled, so it is not answered"))
	if p := b.get(path + "/export/csv?position=40960"); p.status != http.StatusServiceUnavailable || !strings.Contains(p.body, "could not be journaled") {
		t.Errorf("not journaled: %d", p.status)
	}
	s.now = s.now.Add(15 * time.Minute)
	if p := b.get(path + "/export/csv?position=40960"); !strings.Contains(p.body, "Why do you ask?") {
		t.Errorf("without a purpose: %d", p.status)
	}
}

// A report names staff as it was asked to, by role alone when nothing was said.
func TestAccessReport(t *testing.T) {
	s := newSite(t)
	s.api.report = &v1.AccessReportResponse{
		Header: header(), Notes: []string{"This report lists every access."},
		Accesses: []*v1.ReportedAccess{{OccurredUs: 1772438400_000000, Who: "Person AAAA-BBBB", Role: "Physician", What: "looked at", Data: []string{"diagnoses"}, Own: true}},
	}
	b := s.signedIn(proto.RolePrivacyOfficer)
	for given, want := range map[string]v1.AccessReportRequest_Names{
		"": v1.AccessReportRequest_NAMES_NONE, "none": v1.AccessReportRequest_NAMES_NONE, "code": v1.AccessReportRequest_NAMES_PSEUDONYM,
		"full": v1.AccessReportRequest_NAMES_FULL, "everything": v1.AccessReportRequest_NAMES_NONE,
	} {
		p := b.post("/report", url.Values{"patient": {"4711"}, "names": {given}, "purpose": {"request 19"}})
		page := b.get(p.location)
		m, _ := last[*v1.AccessReportRequest](s, "AccessReport")
		if m.GetNames() != want || m.GetPatient() != "4711" || strings.Contains(p.location, "4711") {
			t.Errorf("%q: %v", given, m)
		}
		for _, want := range []string{"This report lists every access.", "Person AAAA-BBBB", "Physician", "looked at", "diagnoses", "own access"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("%q: the page does not say %q", given, want)
			}
		}
	}
	for name, bad := range map[string]url.Values{"nobody": {"purpose": {"request 19"}}, "no purpose": {"patient": {"4711"}}} {
		if p := b.post("/report", bad); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, p.status)
		}
	}
}

// Each access says what accounts for it, in words; a record whose accesses nobody judged says nothing of it.
func TestReasons(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	form := url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}}
	if _, page := b.open(form); strings.Contains(page.body, `scope="col">Reason<`) {
		t.Error("reasons are shown though none was judged")
	}
	access := s.api.record.Accesses[0]
	s.api.record.Totals.Explained, s.api.record.Totals.Unexplained = 2, 1
	for want, x := range map[string]*v1.Access{
		"care team":                   {Verdict: v1.Verdict_VERDICT_EXPLAINED, Explanation: v1.Explanation_EXPLANATION_CARE_TEAM},
		"no reason found":             {Verdict: v1.Verdict_VERDICT_UNEXPLAINED},
		"not assessable without care": {Verdict: v1.Verdict_VERDICT_NOT_ASSESSABLE, Missing: []string{"care", "roster"}},
	} {
		access.Verdict, access.Explanation, access.Missing = x.Verdict, x.Explanation, x.Missing
		if _, page := b.open(form); !strings.Contains(page.body, "<bdi>"+want+"</bdi>") || !strings.Contains(page.body, "<b>2</b> with a known reason") {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// What documents a reason stands under it, in the list and on the page of the event; work on the record leads to it.
func TestDocuments(t *testing.T) {
	s := newSite(t)
	s.api.record, s.api.event = record(), event()
	b := s.signedIn(proto.RoleInvestigator)
	stay := &v1.Document{
		Source: "emr", Type: "Encounter", Id: "e17<", FromUs: time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC).UnixMicro(),
		UntilUs: time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC).UnixMicro(),
	}
	access := s.api.record.Accesses[0]
	s.api.record.Totals.Explained = 1
	access.Verdict, access.Explanation, access.Document = v1.Verdict_VERDICT_EXPLAINED, v1.Explanation_EXPLANATION_ATTENDING, stay
	record := url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}}
	const told = "<bdi>Encounter/e17&lt;, 3 March to 9 March 2026</bdi>"
	if _, page := b.open(record); !strings.Contains(page.body, told) {
		t.Errorf("the list does not say what documents the access:\n%s", page.body)
	}
	access.Explanation, access.Document = v1.Explanation_EXPLANATION_WORKED_ON_RECORD, &v1.Document{Position: 8193}
	if _, page := b.open(record); !strings.Contains(page.body, ">event 8193</a>") {
		t.Error("work on the record leads nowhere")
	}
	s.api.event.Verdict, s.api.event.Explanation, s.api.event.Document = v1.Verdict_VERDICT_EXPLAINED, v1.Explanation_EXPLANATION_ATTENDING, stay
	_, page := b.open(url.Values{"q": {"4096"}, "kind": {"events"}, "purpose": {"complaint 12"}})
	if !strings.Contains(page.body, told) || !strings.Contains(page.body, "<bdi>in the encounter</bdi>") {
		t.Errorf("the event does not say how it was judged:\n%s", page.body)
	}
}

// What a form narrows a list to is asked of the API, for a record, a reader and a search, page by page.
func TestNarrowedToAReason(t *testing.T) {
	s := newSite(t)
	s.api.record, s.api.reader, s.api.found = record(), reader(), found()
	b := s.signedIn(proto.RoleInvestigator)
	for reason, want := range map[string][]v1.Verdict{
		"0": nil, "1": {v1.Verdict_VERDICT_EXPLAINED}, "2": {v1.Verdict_VERDICT_UNEXPLAINED}, "3": {v1.Verdict_VERDICT_NOT_ASSESSABLE},
		"4": {v1.Verdict_VERDICT_UNSPECIFIED}, "5": nil, "-1": nil,
	} {
		chosen := url.Values{"reason": {reason}}
		shown := func(p answer) {
			t.Helper()
			if want != nil && !strings.Contains(p.body, `value="`+reason+`" selected`) {
				t.Errorf("%s: the form does not say what was chosen", reason)
			}
		}
		path, _ := b.open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
		to := b.post(path, chosen).location
		shown(b.get(to))
		b.get(to + "?after=bmV4dA")
		if m, _ := last[*v1.WhoViewedRequest](s, "WhoViewed"); !slices.Equal(m.GetFilter().GetVerdicts(), want) || m.GetPage().GetToken() != "bmV4dA" {
			t.Errorf("%s: asked %v", reason, m)
		}
		path, _ = b.open(url.Values{"q": {"S-77"}, "kind": {"readers"}, "purpose": {"complaint 12"}})
		shown(b.get(b.post(path, chosen).location))
		if m, _ := last[*v1.ReaderActivityRequest](s, "ReaderActivity"); !slices.Equal(m.GetVerdicts(), want) {
			t.Errorf("%s: asked %v", reason, m)
		}
		shown(b.get(b.post("/accesses", url.Values{"reason": {reason}, "site": {"north"}, "purpose": {"complaint 12"}}).location))
		if m, _ := last[*v1.SearchAccessesRequest](s, "SearchAccesses"); !slices.Equal(m.GetVerdicts(), want) {
			t.Errorf("%s: asked %v", reason, m)
		}
	}
	// A verdict alone is no search.
	if p := b.post("/accesses", url.Values{"reason": {"2"}, "purpose": {"complaint 12"}}); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a verdict alone: %d", p.status)
	}
}
