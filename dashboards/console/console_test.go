package console_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// site is a console in front of a fake query API, and a clock that the test moves.
type site struct {
	t       *testing.T
	console *console.Console
	api     *fakeAPI
	server  *httptest.Server
	now     time.Time
	// more is what a test adds to now while requests are under way.
	more atomic.Int64
}

// later moves the clock while requests are under way.
func (s *site) later(d time.Duration) { s.more.Add(int64(d)) }

// next is what paths that are not the console's get.
var next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "not the console's", http.StatusTeapot)
})

func newSite(t *testing.T, edit ...func(*console.Config)) *site {
	t.Helper()
	s := &site{t: t, api: &fakeAPI{t: t}, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	cfg := console.Config{
		Questions: s.api, Alerts: s.api, Cases: s.api, Views: s.api, Casework: s.api, Scopes: s.api, Glasses: s.api, Export: s.api.export, LiveEvery: 10 * time.Millisecond, LiveMax: 300 * time.Millisecond,
		Hosts: []string{"127.0.0.1", "localhost"}, LinkValid: 10 * time.Minute, Now: func() time.Time { return s.now.Add(time.Duration(s.more.Load())) },
		TimeZone: zone(t, "Europe/Vienna"),
	}
	for _, f := range edit {
		f(&cfg)
	}
	var err error
	if s.console, err = console.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(s.console.Or(next))
	t.Cleanup(s.server.Close)
	s.console.At(s.server.URL)
	return s
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// secret makes a one-time link as a user of the machine would, and returns its secret.
func (s *site) secret(role string) string {
	s.t.Helper()
	_, handler := s.console.SignInHandler()
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := proto.Caller{Name: "os:alex", Role: proto.RoleAdministrator, Local: true}
		handler.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), caller)))
	}))
	defer local.Close()
	res, err := readtrailv1connect.NewSignInServiceClient(local.Client(), local.URL).
		CreateLink(context.Background(), connect.NewRequest(&v1.CreateLinkRequest{Role: role}))
	if err != nil {
		s.t.Fatal(err)
	}
	_, secret, ok := strings.Cut(res.Msg.Url, "#")
	if !ok || !strings.HasPrefix(res.Msg.Url, s.server.URL+"/sign-in#") {
		s.t.Fatalf("link: %q", res.Msg.Url)
	}
	return secret
}

// browser keeps cookies and follows no redirect.
type browser struct {
	*http.Client
	s *site
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, s}
}

// signedIn is a browser with a session of a role.
func (s *site) signedIn(role string) *browser {
	s.t.Helper()
	b := s.browser()
	if p := b.post("/sign-in", url.Values{"secret": {s.secret(role)}}); p.status != http.StatusSeeOther || p.location != "/" {
		s.t.Fatalf("sign in: %d to %q", p.status, p.location)
	}
	return b
}

// answer is what came back.
type answer struct {
	status   int
	location string
	header   http.Header
	body     string
}

func (b *browser) get(path string, edit ...func(*http.Request)) answer {
	b.s.t.Helper()
	return b.send(http.MethodGet, path, nil, edit...)
}

func (b *browser) post(path string, form url.Values, edit ...func(*http.Request)) answer {
	b.s.t.Helper()
	return b.send(http.MethodPost, path, form, edit...)
}

func (b *browser) send(method, path string, form url.Values, edit ...func(*http.Request)) answer {
	b.s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, b.s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range edit {
		f(req)
	}
	res, err := b.Do(req)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var body strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buffer)
		body.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	return answer{res.StatusCode, res.Header.Get("Location"), res.Header, body.String()}
}

// open asks for something and follows to the page that answers.
func (b *browser) open(form url.Values) (path string, page answer) {
	b.s.t.Helper()
	asked := b.post("/ask", form)
	if asked.status != http.StatusSeeOther {
		b.s.t.Fatalf("ask: %d\n%s", asked.status, asked.body)
	}
	return asked.location, b.get(asked.location)
}
