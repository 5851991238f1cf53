package register_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/register"
	"github.com/readtrail/readtrail/ingest/register/journaltest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

var start = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// site is a register on a journal in memory, with what it logged.
type site struct {
	journal *journaltest.Journal
	path    string
	now     time.Time
	logged  *syncBuffer
}

func newSite(t *testing.T) *site {
	t.Helper()
	journal, err := journaltest.New(start)
	if err != nil {
		t.Fatal(err)
	}
	return &site{journal: journal, path: filepath.Join(t.TempDir(), "register.json"), now: start, logged: &syncBuffer{}}
}

// open starts a register and stops it, with its snapshot written, at the end of the test or when stop is called.
func (s *site) open(t *testing.T) (r *register.Register, stop func()) {
	t.Helper()
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	r, err = register.Open(register.Config{
		Path: s.path, Follow: s.journal.Follow, Last: s.journal.Last, Append: s.journal, Zone: vienna,
		Logger: slog.New(slog.NewTextHandler(s.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:    func() time.Time { return s.now }, Limited: func(c proto.Caller) bool { return c.Limits.Limited() },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case <-r.Ready():
	case err := <-done:
		stopped = true
		t.Fatalf("run ended before it was ready: %v", err)
	}
	return r, stop
}

// client speaks to the register's service as a caller that the transport put in place.
func client(t *testing.T, r *register.Register, caller proto.Caller) readtrailv1connect.RegisterServiceClient {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(r.Handler())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mux.ServeHTTP(w, req.WithContext(proto.WithCaller(req.Context(), caller)))
	}))
	t.Cleanup(server.Close)
	return readtrailv1connect.NewRegisterServiceClient(server.Client(), server.URL)
}

var administrator = proto.Caller{Name: "os:root", Role: proto.RoleAdministrator, Local: true}

func pacs() *v1.SourceRegistered {
	return &v1.SourceRegistered{
		Name: "pacs", Owner: "Radiology", TimeZone: "Europe/Vienna", BaseUrl: "https://pacs.example/fhir",
		IdentityPolicy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE, PatientSystem: "urn:oid:1.2.3", PairWithinS: 5,
		Systems: []string{"Sectra"}, ExpectedSilenceS: 3600,
	}
}

func TestOversizedCommandIsRefused(t *testing.T) {
	r, _ := newSite(t).open(t)
	large := pacs()
	large.Owner = strings.Repeat("x", 65<<10)
	_, err := client(t, r, administrator).RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: large}))
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("a command of 65 KiB: %v", err)
	}
}

func TestCommandIsVisibleWhenItReturns(t *testing.T) {
	r, _ := newSite(t).open(t)
	c := client(t, r, administrator)
	for range 50 {
		resp, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: pacs(), NewCredential: true}))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(resp.Msg.Credential, register.CredentialPrefix) || len(resp.Msg.Credential) < 50 {
			t.Fatalf("credential of %d characters does not look like one", len(resp.Msg.Credential))
		}
		if len(resp.Msg.Source.CredentialSha256) > 0 {
			t.Fatal("the response holds the hash")
		}
		s, ok := r.ByCredential(resp.Msg.Credential)
		if !ok || s.Name != "pacs" || s.Zone.String() != "Europe/Vienna" || s.PairWithin != 5*time.Second ||
			s.BaseURL != "https://pacs.example/fhir" || s.PatientSystem != "urn:oid:1.2.3" ||
			s.Policy != v1.IdentityPolicy_IDENTITY_POLICY_NATIVE {
			t.Fatalf("by credential: %+v, %v", s, ok)
		}
	}
}

func TestBuiltInSource(t *testing.T) {
	s := newSite(t)
	r, stop := s.open(t)
	local, ok := r.ByName(register.LocalSource)
	if !ok || local.Zone.String() != "Europe/Vienna" || local.Policy != v1.IdentityPolicy_IDENTITY_POLICY_CONTENT {
		t.Fatalf("local: %+v, %v", local, ok)
	}
	stop()
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	s.open(t)
	items, err := s.journal.Items()
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 {
		t.Errorf("%d entries after a second start without snapshot, want the one of the first", len(items))
	}
}

func TestChangeKeepsCredentialUntilReplaced(t *testing.T) {
	r, _ := newSite(t).open(t)
	c := client(t, r, administrator)
	do := func(s *v1.SourceRegistered, credential bool) string {
		t.Helper()
		resp, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: s, NewCredential: credential}))
		if err != nil {
			t.Fatal(err)
		}
		return resp.Msg.Credential
	}
	first := do(pacs(), true)
	changed := pacs()
	changed.Owner = "Imaging"
	if again := do(changed, false); again != "" {
		t.Error("a change made a credential that nobody asked for")
	}
	if _, ok := r.ByCredential(first); !ok {
		t.Error("a change lost the credential")
	}
	changed.Disabled = true
	do(changed, false)
	if _, ok := r.ByCredential(first); ok {
		t.Error("a disabled source is let in")
	}
	if _, ok := r.ByName("pacs"); ok {
		t.Error("a disabled source is found by name")
	}
	changed.Disabled = false
	second := do(changed, true)
	if _, ok := r.ByCredential(first); ok {
		t.Error("the old credential still works")
	}
	if _, ok := r.ByCredential(second); !ok {
		t.Error("the new credential does not work")
	}
}

func TestChangeOfNamedFieldsKeepsTheOthers(t *testing.T) {
	r, _ := newSite(t).open(t)
	c := client(t, r, administrator)
	do := func(fields []string, s *v1.SourceRegistered) *v1.RegisterSourceResponse {
		t.Helper()
		resp, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: s, Fields: fields}))
		if err != nil {
			t.Fatal(err)
		}
		return resp.Msg
	}
	made := do([]string{"owner"}, &v1.SourceRegistered{Name: "lab", Owner: "Lab"})
	if made.Credential == "" || made.Source.TimeZone != "Europe/Vienna" || made.Source.IdentityPolicy != v1.IdentityPolicy_IDENTITY_POLICY_CONTENT {
		t.Fatalf("a new source lacks its defaults: %v", made)
	}
	do([]string{"disabled"}, &v1.SourceRegistered{Name: "lab", Disabled: true})
	do([]string{"expected_silence_s"}, &v1.SourceRegistered{Name: "lab", ExpectedSilenceS: 60})
	last := do([]string{"expected_silence_s", "reader_system"}, &v1.SourceRegistered{Name: "lab", ReaderSystem: "urn:staff"})
	if last.Credential != "" {
		t.Error("a change made a credential that nobody asked for")
	}
	got := last.Source
	if got.Owner != "Lab" || !got.Disabled || got.ExpectedSilenceS != 0 || got.ReaderSystem != "urn:staff" {
		t.Errorf("after four changes: %v", got)
	}
	if _, ok := r.ByCredential(made.Credential); ok {
		t.Error("a change of something else enabled a disabled source")
	}
	do([]string{"disabled"}, &v1.SourceRegistered{Name: "lab"})
	if _, ok := r.ByCredential(made.Credential); !ok {
		t.Error("the credential did not outlive the changes")
	}
	_, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: &v1.SourceRegistered{Name: "lab"}, Fields: []string{"ownr"}}))
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a field that does not exist: %v", err)
	}
}

// TestTokensOfWhoIsLimited: a token sees everything, so whoever may not makes none.
func TestTokensOfWhoIsLimited(t *testing.T) {
	r, _ := newSite(t).open(t)
	limited := administrator
	limited.Limits = proto.Limits{Sites: []string{"North"}}
	_, err := client(t, r, limited).CreateToken(t.Context(), connect.NewRequest(&v1.CreateTokenRequest{Name: "n", Role: proto.RoleInvestigator}))
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("made: %v", err)
	}
	for caller, want := range map[*proto.Caller]int{&limited: http.StatusForbidden, &administrator: http.StatusOK} {
		w := httptest.NewRecorder()
		through := register.RequireWhole(func(c proto.Caller) bool { return c.Limits.Limited() }, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		through.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil).WithContext(proto.WithCaller(t.Context(), *caller)))
		if w.Code != want {
			t.Errorf("%v: %d, want %d", caller.Limits, w.Code, want)
		}
	}
}

func TestTokens(t *testing.T) {
	s := newSite(t)
	r, stop := s.open(t)
	c := client(t, r, administrator)
	made, err := c.CreateToken(t.Context(), connect.NewRequest(&v1.CreateTokenRequest{Name: "Dr Who", Role: proto.RoleInvestigator}))
	if err != nil {
		t.Fatal(err)
	}
	want := proto.Caller{Name: "token:" + made.Msg.TokenId, Role: proto.RoleInvestigator}
	if got, ok := r.Token(made.Msg.Token); !ok || !cmp.Equal(got, want) {
		t.Fatalf("token: %+v, %v", got, ok)
	}
	holds := func(want ...proto.Caller) {
		t.Helper()
		if got := r.Holders(); !cmp.Equal(got, want) {
			t.Errorf("tokens that hold are of %+v", got)
		}
	}
	holds(want)
	if _, ok := r.Token(made.Msg.Token + "x"); ok {
		t.Error("another token works")
	}
	s.now = start.Add(90*24*time.Hour - time.Microsecond)
	if _, ok := r.Token(made.Msg.Token); !ok {
		t.Error("the token ends early")
	}
	s.now = start.Add(90 * 24 * time.Hour)
	if _, ok := r.Token(made.Msg.Token); ok {
		t.Error("the token outlives its end")
	}
	holds()
	s.now = start
	for range 2 {
		if _, err := c.RevokeToken(t.Context(), connect.NewRequest(&v1.RevokeTokenRequest{TokenId: made.Msg.TokenId})); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := r.Token(made.Msg.Token); ok {
		t.Error("a revoked token works")
	}
	holds()
	if _, err := c.RevokeToken(t.Context(), connect.NewRequest(&v1.RevokeTokenRequest{TokenId: "none"})); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("revoking what is not there: %v", err)
	}
	list, err := c.ListTokens(t.Context(), connect.NewRequest(&v1.ListTokensRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Msg.Tokens) != 1 || !list.Msg.Tokens[0].Revoked || list.Msg.Tokens[0].Sha256 != nil || list.Msg.Tokens[0].Asker != "os:root" {
		t.Errorf("list: %v", list.Msg.Tokens)
	}
	stop()
	again, _ := s.open(t)
	if _, ok := again.Token(made.Msg.Token); ok {
		t.Error("a restart brought a revoked token back")
	}
}

// TestRestart starts over from a snapshot taken at every point, and without one: the register is the same.
func TestRestart(t *testing.T) {
	s := newSite(t)
	var snapshots [][]byte
	var secrets []string
	for i := range 6 {
		r, stop := s.open(t)
		c := client(t, r, administrator)
		source := pacs()
		source.Name = []string{"emr", "pacs", "mail", "emr", "lab", "pacs"}[i]
		resp, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: source, NewCredential: true}))
		if err != nil {
			t.Fatal(err)
		}
		token, err := c.CreateToken(t.Context(), connect.NewRequest(&v1.CreateTokenRequest{Name: "n", Role: proto.RoleViewer}))
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, resp.Msg.Credential, token.Msg.Token)
		stop()
		content, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		snapshots = append(snapshots, content)
	}
	r, stop := s.open(t)
	wantSources, wantTokens := r.List(), r.Tokens()
	stop()
	if len(wantSources) != 5 || len(wantTokens) != 6 {
		t.Fatalf("%d sources, %d tokens", len(wantSources), len(wantTokens))
	}
	snapshots = append(snapshots, nil, []byte("{}"), []byte("not json"), snapshots[5][:len(snapshots[5])/2],
		bytes.Replace(snapshots[5], []byte(`"version":1`), []byte(`"version":9`), 1),
		[]byte(`{"version":1,"position":40960000,"state":{"sources":[],"tokens":[]}}`),
		[]byte(`{"version":1,"position":4097,"state":{"sources":["AAAA"],"tokens":[]}}`))
	for i, content := range snapshots {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if content != nil {
			if err := os.WriteFile(s.path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r, stop := s.open(t)
		if diff := cmp.Diff(wantSources, r.List(), protocmp.Transform()); diff != "" {
			t.Errorf("snapshot %d: %s", i, diff)
		}
		if diff := cmp.Diff(wantTokens, r.Tokens(), protocmp.Transform()); diff != "" {
			t.Errorf("snapshot %d: %s", i, diff)
		}
		for k, secret := range secrets {
			_, source := r.ByCredential(secret)
			_, token := r.Token(secret)
			replaced := k == 0 || k == 2
			if source != (k%2 == 0 && !replaced) || token != (k%2 == 1) {
				t.Errorf("snapshot %d: secret %d: source %v, token %v", i, k, source, token)
			}
		}
		stop()
	}
}

func TestOnlyAdministratorsCommand(t *testing.T) {
	r, _ := newSite(t).open(t)
	callers := map[connect.Code][]proto.Caller{
		connect.CodeUnauthenticated: {{}},
		connect.CodePermissionDenied: {
			{Name: "token:1", Role: proto.RoleViewer},
			{Name: "token:1", Role: proto.RoleInvestigator},
			{Name: "token:1", Role: proto.RolePrivacyOfficer},
			{Name: "source:pacs", Source: "pacs"},
		},
	}
	for code, list := range callers {
		for _, caller := range list {
			c := client(t, r, caller)
			_, err1 := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: pacs()}))
			_, err2 := c.CreateToken(t.Context(), connect.NewRequest(&v1.CreateTokenRequest{Name: "n", Role: proto.RoleViewer}))
			_, err3 := c.RevokeToken(t.Context(), connect.NewRequest(&v1.RevokeTokenRequest{TokenId: "x"}))
			_, err4 := c.ListTokens(t.Context(), connect.NewRequest(&v1.ListTokensRequest{}))
			for i, err := range []error{err1, err2, err3, err4} {
				if connect.CodeOf(err) != code {
					t.Errorf("%+v, command %d: %v, want %v", caller, i, err, code)
				}
			}
		}
	}
}

func TestBadCommandsAreRefused(t *testing.T) {
	s := newSite(t)
	r, _ := s.open(t)
	c := client(t, r, administrator)
	taken := pacs()
	taken.CertificateSha256 = bytes.Repeat([]byte{7}, 32)
	if _, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: taken})); err != nil {
		t.Fatal(err)
	}
	before, err := s.journal.Items()
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]func(*v1.SourceRegistered){
		"name":                func(s *v1.SourceRegistered) { s.Name = "PACS" },
		"name empty":          func(s *v1.SourceRegistered) { s.Name = "" },
		"name long":           func(s *v1.SourceRegistered) { s.Name = strings.Repeat("a", 64) },
		"name path":           func(s *v1.SourceRegistered) { s.Name = "../x" },
		"name taken":          func(s *v1.SourceRegistered) { s.Name = proto.OwnSource },
		"owner":               func(s *v1.SourceRegistered) { s.Owner = "a\nb" },
		"owner long":          func(s *v1.SourceRegistered) { s.Owner = strings.Repeat("a", 201) },
		"zone":                func(s *v1.SourceRegistered) { s.TimeZone = "Europe/Nowhere" },
		"zone empty":          func(s *v1.SourceRegistered) { s.TimeZone = "" },
		"zone of the machine": func(s *v1.SourceRegistered) { s.TimeZone = "Local" },
		"zone path":           func(s *v1.SourceRegistered) { s.TimeZone = "../../etc/passwd" },
		"policy":              func(s *v1.SourceRegistered) { s.IdentityPolicy = 0 },
		"policy unknown":      func(s *v1.SourceRegistered) { s.IdentityPolicy = 9 },
		"url http":            func(s *v1.SourceRegistered) { s.BaseUrl = "http://pacs.example" },
		"url user":            func(s *v1.SourceRegistered) { s.BaseUrl = "https://u:p@pacs.example" },
		"url query":           func(s *v1.SourceRegistered) { s.BaseUrl = "https://pacs.example/?a=b" },
		"url relative":        func(s *v1.SourceRegistered) { s.BaseUrl = "/fhir" },
		"systems":             func(s *v1.SourceRegistered) { s.Systems = make([]string, 101) },
		"system empty":        func(s *v1.SourceRegistered) { s.Systems = []string{""} },
		"silence":             func(s *v1.SourceRegistered) { s.ExpectedSilenceS = 1 << 31 },
		"pair":                func(s *v1.SourceRegistered) { s.PairWithinS = 3600 },
		"hash sent":           func(s *v1.SourceRegistered) { s.CredentialSha256 = make([]byte, 32) },
		"certificate short":   func(s *v1.SourceRegistered) { s.CertificateSha256 = []byte{1} },
		"certificate taken":   func(s *v1.SourceRegistered) { s.Name, s.CertificateSha256 = "other", bytes.Repeat([]byte{7}, 32) },
		"certificate local":   func(s *v1.SourceRegistered) { s.Name, s.CertificateSha256 = "local", make([]byte, 32) },
	}
	for name, spoil := range bad {
		source := pacs()
		spoil(source)
		_, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: source}))
		if connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("no source: %v", err)
	}
	tokens := map[string]*v1.CreateTokenRequest{
		"no name": {Role: proto.RoleViewer}, "role": {Name: "n", Role: "root"}, "no role": {Name: "n"},
		"past": {Name: "n", Role: proto.RoleViewer, ExpiresUs: start.UnixMicro()},
		"far":  {Name: "n", Role: proto.RoleViewer, ExpiresUs: start.Add(367 * 24 * time.Hour).UnixMicro()},
	}
	for name, req := range tokens {
		if _, err := c.CreateToken(t.Context(), connect.NewRequest(req)); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("token, %s: %v", name, err)
		}
	}
	after, err := s.journal.Items()
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) {
		t.Errorf("refused commands left %d entries", len(after)-len(before))
	}
}

func TestBusyJournalIsUnavailable(t *testing.T) {
	s := newSite(t)
	r, _ := s.open(t)
	s.journal.FailWith(ingest.ErrBusy)
	c := client(t, r, administrator)
	if _, err := c.RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: pacs()})); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if _, ok := r.ByName("pacs"); ok {
		t.Error("what was not journaled is in force")
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := register.Open(register.Config{TokenLifetime: -1}); err == nil {
		t.Error("an empty configuration is accepted")
	}
}
