package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// casePath is the address of the first case of the list.
func (b *browser) casePath() string {
	_, after, _ := strings.Cut(b.get("/cases").body, `href="/cases/`)
	handle, _, _ := strings.Cut(after, `"`)
	return "/cases/" + handle
}

// The list tells no title until it is known why; the parts of it ask for what they say; overdue is a word, not a colour.
func TestCasesList(t *testing.T) {
	s := newSite(t)
	s.api.cases = cases()
	b := s.signedIn(proto.RoleInvestigator)
	p := b.get("/cases")
	if named(p.body) || !strings.Contains(p.body, "overdue</span>") || !strings.Contains(p.body, "2026-03-01") || !strings.Contains(p.body, "os:other") {
		t.Errorf("without a purpose: %s", p.body)
	}
	if p := b.post("/cases", url.Values{"purpose": {""}}); p.status != http.StatusUnprocessableEntity || named(p.body) {
		t.Errorf("an empty purpose: %d", p.status)
	}
	b.post("/cases", url.Values{"purpose": {"weekly meeting"}})
	if p := b.get("/cases"); !strings.Contains(p.body, "Uma Ward and the neighbour") || !strings.Contains(p.body, "Titles are told for: <bdi>weekly meeting") {
		t.Errorf("with one: %s", p.body)
	}
	if strings.Contains(b.casePath(), "2Zs4") {
		t.Error("the path names the case")
	}
	for path, want := range map[string]*v1.ListCasesRequest{
		"/cases":             {Status: v1.CaseStatus_CASE_STATUS_OPEN},
		"/cases?show=mine":   {Status: v1.CaseStatus_CASE_STATUS_OPEN, Assignee: "os:alex"},
		"/cases?show=free":   {Status: v1.CaseStatus_CASE_STATUS_OPEN, Assignee: "-"},
		"/cases?show=closed": {Status: v1.CaseStatus_CASE_STATUS_CLOSED},
		"/cases?show=x":      {Status: v1.CaseStatus_CASE_STATUS_OPEN},
	} {
		b.get(path)
		m, _ := last[*v1.ListCasesRequest](s, "ListCases")
		want.Purpose, want.Page = "weekly meeting", &v1.Page{Size: 100}
		if diff := cmp.Diff(want, m, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	b.post("/cases", url.Values{"hide": {"1"}})
	if p := b.get("/cases"); named(p.body) {
		t.Error("hidden again, and told")
	}
}

// A case is asked for with a purpose; whoever has it states it by that. It tells notices, alerts and steps.
func TestCaseStatesItsPurpose(t *testing.T) {
	s := newSite(t)
	s.api.cases, s.api.one = cases(), oneCase()
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.casePath()
	if p := b.get(path); !strings.Contains(p.body, "Why do you ask?") || named(p.body) {
		t.Fatalf("not assigned: %d\n%s", p.status, p.body)
	}
	b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	page := b.get(path).body
	for _, want := range []string{
		"<h1><bdi>Uma Ward and the neighbour", "Asked for: <bdi>complaint 12", "OVERDUE", "45 CFR 164.404(b)", "question 1 to the reader", "assessment 0: breach",
		"high risk. diagnoses", "3 people concerned", "Breach scope of this case", "Set an answer down", "Assess it", "delayed until 2026-09-29", "official&#39;s written statement (45 CFR 164.412, step 4)", "delayed by 164.412(a)",
		"delay for law enforcement: written statement", "stated by Sgt. Roe", "of County Sheriff",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	_, title, _ := strings.Cut(page, "<title>")
	if title, _, _ = strings.Cut(title, "</title>"); named(title) {
		t.Errorf("the title names somebody: %q", title)
	}
	s.api.one.Case.Assignee = "os:alex"
	b = s.signedIn(proto.RoleInvestigator)
	page = b.get(b.casePath()).body
	if !strings.Contains(page, "You have this case") || strings.Contains(page, "Assess it") || !strings.Contains(page, "Write a note") {
		t.Errorf("assigned to an investigator: %s", page)
	}
	s.api.one.Case.Assignee = "os:other"
	b.post("/purpose"+b.casePath(), url.Values{"purpose": {"complaint 12"}})
	if page = b.get(b.casePath()).body; strings.Contains(page, "Write a note") || !strings.Contains(page, "There is nothing for you to do") {
		t.Errorf("another's: %s", page)
	}
}

// Each form reaches casework as it was filled in, of the version that was seen; a refusal is told.
func TestCaseForms(t *testing.T) {
	s := newSite(t)
	s.api.cases, s.api.one = cases(), oneCase()
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.casePath()
	b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	day := func(text string) int64 {
		at, err := time.ParseInLocation(time.DateOnly, text, zone(t, "Europe/Vienna"))
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMicro()
	}
	alert, err := proto.ParseEventID(anAlert)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		form url.Values
		want *v1.WriteCaseRequest
	}{
		{url.Values{"step": {"take"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{Assignee: "os:alex"}}}},
		{url.Values{"step": {"give-back"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{}}}},
		{url.Values{"step": {"assign"}, "assignee": {" os:eve "}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{Assignee: "os:eve"}}}},
		{url.Values{"step": {"note"}, "text": {"a\r\nb"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Noted{Noted: &v1.CaseNoted{Text: "a\nb"}}}},
		{url.Values{"step": {"ask"}, "respondent": {"2"}, "name": {"m"}, "text": {"q"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Asked{Asked: &v1.CaseAsked{Respondent: 2, Name: "m", Text: "q"}}}},
		{url.Values{"step": {"answer"}, "question": {"1"}, "text": {"a"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Answered{Answered: &v1.CaseAnswered{Question: 1, Text: "a"}}}},
		{url.Values{"step": {"assess"}, "conclusion": {"2"}, "exception": {"0"}, "risk-1": {"1"}, "factor-1": {"i"}, "risk-2": {"2"}, "factor-2": {"ii"}, "risk-3": {"0"}, "factor-3": {""}, "risk-4": {"3"}, "factor-4": {"iv"}, "people": {"12"}, "most": {"7"}, "discovered": {"2026-02-01"}, "text": {"t"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assessed{Assessed: &v1.BreachAssessed{Conclusion: 2, Factors: []*v1.FactorJudged{{Factor: 1, Risk: 1, Text: "i"}, {Factor: 2, Risk: 2, Text: "ii"}, {Factor: 4, Risk: 3, Text: "iv"}}, People: 12, MostInOneState: 7, DiscoveredUs: day("2026-02-01"), Text: "t"}}}},
		{url.Values{"step": {"assess"}, "conclusion": {"1"}, "people": {"1"}, "law": {"1", "3"}, "law-2": {"0"}, "law-2-why": {""}, "law-3": {"2"}, "law-3-why": {"no risk"}, "text": {"t"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assessed{Assessed: &v1.BreachAssessed{Conclusion: 1, People: 1, Laws: []v1.NoticeLaw{1, 3}, ByLaw: []*v1.LawConcluded{{Law: 3, Conclusion: 2, Text: "no risk"}}, Text: "t"}}}},
		{url.Values{"step": {"conclude"}, "outcome": {"2"}, "text": {"t"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Concluded{Concluded: &v1.CaseConcluded{Outcome: v1.Disposition_DISPOSITION_MISUSE, Text: "t"}}}},
		{url.Values{"step": {"notice"}, "rule": {"8"}, "to": {"Board"}, "due": {"2026-03-31"}, "sent": {"2026-03-01"}, "people": {"3"}, "tells": {"1", "5"}, "text": {"post"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Notice{Notice: &v1.CaseNotice{Rule: 8, To: "Board", DueUs: day("2026-04-01"), SentUs: day("2026-03-01"), People: 3, Contents: []v1.NoticeContent{1, 5}, Text: "post"}}}},
		{url.Values{"step": {"hold"}, "held": {"1"}, "text": {"court"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Held{Held: &v1.CaseHeld{Held: true, Text: "court"}}}},
		{url.Values{"step": {"hold"}, "held": {"0"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Held{Held: &v1.CaseHeld{}}}},
		{url.Values{"step": {"delay"}, "statement": {"1"}, "official": {"Sgt. Roe"}, "agency": {"Sheriff"}, "stated": {"2026-03-01"}, "until": {"2026-06-01"}, "ground": {"2"}, "text": {"file 12"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Delayed{Delayed: &v1.CaseDelayed{Statement: 1, Official: "Sgt. Roe", Agency: "Sheriff", StatedUs: day("2026-03-01"), UntilUs: day("2026-06-01"), Ground: 2, Text: "file 12"}}}},
		{url.Values{"step": {"close"}, "text": {"done"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Closed{Closed: &v1.CaseClosed{Text: "done"}}}},
		{url.Values{"step": {"reopen"}, "text": {"more"}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Reopened{Reopened: &v1.CaseReopened{Text: "more"}}}},
		{url.Values{"step": {"remove"}, "alert": {anAlert}}, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Alerts{Alerts: &v1.CaseAlerts{Removed: [][]byte{alert.Bytes()}}}}},
	} {
		tt.form.Set("version", "5")
		tt.want.Case, tt.want.Version = aCase, 5
		if p := b.post(path+"/step", tt.form); p.status != http.StatusSeeOther || p.location != path {
			t.Fatalf("%v: %d to %q", tt.form, p.status, p.location)
		}
		m, _ := last[*v1.WriteCaseRequest](s, "WriteCase")
		if diff := cmp.Diff(tt.want, m, protocmp.Transform()); diff != "" {
			t.Errorf("%v: %s", tt.form, diff)
		}
		if !strings.Contains(b.get(path).body, "Journaled.") {
			t.Errorf("%v: the page does not tell that it is journaled", tt.form)
		}
	}
	s.api.doubt = &v1.AddresseeDoubt{Unknown: true, Alike: "oidc:jo<b>"}
	b.post(path+"/step", url.Values{"step": {"ask"}, "respondent": {"1"}, "name": {"m"}, "text": {"q"}, "to": {"oidc:j0"}, "version": {"5"}})
	if p := b.get(path); !strings.Contains(p.body, `role="alert"><bdi>Journaled. The question may not reach them: nobody is known here as oidc:j0. Did you mean oidc:jo&lt;b&gt;?`) {
		t.Errorf("a doubtful addressee is not told: %s", p.body)
	}
	s.api.doubt = nil
	s.api.refuses = connect.NewError(connect.CodeAborted, errors.New("version 5 was looked at, and there is version 6"))
	b.post(path+"/step", url.Values{"step": {"note"}, "text": {"x"}, "version": {"5"}})
	if p := b.get(path); !strings.Contains(p.body, "Nothing was written: version 5 was looked at") {
		t.Errorf("a refusal is not told: %s", p.body)
	}
	before := len(s.api.questions())
	b.post(path+"/step", url.Values{"step": {"destroy"}, "version": {"5"}})
	if p := b.get(path); !strings.Contains(p.body, "did not say what is to be done") {
		t.Errorf("an unknown step: %d questions, %s", len(s.api.questions())-before, p.body)
	}
}

// An alert's page opens a case, or adds the alert to one; sending the form twice sends the same id.
func TestCaseOfAnAlert(t *testing.T) {
	s := newSite(t)
	s.api.queue, s.api.alert, s.api.record, s.api.reader, s.api.cases = queue(), alert(), record(), reader(), cases()
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.alertPath()
	b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	page := b.get(path).body
	_, after, _ := strings.Cut(page, `name="new" value="`)
	id, _, _ := strings.Cut(after, `"`)
	if _, err := proto.ParseEventID(id); err != nil || !strings.Contains(page, "Uma Ward and the neighbour") {
		t.Fatalf("%v: %s", err, page)
	}
	alert, err := proto.ParseEventID(anAlert)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for range 2 {
		p := b.post(path+"/case", url.Values{"new": {id}, "title": {" Neighbour "}, "discovered": {"2026-03-01"}})
		m, _ := last[*v1.WriteCaseRequest](s, "WriteCase")
		want := &v1.CaseOpened{Title: "Neighbour", Alerts: [][]byte{alert.Bytes()}, Assignee: "os:alex", DiscoveredUs: time.Date(2026, 3, 1, 0, 0, 0, 0, zone(t, "Europe/Vienna")).UnixMicro()}
		if diff := cmp.Diff(want, m.GetOpened(), protocmp.Transform()); diff != "" || m.Version != 0 || !strings.HasPrefix(p.location, "/cases/") {
			t.Errorf("to %q: %s", p.location, diff)
		}
		ids = append(ids, m.Case)
	}
	if ids[0] != id || ids[1] != id {
		t.Errorf("sent twice: %v", ids)
	}
	s.api.cases.Cases[0].CaseId = "2Zs4T8sD1pS1o3yM1sYQbS3rT2c"
	b.post(path+"/case", url.Values{"case": {aCase + ".5"}})
	m, _ := last[*v1.WriteCaseRequest](s, "WriteCase")
	if m.GetCase() != aCase || m.GetVersion() != 5 || len(m.GetAlerts().GetAdded()) != 1 {
		t.Errorf("added: %v", m)
	}
	s.api.refuses = connect.NewError(connect.CodeFailedPrecondition, errors.New("the case has the alert already"))
	if p := b.post(path+"/case", url.Values{"case": {aCase + ".5"}}); p.location != path || !strings.Contains(b.get(path).body, "the case has the alert already") {
		t.Errorf("refused: to %q", p.location)
	}
}
