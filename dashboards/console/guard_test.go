package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// open says which pages have no session, and which any role may see: a page that is not here needs a role that may ask.
// The list is written by hand, so that a page cannot open itself.
var (
	withoutSession = []string{"GET /assets/{name}", "GET /sign-in", "POST /sign-in", "GET /sign-in/provider", "GET /sign-in/callback"}
	forAnyRole     = []string{
		"POST /sign-out", "GET /{$}", "GET /questions", "POST /questions", "GET /help", "GET /sources", "GET /dead-letters", "GET /status", "GET /status/progress",
		"GET /alerts", "GET /alerts/now", "GET /alerts/live", "GET /cases", // by pseudonyms
		"GET /glass", "POST /glass", "POST /glass/end", // who may break it is for the API to say
	}
	forReviewers = []string{"POST /glass/review"}
)

// forRespondents are the pages of respondents: what is not here is refused to them, whatever any other role sees.
var forRespondents = []string{"POST /sign-out", "GET /{$}", "GET /questions", "POST /questions"}

var everyRole = []string{proto.RoleRespondent, proto.RoleViewer, proto.RoleInvestigator, proto.RolePrivacyOfficer, proto.RoleAdministrator}

// request makes one that fits a pattern; handle is a view of the session, where the pattern wants one.
func request(pattern, handle string) (method, path string, form url.Values) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.NewReplacer("{$}", "", "{handle}", handle, "{page}", "records", "{name}", "nothing.css", "{form}", "csv?position=40960").Replace(path)
	if method == http.MethodPost {
		form = url.Values{
			"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}, "text": {"Ward"}, "as": {"review"}, "version": {"2"}, "reader": {"S-77"},
			"patient": {"4711"}, "position": {"40960"}, "before": {"40960"},
			"of": {"alerts"}, "name": {"n"},
		}
	}
	return method, path, form
}

// Each page with each role, and without a session. What names people is seen by who may ask, and by nobody else.
func TestRoutes(t *testing.T) {
	s := newSite(t)
	s.api.record, s.api.reader, s.api.event, s.api.found = record(), reader(), event(), found()
	s.api.queue, s.api.alert, s.api.scope, s.api.cases, s.api.one = queue(), alert(), scope(), cases(), oneCase()
	s.api.profile = profile()
	s.api.views.hold(&v1.ViewRow{ViewId: "0ujsszwN8NRY24YaXiTIE2VWDTS", Name: "The view of Uma Ward", Mine: true, Version: 2},
		&v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{Patient: "4711"}}})
	s.api.parts = []*v1.ExportScopeResponse{{Header: header()}, {Data: []byte("a,b\n"), Done: true}}
	for _, route := range s.console.Routes() {
		t.Run(strings.ReplaceAll(route.Pattern, "/", "_"), func(t *testing.T) {
			free, any := slices.Contains(withoutSession, route.Pattern), slices.Contains(forAnyRole, route.Pattern)
			method, path, form := request(route.Pattern, "AAAAAAAAAAAAAAAAAAAAAA")
			p := s.browser().send(method, path, form)
			switch {
			case free && p.status == http.StatusSeeOther:
				t.Errorf("nobody: sent to %q", p.location)
			case !free && (p.status != http.StatusSeeOther || p.location != "/sign-in" || named(p.body)):
				t.Errorf("nobody: %d to %q", p.status, p.location)
			}
			for _, role := range everyRole {
				b := s.signedIn(role)
				method, path, form := request(route.Pattern, b.handle(route.Pattern))
				asked := len(s.api.questions())
				p := b.send(method, path, form)
				may := free || any || proto.Caller{Role: role}.MayAsk() && !slices.Contains(forReviewers, route.Pattern) || proto.Caller{Role: role}.MayReview()
				if role == proto.RoleRespondent {
					may = free || slices.Contains(forRespondents, route.Pattern)
				}
				switch {
				case may && p.status == http.StatusForbidden && route.Pattern != "POST /sign-in":
					t.Errorf("%s: refused", role)
				case !may && (p.status != http.StatusForbidden || len(s.api.questions()) != asked):
					t.Errorf("%s: %d, %d questions", role, p.status, len(s.api.questions())-asked)
				case (role == proto.RoleViewer || role == proto.RoleRespondent) && named(p.body):
					t.Errorf("%s sees a name:\n%s", role, p.body)
				case may && !free && p.status == http.StatusNotFound && !strings.Contains(route.Pattern, "dead-letters"):
					t.Errorf("%s: the test has no such page: %d", role, p.status)
				case p.status >= http.StatusInternalServerError:
					t.Errorf("%s: %d\n%s", role, p.status, p.body)
				}
			}
		})
	}
}

// nobodys is a handle of no session.
const nobodys = "AAAAAAAAAAAAAAAAAAAAAA"

// handle is a view that a page of the pattern can show; roles that may not ask have none.
func (b *browser) handle(pattern string) string {
	view := func(path string, form url.Values) string {
		to := b.post(path, form)
		if to.status != http.StatusSeeOther {
			return nobodys
		}
		return to.location[strings.LastIndexByte(to.location, '/')+1:]
	}
	purposed := url.Values{"purpose": {"complaint 12"}, "reader": {"S-77"}, "patient": {"4711"}, "position": {"49152"}, "before": {"40960"}}
	switch {
	case strings.Contains(pattern, "/alerts/{handle}"):
		b.post("/alerts", purposed)
		_, after, ok := strings.Cut(b.get("/alerts").body, `href="/alerts/`)
		if handle, _, _ := strings.Cut(after, `"`); ok {
			return handle
		}
		return nobodys
	case strings.Contains(pattern, "/cases/{handle}"):
		if path := b.casePath(); len(path) > len("/cases/") {
			return path[len("/cases/"):]
		}
		return nobodys
	case strings.Contains(pattern, "/profile/"):
		if to := b.post("/ask", url.Values{"q": {"S-77"}, "kind": {"readers"}, "purpose": {"complaint 12"}}); to.status == http.StatusSeeOther {
			_, after, _ := strings.Cut(b.get(to.location).body, `href="/profile/`)
			handle, _, _ := strings.Cut(after, `"`)
			return handle
		}
		return nobodys
	case strings.Contains(pattern, "/views/{handle}"):
		_, after, ok := strings.Cut(b.get("/views").body, `data-label="View"><a href="/views/`)
		if handle, _, _ := strings.Cut(after, `"`); ok {
			return handle
		}
		return nobodys
	case strings.Contains(pattern, "/scope/"):
		return view("/scope", purposed)
	case strings.Contains(pattern, "/compare/"):
		return view("/scope/"+view("/scope", purposed)+"/compare", purposed)
	case strings.Contains(pattern, "/frozen/"):
		return view("/frozen", purposed)
	case strings.Contains(pattern, "/report/"):
		return view("/report", purposed)
	}
	kinds := map[string]string{"/events/": "events", "/readers/": "readers", "/accesses/": "name", "/find/": ""}
	kind := "records"
	for prefix, k := range kinds {
		if strings.Contains(pattern, prefix) {
			kind = k
		}
	}
	p := b.post("/ask", url.Values{"q": {"4711"}, "kind": {kind}, "purpose": {"complaint 12"}})
	if p.status != http.StatusSeeOther {
		return nobodys
	}
	return p.location[strings.LastIndexByte(p.location, '/')+1:]
}

func named(body string) bool {
	return strings.Contains(body, "Uma Ward") || strings.Contains(body, "4711") || strings.Contains(body, "Max Payne")
}

// What every answer carries, whatever the page.
func TestHeaders(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	record, _ := b.open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
	for _, path := range append([]string{"/", "/sign-in", "/alerts", "/alerts/live", "/scope", "/report", record, "/records/none", "/sources", "/status/progress"}, s.console.AssetPaths()...) {
		p := b.get(path)
		policy := p.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s", path, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s: %q", path, name, got)
			}
		}
		asset := strings.HasPrefix(path, "/assets/")
		if stored := p.header.Get("Cache-Control"); (stored == "no-store") == asset {
			t.Errorf("%s: Cache-Control: %q", path, stored)
		}
		if !asset && (strings.Contains(p.body, " style=") || strings.Contains(p.body, "<style") || strings.Contains(p.body, " onclick") || strings.Contains(p.body, "<script>")) {
			t.Errorf("%s: inline style or script", path)
		}
	}
}

// A request of another site changes nothing, whether the browser says so by Sec-Fetch-Site or by Origin.
func TestOtherSites(t *testing.T) {
	s := newSite(t)
	for name, edit := range map[string]func(*http.Request){
		"cross-site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"origin":     func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"null":       func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		t.Run(name, func(t *testing.T) {
			b := s.signedIn(proto.RoleAdministrator)
			for _, route := range s.console.Routes() {
				method, path, form := request(route.Pattern, "AAAAAAAAAAAAAAAAAAAAAA")
				if method != http.MethodPost {
					continue
				}
				if p := b.send(method, path, form, edit); p.status != http.StatusForbidden || p.location != "" {
					t.Errorf("%s: %d", route.Pattern, p.status)
				}
			}
			if p := b.get("/"); p.status != http.StatusOK {
				t.Errorf("the session did not survive: %d", p.status)
			}
		})
	}
	b := s.signedIn(proto.RoleAdministrator)
	same := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin"); r.Header.Set("Origin", "null") }
	if p := b.post("/sign-out", nil, same); p.status != http.StatusSeeOther {
		t.Errorf("of this site: %d", p.status)
	}
}

// Nothing but POST changes anything: the pages that a link can reach are safe methods.
func TestMethods(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleAdministrator)
	for _, path := range []string{"/sign-out", "/ask", "/purpose/records/AAAAAAAAAAAAAAAAAAAAAA", "/alerts/AAAAAAAAAAAAAAAAAAAAAA/decide", "/alerts/AAAAAAAAAAAAAAAAAAAAAA/case", "/cases/AAAAAAAAAAAAAAAAAAAAAA/step", "/frozen"} {
		if p := b.get(path); p.status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, p.status)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		if p := b.send(method, "/", nil); p.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, p.status)
		}
	}
}

// Under a name that somebody else resolves to this machine, nothing is shown and nothing taken.
func TestRebinding(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleAdministrator)
	for _, host := range []string{"evil.example", "evil.example:8470", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::2]:80"} {
		p := b.get("/", func(r *http.Request) { r.Host = host })
		if host == "" {
			continue // the client fills it in
		}
		if p.status != http.StatusMisdirectedRequest || strings.Contains(p.body, "os:alex") {
			t.Errorf("host %q: %d", host, p.status)
		}
	}
	for _, host := range []string{"localhost:9000", "LOCALHOST", "127.0.0.1"} {
		if p := b.get("/sign-in", func(r *http.Request) { r.Host = host }); p.status != http.StatusOK {
			t.Errorf("host %q: %d", host, p.status)
		}
	}
}

// The console takes its own paths and leaves every other to the API; a session's cookie opens nothing there.
func TestOtherPathsAreNotOurs(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleAdministrator)
	for _, path := range []string{"/readtrail.v1.QueryService/WhoViewed", "/fhir/metadata", "/healthz", "/records", "/record/x", "/readtrail.v1.CaseworkService/DecideAlert", "/scopes", "/.git/config"} {
		if p := b.get(path); p.status != http.StatusTeapot {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	off := newSite(t, func(c *console.Config) { c.Disabled = true })
	if p := off.browser().get("/"); p.status != http.StatusTeapot {
		t.Errorf("disabled: %d", p.status)
	}
}

// No path reaches a file, however it is written.
func TestTraversal(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleAdministrator)
	for _, path := range []string{
		"/assets/../config.go", "/assets/..%2fconfig.go", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/style.css", "/assets/..\\x", "/assets/%00",
		"/assets/....//x", "/assets/%c0%ae%c0%ae/x", "/records/..%2f..%2fsources", "/events/%2e%2e%2f/original",
	} {
		p := b.get(path)
		if p.status == http.StatusOK || strings.Contains(p.body, "package console") || strings.Contains(p.body, "root:") {
			t.Errorf("%s: %d\n%s", path, p.status, p.body)
		}
		if p.location != "" && (!strings.HasPrefix(p.location, "/") || strings.HasPrefix(p.location, "//")) {
			t.Errorf("%s: sent to %q", path, p.location)
		}
	}
}

// Where somebody is sent is on this site, whatever they typed or followed, and no header can be split.
func TestRedirects(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	evil := []string{"https://evil.example", "//evil.example", `/\evil.example`, "/%0d%0aSet-Cookie:x=1", "\r\nLocation: https://evil.example", "javascript:alert(1)"}
	for _, text := range evil {
		p := b.post("/ask", url.Values{"q": {text}, "purpose": {"complaint 12"}, "kind": {text}})
		if p.status == http.StatusSeeOther && !strings.HasPrefix(p.location, "/find/") {
			t.Errorf("asked for %q: sent to %q", text, p.location)
		}
		for _, path := range []string{"/sign-in?next=" + url.QueryEscape(text), "/?next=" + url.QueryEscape(text)} {
			if q := s.browser().get(path); q.location != "" && q.location != "/sign-in" {
				t.Errorf("%s: sent to %q", path, q.location)
			}
		}
	}
	// From another site the cookie does not come along: the page goes on to the same path of this site, and nowhere else.
	cross := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	for _, path := range []string{"/sources", "/records/%2f%2fevil.example", "/records/%5cevil.example", "/records/https:%2f%2fevil.example"} {
		p := s.browser().get(path, cross)
		_, after, _ := strings.Cut(p.body, `<a href="`)
		for _, part := range strings.Split(p.body, `href="`)[1:] {
			to, _, _ := strings.Cut(part, `"`)
			if !strings.HasPrefix(to, "/") && to != "#main" || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
				t.Errorf("%s: links to %q (%d bytes follow)", path, to, len(after))
			}
		}
	}
}

// What is too large is refused before it is read, hashed or asked.
func TestOversized(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleInvestigator)
	for name, form := range map[string]url.Values{
		"body":    {"q": {strings.Repeat("x", 1<<20)}},
		"fields":  {"q": {"4711"}, "junk": {strings.Repeat("y", 70<<10)}},
		"subject": {"q": {strings.Repeat("x", 2001)}, "purpose": {"complaint 12"}},
		"purpose": {"q": {"4711"}, "purpose": {strings.Repeat("x", 501)}},
	} {
		p := b.post("/ask", form)
		if p.status != http.StatusRequestEntityTooLarge && p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, p.status)
		}
		if len(p.body) > 64<<10 {
			t.Errorf("%s: answered with %d bytes", name, len(p.body))
		}
	}
	if p := s.browser().post("/sign-in", url.Values{"secret": {strings.Repeat("x", 1<<20)}}); p.status != http.StatusRequestEntityTooLarge {
		t.Errorf("secret: %d", p.status)
	}
	if n := len(s.api.questions()); n != 0 {
		t.Errorf("%d questions were asked", n)
	}
}

// What is remembered is bounded: sessions and views.
func TestBounds(t *testing.T) {
	s := newSite(t)
	first := s.signedIn(proto.RoleInvestigator)
	for range console.MaxSessions + 5 {
		s.now = s.now.Add(time.Second)
		s.signedIn(proto.RoleViewer)
	}
	if n := s.console.Sessions(); n > console.MaxSessions {
		t.Errorf("%d sessions are held", n)
	}
	if p := first.get("/"); p.status != http.StatusSeeOther {
		t.Errorf("the session that was idle longest still works: %d", p.status)
	}
	// A record that a thousand readers viewed links to more views than are kept: the page still stands.
	s.api.record = record()
	for i := range console.MaxViews + 10 {
		s.api.record.Accesses = append(s.api.record.Accesses, &v1.Access{Position: uint64(50000 + i), OccurredUs: 1772438400_000000})
	}
	b := s.signedIn(proto.RoleInvestigator)
	path, page := b.open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
	if page.status != http.StatusOK {
		t.Errorf("%d", page.status)
	}
	if p := b.get(path); p.status != http.StatusNotFound && p.status != http.StatusOK {
		t.Errorf("again: %d", p.status)
	}
}
