package register_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/ingest/register"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// syncBuffer is a log that tests can read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func certificate(t *testing.T, notAfter time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sender"},
		NotBefore: start.Add(-time.Hour), NotAfter: notAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// routes answer 200 with the caller's name; each class asks for what its handlers ask for.
func routes(r *register.Register) http.Handler {
	name := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(w, proto.CallerFrom(req.Context()).Name)
	})
	mux := http.NewServeMux()
	mux.Handle("/healthz", name)
	mux.Handle("/ingest", register.RequireSource(name))
	mux.Handle("/ask", register.RequireAsker(name))
	mux.Handle("/command", register.RequireCommander(name))
	return r.Authenticate(mux)
}

// TestEveryCredentialOnEveryRoute is the table of who is let in where.
func TestEveryCredentialOnEveryRoute(t *testing.T) {
	s := newSite(t)
	r, _ := s.open(t)
	c := client(t, r, administrator)
	token := func(role string) string {
		made, err := c.CreateToken(t.Context(), connect.NewRequest(&v1.CreateTokenRequest{Name: "n", Role: role}))
		if err != nil {
			t.Fatal(err)
		}
		return made.Msg.Token
	}
	good, stale, unknown := certificate(t, start.Add(time.Hour)), certificate(t, start.Add(-time.Minute)), certificate(t, start.Add(time.Hour))
	source := func(name string, cert *tls.Certificate, disabled bool) string {
		entry := pacs()
		entry.Name, entry.Disabled = name, disabled
		if cert != nil {
			sum := sha256.Sum256(cert.Certificate[0])
			entry.CertificateSha256 = sum[:]
		}
		made, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: entry, NewCredential: true}))
		if err != nil {
			t.Fatal(err)
		}
		return made.Msg.Credential
	}
	revoked := token(proto.RoleAdministrator)
	var revokedID string
	for _, tk := range r.Tokens() {
		revokedID = tk.TokenId
	}
	if _, err := c.RevokeToken(t.Context(), connect.NewRequest(&v1.RevokeTokenRequest{TokenId: revokedID})); err != nil {
		t.Fatal(err)
	}
	pacsCredential := source("pacs", &good, false)
	source("old", &stale, false)
	disabled := source("gone", nil, true)
	server := httptest.NewUnstartedServer(routes(r))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)

	// Columns: /healthz, /ingest, /ask, /command, a path that does not exist.
	cases := []struct {
		name   string
		header string
		cert   *tls.Certificate
		want   [5]int
	}{
		{"nothing", "", nil, [5]int{200, 401, 401, 401, 401}},
		{"viewer", "Bearer " + token(proto.RoleViewer), nil, [5]int{200, 403, 403, 403, 404}},
		{"investigator", "Bearer " + token(proto.RoleInvestigator), nil, [5]int{200, 403, 200, 403, 404}},
		{"privacy officer", "Bearer " + token(proto.RolePrivacyOfficer), nil, [5]int{200, 403, 200, 403, 404}},
		{"administrator", "bearer " + token(proto.RoleAdministrator), nil, [5]int{200, 403, 200, 200, 404}},
		{"revoked", "Bearer " + revoked, nil, [5]int{200, 401, 401, 401, 401}},
		{"source", "Bearer " + pacsCredential, nil, [5]int{200, 200, 403, 403, 404}},
		{"disabled source", "Bearer " + disabled, nil, [5]int{200, 401, 401, 401, 401}},
		{"certificate", "", &good, [5]int{200, 200, 403, 403, 404}},
		{"expired certificate", "", &stale, [5]int{200, 401, 401, 401, 401}},
		{"unknown certificate", "", &unknown, [5]int{200, 401, 401, 401, 401}},
		{"wrong token, good certificate", "Bearer rtt_wrong", &good, [5]int{200, 401, 401, 401, 401}},
		{"basic", "Basic " + pacsCredential, nil, [5]int{200, 401, 401, 401, 401}},
		{"empty bearer", "Bearer", nil, [5]int{200, 401, 401, 401, 401}},
		{"empty bearer and space", "Bearer ", nil, [5]int{200, 401, 401, 401, 401}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			// Each case at its own time, so that the failures of the one before do not throttle it.
			s.now = s.now.Add(time.Second)
			transport := server.Client().Transport.(*http.Transport).Clone()
			defer transport.CloseIdleConnections()
			if tc.cert != nil {
				transport.TLSClientConfig.Certificates = []tls.Certificate{*tc.cert}
			}
			for i, path := range []string{"/healthz", "/ingest", "/ask", "/command", "/Patient/123"} {
				s.now = s.now.Add(30 * time.Second)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if tc.header != "" {
					req.Header.Set("Authorization", tc.header)
				}
				resp, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != tc.want[i] {
					t.Errorf("%s: %d, want %d", path, resp.StatusCode, tc.want[i])
				}
				if challenge := resp.Header.Get("WWW-Authenticate"); (challenge != "") != (resp.StatusCode == http.StatusUnauthorized) {
					t.Errorf("%s: WWW-Authenticate %q with %d", path, challenge, resp.StatusCode)
				}
			}
		})
	}
	assertNoSecrets(t, s.logged.String())
}

func assertNoSecrets(t *testing.T, logged string) {
	t.Helper()
	for _, secret := range []string{register.TokenPrefix, register.CredentialPrefix, "Bearer", "Patient/123"} {
		if strings.Contains(logged, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(logged, "request refused") {
		t.Error("the log does not hold the refusals: nothing was proven")
	}
}

func TestFailuresAreThrottledAndSuccessIsNot(t *testing.T) {
	s := newSite(t)
	r, _ := s.open(t)
	made, err := client(t, r, administrator).RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: pacs(), NewCredential: true}))
	if err != nil {
		t.Fatal(err)
	}
	handler := routes(r)
	send := func(token, address string) int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest", nil)
		req.RemoteAddr = address
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		return w.Code
	}
	for range 10 {
		if got := send("wrong", "192.0.2.1:1000"); got != 401 {
			t.Fatalf("got %d", got)
		}
	}
	if got := send("wrong", "192.0.2.1:2000"); got != 429 {
		t.Errorf("eleventh failure: %d", got)
	}
	if got := send(made.Msg.Credential, "192.0.2.1:1000"); got != 200 {
		t.Errorf("right credential behind a throttled address: %d", got)
	}
	if got := send("wrong", "192.0.2.2:1000"); got != 401 {
		t.Errorf("another address: %d", got)
	}
	s.now = s.now.Add(6 * time.Second)
	if got := send("wrong", "192.0.2.1:1000"); got != 401 {
		t.Errorf("after a pause: %d", got)
	}
	// Many addresses must not grow the memory for ever, nor stop the counting.
	for i := range 10_000 {
		send("wrong", net.JoinHostPort(net.IPv4(10, 0, byte(i>>8), byte(i)).String(), "1"))
	}
}

func TestNobodyIsLetInBeforeTheJournalIsRead(t *testing.T) {
	s := newSite(t)
	r, err := register.Open(register.Config{
		Follow: func(ctx context.Context, _ proto.Position, _ func(context.Context, *proto.Batch) error) error {
			<-ctx.Done()
			return ctx.Err()
		},
		Last: s.journal.Last, Append: s.journal,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	routes(r).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ingest", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d", w.Code)
	}
	if _, err := client(t, r, administrator).ListTokens(t.Context(), connect.NewRequest(&v1.ListTokensRequest{})); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("command: %v", err)
	}
}

// onSocket serves the routes on a unix socket.
func onSocket(t *testing.T, r *register.Register) (path string) {
	t.Helper()
	// Socket paths are short (108 bytes), test directories are not.
	dir, err := os.MkdirTemp("", "rt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // The other user of the test has to reach it.
		t.Fatal(err)
	}
	path = filepath.Join(dir, "s")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: routes(r), ConnContext: register.ConnContext, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return path
}

func TestUserOnTheSocket(t *testing.T) {
	r, _ := newSite(t).open(t)
	path := onSocket(t, r)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	get := func(route, header string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://local"+route, nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	for _, route := range []string{"/ingest", "/ask", "/command"} {
		if code, name := get(route, ""); code != 200 || !strings.HasPrefix(name, "os:") {
			t.Errorf("%s: %d %q", route, code, name)
		}
	}
	if code, _ := get("/command", "Bearer wrong"); code != 401 {
		t.Errorf("a wrong token on the socket: %d", code)
	}
}

// TestOtherUserOnTheSocket connects as another user in a child process; only root can start one.
func TestOtherUserOnTheSocket(t *testing.T) {
	if path := os.Getenv("READTRAIL_TEST_SOCKET"); path != "" {
		conn, err := new(net.Dialer).DialContext(t.Context(), "unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET /ask HTTP/1.0\r\nHost: local\r\n\r\n")
		answer, _ := io.ReadAll(conn)
		status, _, _ := strings.Cut(string(answer), "\r\n")
		t.Logf("answer: %s", status)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	r, _ := newSite(t).open(t)
	path := onSocket(t, r)
	// The test binary lies where the other user may not look: give it a copy beside the socket.
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	child := filepath.Join(filepath.Dir(path), "child")
	if err := os.WriteFile(child, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), child, "-test.run=^TestOtherUserOnTheSocket$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = []string{"READTRAIL_TEST_SOCKET=" + path}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(string(out), "403 Forbidden") {
		t.Errorf("another user was not refused: %s", out)
	}
}
