package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRespondentSeesOnePage: a session of a respondent begins with what they are asked, and nothing leads anywhere else.
func TestRespondentSeesOnePage(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleRespondent)
	if p := b.get("/"); p.status != http.StatusSeeOther || p.location != "/questions" {
		t.Errorf("begins with %d to %q", p.status, p.location)
	}
	p := b.get("/questions")
	if p.status != http.StatusOK || !strings.Contains(p.body, "Nobody has put a question to you.") {
		t.Errorf("nothing was asked: %d\n%s", p.status, p.body)
	}
	if only := b.get("/questions?waiting=1").body; !strings.Contains(only, "No question waits for your answer.") {
		t.Error("nothing waits, and the page does not say so")
	}
	s.api.put = put()
	p = b.get("/questions")
	if strings.Contains(p.body, "No source covers this") {
		t.Error("an answer of no period says that no source covers it")
	}
	for _, part := range strings.Split(p.body, `href="`)[1:] {
		to, _, _ := strings.Cut(part, `"`)
		if !strings.HasPrefix(to, "/assets/") && !strings.HasPrefix(to, "/questions") && to != "/" && to != "#main" {
			t.Errorf("leads to %q", to)
		}
	}
	for _, part := range strings.Split(p.body, `action="`)[1:] {
		if to, _, _ := strings.Cut(part, `"`); to != "/questions" && to != "/sign-out" {
			t.Errorf("posts to %q", to)
		}
	}
	for _, want := range []string{
		"os:ada", "Why did you open it?", "&lt;script&gt;alert(1)", "Jo Doe (jo7)", "record ABCDEFGH", "DiagnosticReport", "Radiology", "waits for your answer",
		"You corrected it", "It was not.", "No answer is taken any more", "?page=bmV4dA",
		"access 3<", "access 4, event 2Zs4T8sD1pS1o3yM1sYQbS3rT4a<",
	} {
		if !strings.Contains(p.body, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if n := strings.Count(p.body, `<textarea`); n != 2 {
		t.Errorf("%d can be answered, want the one that waits and the one to correct", n)
	}
	if officer := s.signedIn(proto.RolePrivacyOfficer).get("/questions"); officer.status != http.StatusOK || !strings.Contains(officer.body, `href="/cases"`) {
		t.Errorf("an officer: %d", officer.status)
	}
}

// TestAnswerOnThePage: what is typed reaches the API as it was typed; what is not taken stays in its field, with why.
func TestAnswerOnThePage(t *testing.T) {
	s := newSite(t)
	s.api.put = put()
	b := s.signedIn(proto.RoleRespondent)
	p := b.post("/questions", url.Values{"question": {"49152"}, "text": {" I was on call.\r\nAsk the ward. "}})
	m, n := last[*v1.AnswerQuestionRequest](s, "AnswerQuestion")
	if p.status != http.StatusSeeOther || p.location != "/questions" || n != 1 || m.Question != "49152" || m.Text != "I was on call.\nAsk the ward." {
		t.Errorf("%d to %q, %v", p.status, p.location, m)
	}
	if body := b.get("/questions").body; !strings.Contains(body, "Your answer is journaled.") {
		t.Error("it is not said that the answer was taken")
	}
	s.api.refuses = connect.NewError(connect.CodeFailedPrecondition, errors.New("no answer is taken any more: the matter is closed"))
	p = b.post("/questions", url.Values{"question": {"49152"}, "text": {"a < b"}})
	if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, "the matter is closed") || !strings.Contains(p.body, ">a &lt; b</textarea>") {
		t.Errorf("%d:\n%s", p.status, p.body)
	}
}

// TestAskOnThePage: the form of a case says who answers and what they are shown; an id that is none is not left out in silence.
func TestAskOnThePage(t *testing.T) {
	s := newSite(t)
	s.api.cases, s.api.one = cases(), oneCase()
	s.api.one.Case.Assignee = "os:alex"
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.casePath()
	const one, other = "2Zs4T8sD1pS1o3yM1sYQbS3rT4a", "2Zs4T8sD1pS1o3yM1sYQbS3rT4b"
	form := url.Values{
		"version": {"5"}, "step": {"ask"}, "respondent": {"1"}, "name": {"Doe, J."}, "text": {"Why?"}, "to": {"oidc:jo"}, "shown": {one + "\n" + other}, "patients": {"1"},
	}
	b.post(path+"/step", form)
	m, _ := last[*v1.WriteCaseRequest](s, "WriteCase")
	asked := m.GetAsked()
	if asked.GetTo() != "oidc:jo" || !asked.GetPatients() || len(asked.GetShown()) != 2 || proto.EventID(asked.Shown[1]).String() != other {
		t.Errorf("asked %v", asked)
	}
	// What is named by position is opened for it.
	s.api.event = event()
	s.api.event.Event.EventId = asked.Shown[0]
	form.Set("shown", "40960")
	form.Del("patients")
	b.post(path+"/step", form)
	opened, _ := last[*v1.GetEventRequest](s, "GetEvent")
	m, n := last[*v1.WriteCaseRequest](s, "WriteCase")
	if asked = m.GetAsked(); opened.GetEvent() != "40960" || opened.GetPurpose() == "" || len(asked.GetShown()) != 1 || proto.EventID(asked.Shown[0]).String() != one || asked.Patients {
		t.Errorf("by position: opened %v, asked %v", opened, asked)
	}
	s.api.event = nil
	form.Set("shown", one+" nothing")
	b.post(path+"/step", form)
	_, again := last[*v1.WriteCaseRequest](s, "WriteCase")
	if body := b.get(path).body; again != n || !strings.Contains(body, "Nothing was written") {
		t.Errorf("what is no event is left out in silence: %d writes, %d before\n%s", again, n, body)
	}
}

// TestACaseSaysWhatWasShown: each disclosed access by its id, which opens the event for the purpose of the page; an id that is none breaks
// nothing.
func TestACaseSaysWhatWasShown(t *testing.T) {
	s := newSite(t)
	s.api.cases, s.api.one, s.api.event = cases(), oneCase(), event()
	const one = "2Zs4T8sD1pS1o3yM1sYQbS3rT4a"
	id, err := proto.ParseEventID(one)
	if err != nil {
		t.Fatal(err)
	}
	s.api.one.Steps = append(s.api.one.Steps, &v1.CaseStep{Position: 1, Entry: &v1.CaseEntry{Version: 99, Asker: "os:ada", Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{
		Question: 1, Respondent: 1, Name: "Doe", Text: "Why?", To: "oidc:jo", Shown: [][]byte{id.Bytes(), {1}}, Patients: true,
	}}}})
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.casePath()
	b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	before, _, found := strings.Cut(b.get(path).body, ">"+one+"</a>")
	if !found {
		t.Fatal("the case does not say which access was shown to oidc:jo")
	}
	link, _, _ := strings.Cut(before[strings.LastIndex(before, `href="`)+len(`href="`):], `"`)
	if strings.Contains(link, one) || !strings.HasPrefix(link, "/events/") {
		t.Errorf("leads to %q", link)
	}
	p := b.get(link)
	opened, _ := last[*v1.GetEventRequest](s, "GetEvent")
	if p.status != http.StatusOK || opened.GetEvent() != one || opened.GetPurpose() != "complaint 12" {
		t.Errorf("%d, opened %v", p.status, opened)
	}
}

// TestAnAnswerThatWasNotTakenIsKept: also where its question takes none any more, stands on another page of the list, or where there is no
// list at the moment.
func TestAnAnswerThatWasNotTakenIsKept(t *testing.T) {
	const typed = "an hour of typing"
	closed := connect.NewError(connect.CodeFailedPrecondition, errors.New("no answer is taken any more: the matter is closed"))
	down := connect.NewError(connect.CodeUnavailable, errors.New("try again in a moment"))
	for _, tt := range []struct {
		name, question  string
		refuses, listed error
		status          int
		// again: it can be sent once more as it stands.
		again bool
	}{
		{"in its field", "49152", down, nil, http.StatusUnprocessableEntity, true},
		{"closed meanwhile", "40960", closed, nil, http.StatusUnprocessableEntity, false},
		{"of another page", "36864", down, nil, http.StatusUnprocessableEntity, true},
		{"without the list", "49152", down, down, http.StatusUnprocessableEntity, true},
		{"not known whether it was taken", "49152", connect.NewError(connect.CodeDeadlineExceeded, errors.New("too slow")), nil, http.StatusGatewayTimeout, true},
		{"a failure of the server", "40960", errors.New("disk"), nil, http.StatusInternalServerError, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.api.put, s.api.refuses, s.api.unlisted = put(), tt.refuses, tt.listed
			b := s.signedIn(proto.RoleRespondent)
			p := b.post("/questions", url.Values{"question": {tt.question}, "text": {typed}})
			if p.status != tt.status || strings.Count(p.body, ">"+typed+"</textarea>") != 1 || !strings.Contains(p.body, `class="fault"`) {
				t.Fatalf("%d, and what was typed is gone\n%s", p.status, p.body)
			}
			before, _, _ := strings.Cut(p.body, ">"+typed+"</textarea>")
			form := before[max(strings.LastIndex(before, "<form"), strings.LastIndex(before, "</form>")):]
			if again := strings.Contains(form, `name="question" value="`+tt.question+`"`) && strings.Contains(form, `name="text"`); again != tt.again {
				t.Errorf("can be sent again: %v, want %v\n%s", again, tt.again, form)
			}
		})
	}
}

// TestForbiddenPageOfARespondent: it says what is theirs, and not that they might be given more; others read what they did before.
func TestForbiddenPageOfARespondent(t *testing.T) {
	s := newSite(t)
	for role, offered := range map[string]bool{proto.RoleRespondent: false, proto.RoleViewer: true} {
		p := s.signedIn(role).get("/report")
		if p.status != http.StatusForbidden || strings.Contains(p.body, "can change your role") != offered {
			t.Errorf("%s: %d\n%s", role, p.status, p.body)
		}
		if own := strings.Contains(p.body, "You see the questions that were put to you, and nothing else."); own == offered {
			t.Errorf("%s: is told to be a respondent: %v", role, own)
		}
	}
}
