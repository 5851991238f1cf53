package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
)

// A link signs in once, in its time, as whoever made it, and never in the address of a request.
func TestLinkSignsInOnce(t *testing.T) {
	s := newSite(t)
	secret := s.secret("")
	b := s.browser()
	if p := b.post("/sign-in", url.Values{"secret": {secret}}); p.status != http.StatusSeeOther {
		t.Fatalf("first use: %d", p.status)
	}
	if p := b.get("/"); p.status != http.StatusOK || !strings.Contains(p.body, "os:alex") || !strings.Contains(p.body, "administrator") {
		t.Errorf("home: %d\n%s", p.status, p.body)
	}
	again := s.browser()
	if p := again.post("/sign-in", url.Values{"secret": {secret}}); p.status != http.StatusForbidden || len(p.header.Values("Set-Cookie")) > 0 {
		t.Errorf("second use: %d, cookies %q", p.status, p.header.Values("Set-Cookie"))
	}
	late := s.secret("")
	s.now = s.now.Add(10 * time.Minute)
	if p := again.post("/sign-in", url.Values{"secret": {late}}); p.status != http.StatusForbidden {
		t.Errorf("after its time: %d", p.status)
	}
	if p := again.post("/sign-in", url.Values{"secret": {strings.Repeat("x", 60)}}); p.status != http.StatusForbidden {
		t.Errorf("a guess: %d", p.status)
	}
}

// A session ends when nobody uses it, when its time is over, and when its owner leaves.
func TestSessionEnds(t *testing.T) {
	limits := func(c *console.Config) { c.SessionIdle, c.SessionMax = 30*time.Minute, 2*time.Hour }
	t.Run("idle", func(t *testing.T) {
		s := newSite(t, limits)
		b := s.signedIn("")
		s.now = s.now.Add(29 * time.Minute)
		if p := b.get("/"); p.status != http.StatusOK {
			t.Errorf("after 29 minutes: %d", p.status)
		}
		s.now = s.now.Add(30 * time.Minute)
		if p := b.get("/"); p.status != http.StatusSeeOther || p.location != "/sign-in" {
			t.Errorf("after 30 idle minutes: %d to %q", p.status, p.location)
		}
	})
	t.Run("over", func(t *testing.T) {
		s := newSite(t, limits)
		b := s.signedIn("")
		for range 5 {
			s.now = s.now.Add(20 * time.Minute)
			if p := b.get("/"); p.status != http.StatusOK {
				t.Fatalf("in use: %d", p.status)
			}
		}
		s.now = s.now.Add(20 * time.Minute)
		if p := b.get("/"); p.status != http.StatusSeeOther {
			t.Errorf("after two hours: %d", p.status)
		}
	})
	t.Run("left", func(t *testing.T) {
		s := newSite(t, limits)
		b := s.signedIn("")
		cookies := b.Jar.Cookies(mustURL(t, s.server.URL))
		if p := b.post("/sign-out", nil); p.status != http.StatusSeeOther {
			t.Fatalf("sign out: %d", p.status)
		}
		b.Jar.SetCookies(mustURL(t, s.server.URL), cookies) // a copy of the cookie is worth nothing
		if p := b.get("/"); p.status != http.StatusSeeOther {
			t.Errorf("after leaving: %d", p.status)
		}
	})
}

// An id that somebody planted before signing in is not the session's id afterwards, and a session's id ends at the next
// sign-in.
func TestFixation(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	at := mustURL(t, s.server.URL)
	name := "readtrail-" + at.Port()
	b.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: "planted", Path: "/"}})
	b.post("/sign-in", url.Values{"secret": {s.secret("")}})
	first := b.Jar.Cookies(at)
	if len(first) != 1 || first[0].Name != name || first[0].Value == "planted" || len(first[0].Value) < 43 {
		t.Fatalf("cookies: %v", first)
	}
	b.post("/sign-in", url.Values{"secret": {s.secret("")}})
	if second := b.Jar.Cookies(at); second[0].Value == first[0].Value {
		t.Error("the id did not change with the sign-in")
	}
	b.Jar.SetCookies(at, first)
	if p := b.get("/"); p.status != http.StatusSeeOther {
		t.Errorf("the old id still works: %d", p.status)
	}
}

// Respondents may be all staff: however many sign in, nobody who looks at records is signed out, and what they hold is bounded too.
func TestRespondentsSignNobodyElseOut(t *testing.T) {
	s := newSite(t)
	officer := s.signedIn(proto.RolePrivacyOfficer)
	others := begun(t, s, console.MaxSessions-1, proto.RoleViewer, func(i int) string { return fmt.Sprint("oidc:viewer", i) })
	first := begun(t, s, 1, proto.RoleRespondent, func(int) string { return "oidc:first" })[0]
	begun(t, s, console.MaxRespondents, proto.RoleRespondent, func(i int) string { return fmt.Sprint("oidc:nurse", i) })
	if p := officer.get("/cases"); p.status != http.StatusOK {
		t.Errorf("the officer is signed out: %d to %q", p.status, p.location)
	}
	for _, id := range others {
		if !s.console.Holds(id) {
			t.Fatal("a viewer is signed out")
		}
	}
	if n := s.console.Sessions(); n != console.MaxSessions+console.MaxRespondents || s.console.Holds(first) {
		t.Errorf("%d sessions are held, the respondent who was idle longest still: %v", n, s.console.Holds(first))
	}
}

// Whoever signs in again and again ends their own sessions, the one that was idle longest first, and nobody else's.
func TestOnePersonsSessionsEndBeforeOthers(t *testing.T) {
	for _, role := range []string{proto.RoleRespondent, proto.RoleViewer} {
		s := newSite(t)
		most := console.MaxSessions
		if role == proto.RoleRespondent {
			most = console.MaxRespondents
		}
		other := begun(t, s, 1, role, func(int) string { return "oidc:other" })[0]
		own := begun(t, s, most+3, role, func(int) string { return "oidc:again" })
		if !s.console.Holds(other) {
			t.Errorf("%s: somebody else is signed out", role)
		}
		for i, id := range own {
			if held := s.console.Holds(id); held != (i >= 4) {
				t.Fatalf("%s: session %d of %d is held: %v", role, i, len(own), held)
			}
		}
	}
}

// begun are the ids of sessions of a role, one begun after the other.
func begun(t *testing.T, s *site, n int, role string, name func(int) string) (ids []string) {
	t.Helper()
	for i := range n {
		s.now = s.now.Add(time.Second / 4)
		id, err := s.console.Begin(proto.Caller{Name: name(i), Role: role})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
