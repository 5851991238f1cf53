package console_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// What was typed into a step that was refused stands in its form again, with the version that is shown now: a case moves on while somebody
// types, with each answer of a respondent. It stays there until a step is journaled, whatever else its asker looks at meanwhile.
func TestARefusedStepKeepsWhatWasTyped(t *testing.T) {
	const typed = "an hour of <typing>"
	stale := connect.NewError(connect.CodeAborted, errors.New("version 5 was looked at, and there is version 6: look at it again"))
	for _, form := range []url.Values{
		{"step": {"note"}, "text": {typed}},
		{"step": {"ask"}, "respondent": {"2"}, "name": {"Doe, J."}, "text": {typed}, "to": {"oidc:jo"}, "shown": {"2Zs4T8sD1pS1o3yM1sYQbS3rT4a"}, "patients": {"1"}},
		{"step": {"answer"}, "question": {"1"}, "text": {typed}},
		{"step": {"assess"}, "conclusion": {"3"}, "exception": {"2"}, "risk-1": {"1"}, "factor-1": {"i"}, "risk-2": {"2"}, "factor-2": {"ii"}, "risk-3": {"3"}, "factor-3": {"iii"}, "risk-4": {"3"}, "factor-4": {"iv"}, "people": {"12"}, "most": {"7"}, "discovered": {"2026-02-01"}, "law": {"1", "3"}, "law-2": {"0"}, "law-3": {"2"}, "law-3-why": {"no risk"}, "text": {typed}},
		{"step": {"conclude"}, "outcome": {"3"}, "text": {typed}},
		{"step": {"notice"}, "rule": {"8"}, "to": {"Board"}, "due": {"2026-03-31"}, "sent": {"2026-03-01"}, "people": {"3"}, "tells": {"1", "5"}, "withdrawn": {"1"}, "text": {typed}},
		{"step": {"assign"}, "assignee": {"os:eve"}},
		{"step": {"hold"}, "held": {"1"}, "text": {typed}},
		{"step": {"delay"}, "statement": {"2"}, "official": {"Sgt. Roe"}, "agency": {"Sheriff"}, "stated": {"2026-02-01"}, "until": {"2026-02-20"}, "ground": {"2"}, "text": {typed}},
		{"step": {"close"}, "text": {typed}},
		{"step": {"reopen"}, "text": {typed}},
	} {
		step := form.Get("step")
		t.Run(step, func(t *testing.T) {
			s := newSite(t)
			s.api.cases, s.api.one, s.api.refuses = cases(), oneCase(), stale
			if step == "reopen" {
				s.api.one.Case.Status = v1.CaseStatus_CASE_STATUS_CLOSED
			}
			b := s.signedIn(proto.RolePrivacyOfficer)
			path := b.casePath()
			b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
			sent := url.Values{"version": {"5"}}
			maps.Copy(sent, form)
			if p := b.post(path+"/step", sent); p.status != http.StatusSeeOther || p.location != path {
				t.Fatalf("%d to %q", p.status, p.location)
			}
			s.api.one.Case.Version = 6
			b.get("/cases") // another page, which may tell what was said
			for range 2 {
				page := b.get(path).body
				refilled, open := formOf(t, page, step)
				if refilled.Get("version") != "6" || !open {
					t.Errorf("version %q, unfolded: %v", refilled.Get("version"), open)
				}
				refilled.Del("version")
				if diff := cmp.Diff(form, refilled); diff != "" {
					t.Error(diff)
				}
				if n := strings.Count(page, "an hour of"); step != "assign" && n != 1 {
					t.Errorf("it stands in %d places", n)
				}
			}
			s.api.refuses = nil
			if b.post(path+"/step", sent); strings.Contains(b.get(path).body, "an hour of") || strings.Contains(b.get(path).body, "os:eve") {
				t.Error("it is journaled, and still kept")
			}
		})
	}
}

// Where the form of a refused step is offered no more, what was typed stands to be copied.
func TestARefusedStepWithoutItsFormIsKept(t *testing.T) {
	typed := func(step string) url.Values {
		return url.Values{"version": {"5"}, "step": {step}, "text": {"an hour of <typing>"}, "question": {"1"}, "name": {"Doe, J."}, "respondent": {"1"}}
	}
	for _, tt := range []struct {
		name, step string
		meanwhile  func(*v1.GetCaseResponse)
	}{
		{"closed meanwhile", "note", func(m *v1.GetCaseResponse) { m.Case.Status = v1.CaseStatus_CASE_STATUS_CLOSED }},
		{"reopened meanwhile", "reopen", func(*v1.GetCaseResponse) {}},
		{"answered meanwhile", "answer", func(m *v1.GetCaseResponse) {
			m.Steps = append(m.Steps, &v1.CaseStep{Entry: &v1.CaseEntry{Version: 9, Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 1, Text: "x"}}}},
				&v1.CaseStep{Entry: &v1.CaseEntry{Version: 10, Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: 2, Respondent: 1, Name: "Other", Text: "And you?"}}}})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.api.cases, s.api.one = cases(), oneCase()
			s.api.refuses = connect.NewError(connect.CodeFailedPrecondition, errors.New("not any more"))
			b := s.signedIn(proto.RolePrivacyOfficer)
			path := b.casePath()
			b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
			b.post(path+"/step", typed(tt.step))
			tt.meanwhile(s.api.one)
			page := b.get(path).body
			if strings.Count(page, "an hour of") != 1 || !strings.Contains(page, `readonly rows="4">an hour of &lt;typing&gt;</textarea>`) {
				t.Error(page)
			}
		})
	}
}

// A failure of the server loses nothing either, and what was typed to one case stands in no other.
func TestAStepThatFailedIsKeptInItsCase(t *testing.T) {
	s := newSite(t)
	s.api.cases, s.api.one, s.api.refuses = cases(), oneCase(), errors.New("disk")
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.casePath()
	_, after, _ := strings.Cut(b.get("/cases").body, `href="`+path)
	_, after, _ = strings.Cut(after, `href="/cases/`)
	other, _, _ := strings.Cut(after, `"`)
	for _, to := range []string{path, "/cases/" + other} {
		b.post("/purpose"+to, url.Values{"purpose": {"complaint 12"}})
	}
	if p := b.post(path+"/step", url.Values{"version": {"5"}, "step": {"note"}, "text": {"an hour of typing"}}); p.status != http.StatusInternalServerError {
		t.Fatalf("%d", p.status)
	}
	if p := b.get("/cases/" + other); p.status != http.StatusOK || strings.Contains(p.body, "an hour of") {
		t.Errorf("another case: %d\n%s", p.status, p.body)
	}
	s.later(20 * time.Minute) // the purpose lapses while somebody types, and is asked for first
	if p := b.get(path); !strings.Contains(p.body, "Why do you ask?") || strings.Contains(p.body, "an hour of") {
		t.Errorf("without a purpose: %d\n%s", p.status, p.body)
	}
	b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	if !strings.Contains(b.get(path).body, ">an hour of typing</textarea>") {
		t.Error("what was typed is gone")
	}
}

// formOf is what a browser would send of a step's form, without fields that are empty, and whether the form is unfolded.
func formOf(t *testing.T, page, step string) (sent url.Values, open bool) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		if sent = sentBy(n); sent.Get("step") == step {
			_, open = attribute(n.Parent, "open")
			return sent, open && n.Parent.Data == "details"
		}
	}
	t.Fatalf("no form of %s", step)
	return nil, false
}

func sentBy(form *html.Node) url.Values {
	sent := url.Values{}
	add := func(n *html.Node, value string) {
		if name, _ := attribute(n, "name"); name != "" && value != "" {
			sent.Add(name, value)
		}
	}
	for n := range form.Descendants() {
		switch kind, _ := attribute(n, "type"); {
		case n.Type != html.ElementNode:
		case n.Data == "textarea" && n.FirstChild != nil:
			add(n, n.FirstChild.Data)
		case n.Data == "select":
			add(n, selectedOf(n))
		case n.Data == "input":
			value, _ := attribute(n, "value")
			if _, checked := attribute(n, "checked"); checked || kind != "radio" && kind != "checkbox" {
				add(n, value)
			}
		}
	}
	return sent
}

// selectedOf is the option that is selected, else the first.
func selectedOf(n *html.Node) (value string) {
	first := true
	for option := range n.Descendants() {
		if option.Type != html.ElementNode || option.Data != "option" {
			continue
		}
		if _, selected := attribute(option, "selected"); selected || first {
			value, _ = attribute(option, "value")
		}
		first = false
	}
	return value
}

func attribute(n *html.Node, name string) (value string, ok bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
