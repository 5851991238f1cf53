package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/dashboards/console"
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

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
