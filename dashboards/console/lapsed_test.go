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

	"github.com/readtrail/readtrail/proto"
)

const words = "an hour of <typing>"

// signInAgain signs a browser in, and is the page that it is sent to.
func (b *browser) signInAgain(role string) string {
	b.s.t.Helper()
	p := b.post("/sign-in", url.Values{"secret": {b.s.secret(role)}})
	if p.status != http.StatusSeeOther {
		b.s.t.Fatalf("sign in: %d", p.status)
	}
	return p.location
}

// browserOf is a browser with a session of somebody else.
func (s *site) browserOf(caller proto.Caller) *browser {
	s.t.Helper()
	id, err := s.console.Begin(caller)
	if err != nil {
		s.t.Fatal(err)
	}
	b := s.browser()
	at := b.address()
	b.Jar.SetCookies(at, []*http.Cookie{{Name: "readtrail-" + at.Port(), Value: id, Path: "/"}})
	return b
}

func (b *browser) address() *url.URL {
	b.s.t.Helper()
	at, err := url.Parse(b.s.server.URL)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return at
}

// A decision that was refused keeps what was typed: on the alert's page, and in the queue, where its form is unfolded.
func TestARefusedDecisionKeepsItsComment(t *testing.T) {
	s := newSite(t)
	s.api.queue, s.api.alert, s.api.record, s.api.reader, s.api.cases = queue(), alert(), record(), reader(), cases()
	s.api.refuses = connect.NewError(connect.CodeAborted, errors.New("version 2 was looked at, and there is version 3"))
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.alertPath()
	b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	decision := url.Values{"version": {"2"}, "as": {"inconclusive"}, "comment": {words}, "from": {"note"}}
	for _, from := range []string{"note", "queue"} {
		sent := maps.Clone(decision)
		if from == "queue" {
			sent.Del("from")
		}
		b.post(path+"/decide", sent)
		for _, page := range []string{path, "/alerts"} {
			body := b.get(page).body
			if strings.Count(body, ">an hour of &lt;typing&gt;</textarea>") != 1 || strings.Count(body, `value="inconclusive" required checked`) != 1 {
				t.Errorf("from the %s: %s does not have it once: %s", from, page, body)
			}
			if page == "/alerts" && strings.Count(body, "data-decide open") != 1 {
				t.Errorf("from the %s: the form is folded", from)
			}
		}
	}
	s.api.alert.Alert.Disposition, s.api.alert.Alert.DecidedBy = 1, "os:other"
	investigator := s.signedIn(proto.RoleInvestigator) // whose form is gone when somebody else has it
	path = investigator.alertPath()
	investigator.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	investigator.post(path+"/decide", decision)
	if body := investigator.get(path).body; !strings.Contains(body, `readonly rows="4">an hour of &lt;typing&gt;</textarea>`) {
		t.Errorf("its form is gone, and so is what was typed: %s", body)
	}
	s.api.refuses = nil
	s.api.alert = alert()
	b.post(b.alertPath()+"/decide", decision)
	if strings.Contains(b.get(b.alertPath()).body, "an hour of") {
		t.Error("it is journaled, and still kept")
	}
}

// typedForms are the forms that people write long texts into: where they are sent to, what is typed, and how to get to the page.
func typedForms() map[string]struct {
	page func(b *browser) string
	to   string
	form url.Values
} {
	return map[string]struct {
		page func(b *browser) string
		to   string
		form url.Values
	}{
		"a case":             {(*browser).casePath, "/step", url.Values{"step": {"note"}, "text": {words}, "version": {"5"}}},
		"a decision":         {(*browser).alertPath, "/decide", url.Values{"as": {"misuse"}, "comment": {words}, "version": {"2"}}},
		"a case of an alert": {(*browser).alertPath, "/case", url.Values{"new": {aCase}, "title": {words}, "discovered": {"2026-02-27"}}},
		"an answer":          {func(*browser) string { return "/questions" }, "", url.Values{"question": {"40960"}, "text": {words}}},
	}
}

func newTypingSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.api.queue, s.api.alert, s.api.record, s.api.reader, s.api.cases, s.api.one = queue(), alert(), record(), reader(), cases(), oneCase()
	s.api.mine = true
	s.api.one.Case.Assignee, s.api.cases.Cases[0].Assignee = "os:alex", "os:alex"
	return s
}

// A session that ends while somebody types gives the text back when the same person signs in again, in this browser or in another, in its
// form and once; nobody else is given it, and the page of the sign-in tells nothing of it.
func TestASessionThatEndsLosesNoText(t *testing.T) {
	for name, tt := range typedForms() {
		t.Run(name, func(t *testing.T) {
			s := newTypingSite(t)
			b := s.signedIn(proto.RolePrivacyOfficer)
			path := tt.page(b)
			s.later(9 * time.Hour)
			s.signedIn(proto.RoleViewer) // sweeps what has expired
			before := len(s.api.questions())
			p := b.post(path+tt.to, tt.form)
			if p.status != http.StatusSeeOther || p.location != "/sign-in?kept=1" || len(s.api.questions()) != before {
				t.Fatalf("%d to %q", p.status, p.location)
			}
			if door := b.get(p.location); !strings.Contains(door.body, "What you typed is kept") || strings.Contains(door.body, "an hour of") {
				t.Errorf("the door: %s", door.body)
			}
			for _, c := range b.Jar.Cookies(b.address()) {
				if strings.Contains(c.Value, "hour") {
					t.Errorf("a cookie holds it: %q", c.Value)
				}
			}
			stranger := s.browserOf(proto.Caller{Name: "os:eve", Role: proto.RolePrivacyOfficer})
			for _, page := range []string{stranger.casePath(), stranger.alertPath(), "/questions", "/alerts"} {
				if strings.Contains(stranger.get(page).body, "an hour of") {
					t.Errorf("somebody else reads it on %s", page)
				}
			}
			to := b.signInAgain(proto.RolePrivacyOfficer)
			body := b.get(to).body
			if strings.Count(body, "an hour of &lt;typing&gt;") != 1 || strings.Contains(body, "readonly") || !strings.Contains(body, "Your session had ended") {
				t.Errorf("back at %q: %s", to, body)
			}
			if again := b.signInAgain(proto.RolePrivacyOfficer); again != "/" {
				t.Errorf("given back twice, at %q", again)
			}
		})
	}
}

// The page of an ended session is still open in one tab when its person has signed in again in another: what is sent from it stands in its
// form in the new session.
func TestAFormOfTheSessionBefore(t *testing.T) {
	for name, tt := range typedForms() {
		if tt.to == "" {
			continue // the page of questions has no handle, so that its form is of every session
		}
		t.Run(name, func(t *testing.T) {
			s := newTypingSite(t)
			b := s.signedIn(proto.RolePrivacyOfficer)
			path := tt.page(b)
			s.later(9 * time.Hour)
			if to := b.signInAgain(proto.RolePrivacyOfficer); to != "/" {
				t.Fatalf("sent to %q", to)
			}
			p := b.post(path+tt.to, tt.form)
			if p.status != http.StatusSeeOther || p.location == path {
				t.Fatalf("%d to %q", p.status, p.location)
			}
			if body := b.get(p.location).body; strings.Count(body, "an hour of &lt;typing&gt;") != 1 {
				t.Errorf("at %q: %s", p.location, body)
			}
			eve := s.browserOf(proto.Caller{Name: "os:eve", Role: proto.RolePrivacyOfficer})
			if p := eve.post(path+tt.to, tt.form); p.status != http.StatusNotFound {
				t.Errorf("somebody else's handle: %d", p.status)
			}
		})
	}
}

// Who signs out leaves nothing; after eight hours nothing is left either, and of a session that this process never had, the text is given
// back at once, to be copied.
func TestWhatIsNotKept(t *testing.T) {
	s := newTypingSite(t)
	note := typedForms()["a case"]
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.casePath()
	s.later(9 * time.Hour)
	b.post(path+note.to, note.form)
	s.later(9 * time.Hour)
	if to := b.signInAgain(proto.RolePrivacyOfficer); to != "/" {
		t.Errorf("kept for longer than it says: %q", to)
	}
	b.post("/sign-out", nil)
	if p := b.post(path+note.to, note.form); p.status != http.StatusSeeOther || p.location != "/sign-in" {
		t.Errorf("after signing out: %d to %q", p.status, p.location)
	}
	if to := b.signInAgain(proto.RolePrivacyOfficer); to != "/" {
		t.Errorf("kept after signing out: %q", to)
	}
	unknown := s.browser()
	at := unknown.address()
	unknown.Jar.SetCookies(at, []*http.Cookie{{Name: "readtrail-" + at.Port(), Value: strings.Repeat("x", 43), Path: "/"}})
	if p := unknown.post(path+note.to, note.form); p.status != http.StatusUnauthorized || !strings.Contains(p.body, `readonly rows="4">an hour of &lt;typing&gt;</textarea>`) {
		t.Errorf("of a session that nobody knows: %d %s", p.status, p.body)
	}
}
