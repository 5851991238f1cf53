package console_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
)

// issuer is an identity provider: discovery and keys by go-oidc's own test server, codes and tokens here. It checks what a
// provider checks, PKCE included, and states what a test wants.
type issuer struct {
	t    *testing.T
	url  string
	keys *rsa.PrivateKey
	// claims are added to those that every token has.
	claims map[string]any
	// challenge and nonce are what the browser brought.
	challenge, nonce string
	exchanged        int
}

const client = "readtrail-console"

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	keys, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, keys: keys, claims: map[string]any{"sub": "u-1", "roles": []string{"privacy"}}}
	discovery := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: keys.Public(), KeyID: "k", Algorithm: oidc.RS256}}}
	mux := http.NewServeMux()
	mux.Handle("/", discovery)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	discovery.SetIssuer(server.URL)
	i.url = server.URL
	return i
}

// token checks the code's proof and signs an id token.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.exchanged++
	proof := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if r.FormValue("code") != "the-code" || base64.RawURLEncoding.EncodeToString(proof[:]) != i.challenge {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"u-1 is not let in"}`))
		return
	}
	claims := map[string]any{"iss": i.url, "aud": client, "nonce": i.nonce, "exp": time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Unix(), "iat": 1}
	maps.Copy(claims, i.claims)
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": "a", "token_type": "Bearer", "id_token": oidctest.SignIDToken(i.keys, "k", oidc.RS256, string(text)),
	})
}

func (i *issuer) config(c *console.Config) {
	c.LinkValid = 0
	c.Provider = console.Provider{Issuer: i.url, ClientID: client, Roles: map[string][]string{
		proto.RoleViewer: {"staff"}, proto.RolePrivacyOfficer: {"privacy", "legal"},
	}}
}

// leave begins a sign-in and returns what the browser takes to the provider.
func (i *issuer) leave(b *browser) url.Values {
	i.t.Helper()
	p := b.get("/sign-in/provider")
	to := mustURL(i.t, p.location)
	if p.status != http.StatusSeeOther || !strings.HasPrefix(p.location, i.url+"/auth?") {
		i.t.Fatalf("%d to %q\n%s", p.status, p.location, p.body)
	}
	q := to.Query()
	i.challenge, i.nonce = q.Get("code_challenge"), q.Get("nonce")
	return q
}

func callback(q url.Values) string {
	return "/sign-in/callback?" + url.Values{"code": {"the-code"}, "state": {q.Get("state")}}.Encode()
}

func fromProvider(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }

func TestProviderSignsIn(t *testing.T) {
	i := newIssuer(t)
	s := newSite(t, i.config)
	b := s.browser()
	q := i.leave(b)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": client, "code_challenge_method": "S256", "redirect_uri": s.server.URL + "/sign-in/callback", "scope": "openid",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if len(q.Get("state")) < 43 || len(q.Get("nonce")) < 43 || q.Get("state") == q.Get("nonce") {
		t.Errorf("state %q, nonce %q", q.Get("state"), q.Get("nonce"))
	}
	back := b.get(callback(q), fromProvider)
	if back.status != http.StatusOK || !strings.Contains(back.body, `href="/" data-again`) {
		t.Fatalf("back: %d\n%s", back.status, back.body)
	}
	if cookies := strings.Join(back.header.Values("Set-Cookie"), "\n"); !strings.Contains(cookies, "SameSite=Strict") || !strings.Contains(cookies, "errand=; ") {
		t.Errorf("cookies: %s", cookies)
	}
	if p := b.get("/"); p.status != http.StatusOK || !strings.Contains(p.body, "oidc:u-1") || !strings.Contains(p.body, "privacy officer") {
		t.Errorf("home: %d\n%s", p.status, p.body)
	}
	// The same answer again is not taken: the errand was run, and its cookie is gone.
	if p := b.get(callback(q), fromProvider); p.status != http.StatusForbidden {
		t.Errorf("again: %d", p.status)
	}
}

// What the provider states decides who is let in, and as what; the highest role counts.
func TestProviderClaims(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		role   string
	}{
		"list":          {map[string]any{"sub": "u-1", "roles": []string{"staff", "legal", "else"}}, "privacy officer"},
		"text":          {map[string]any{"sub": "u-1", "roles": "staff"}, "viewer"},
		"none":          {map[string]any{"sub": "u-1", "roles": []string{"else"}}, ""},
		"absent":        {map[string]any{"sub": "u-1"}, ""},
		"number":        {map[string]any{"sub": "u-1", "roles": 7}, ""},
		"our own word":  {map[string]any{"sub": "u-1", "roles": []string{"administrator", "privacy_officer"}}, ""},
		"no name":       {map[string]any{"sub": "", "roles": "staff"}, ""},
		"two lines":     {map[string]any{"sub": "u-1\nos:root", "roles": "staff"}, ""},
		"invisible":     {map[string]any{"sub": "u-\u200b1", "roles": "staff"}, ""},
		"turned":        {map[string]any{"sub": "\u202e1-u", "roles": "staff"}, ""},
		"hard space":    {map[string]any{"sub": "Jo\u00a0Doe", "roles": "staff"}, ""},
		"blanks":        {map[string]any{"sub": "u-1 ", "roles": "staff"}, ""},
		"in any script": {map[string]any{"sub": "Jörg 山田", "roles": "staff"}, "viewer"},
		"long":          {map[string]any{"sub": strings.Repeat("u", 201), "roles": "staff"}, ""},
		"audience":      {map[string]any{"sub": "u-1", "roles": "staff", "aud": "another"}, ""},
		"issuer":        {map[string]any{"sub": "u-1", "roles": "staff", "iss": "https://evil.example"}, ""},
		"expired":       {map[string]any{"sub": "u-1", "roles": "staff", "exp": 1772438400 - 7200}, ""},
		"nonce":         {map[string]any{"sub": "u-1", "roles": "staff", "nonce": "of another sign-in"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.claims = c.claims
			s := newSite(t, i.config)
			b := s.browser()
			back := b.get(callback(i.leave(b)), fromProvider)
			home := b.get("/")
			switch {
			case i.exchanged != 1:
				t.Errorf("%d codes were exchanged", i.exchanged)
			case c.role == "" && (back.status != http.StatusForbidden || home.status != http.StatusSeeOther):
				t.Errorf("let in: %d, %d", back.status, home.status)
			case c.role != "" && !strings.Contains(home.body, `<span class="role">`+c.role+`</span>`):
				t.Errorf("%d, %d\n%s", back.status, home.status, home.body)
			}
		})
	}
}

// An answer that this browser did not go for is not taken, however it was come by, and no code is spent on it.
func TestProviderErrands(t *testing.T) {
	i := newIssuer(t)
	s := newSite(t, i.config)
	mine, other := s.browser(), s.browser()
	theirs := i.leave(other)
	q := i.leave(mine)
	for name, path := range map[string]string{
		"of another browser": callback(theirs), "without a state": "/sign-in/callback?code=the-code", "an empty state": callback(url.Values{}),
		"a guess": callback(url.Values{"state": {"x"}}),
	} {
		if p := s.browser().get(path, fromProvider); p.status != http.StatusForbidden {
			t.Errorf("%s, without an errand: %d", name, p.status)
		}
		b := s.browser()
		i.leave(b)
		if p := b.get(path, fromProvider); p.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, p.status)
		}
	}
	said := mine.get("/sign-in/callback?error=access_denied&error_description=call+555&state="+q.Get("state"), fromProvider)
	if said.status != http.StatusForbidden || strings.Contains(said.body, "555") {
		t.Errorf("refused by the provider: %d\n%s", said.status, said.body)
	}
	late := s.browser()
	q = i.leave(late)
	s.now = s.now.Add(10 * time.Minute)
	if p := late.get(callback(q), fromProvider); p.status != http.StatusForbidden {
		t.Errorf("late: %d", p.status)
	}
	if i.exchanged != 0 {
		t.Errorf("%d codes were exchanged", i.exchanged)
	}
	// A code that was caught without its verifier is worth nothing (RFC 7636).
	b := s.browser()
	q = i.leave(b)
	i.challenge = "of another"
	if p := b.get(callback(q), fromProvider); p.status != http.StatusForbidden || i.exchanged != 1 || strings.Contains(p.body, "u-1") {
		t.Errorf("without the verifier: %d", p.status)
	}
}

// A provider that is down is said to be; without one there is no way to one.
func TestProviderIsDown(t *testing.T) {
	s := newSite(t, func(c *console.Config) {
		c.Provider = console.Provider{Issuer: "http://127.0.0.1:1", ClientID: client, Roles: map[string][]string{proto.RoleViewer: {"staff"}}}
	})
	if p := s.browser().get("/sign-in/provider"); p.status != http.StatusServiceUnavailable {
		t.Errorf("down: %d", p.status)
	}
	if p := s.browser().get("/sign-in"); !strings.Contains(p.body, "Sign in with 127.0.0.1:1") {
		t.Errorf("the door does not offer it:\n%s", p.body)
	}
	if p := newSite(t).browser().get("/sign-in/provider"); p.status != http.StatusNotFound {
		t.Errorf("none: %d", p.status)
	}
	_, err := console.New(console.Config{Questions: &fakeAPI{}, Provider: console.Provider{Issuer: "x", Roles: map[string][]string{"boss": {"b"}}}})
	if err == nil || !strings.Contains(err.Error(), "client id") || !strings.Contains(err.Error(), "boss is no role") {
		t.Errorf("a wrong configuration: %v", err)
	}
}
