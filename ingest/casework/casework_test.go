package casework_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/casework"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

const (
	inReview     = v1.Disposition_DISPOSITION_IN_REVIEW
	misuse       = v1.Disposition_DISPOSITION_MISUSE
	appropriate  = v1.Disposition_DISPOSITION_APPROPRIATE
	inconclusive = v1.Disposition_DISPOSITION_INCONCLUSIVE
	reopened     = v1.Disposition_DISPOSITION_REOPENED
)

var now = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// office is a service on a real journal. Its read side knows one alert, of two versions, and what the journal held when it was last
// told to look: it lags.
type office struct {
	*ingesttest.Rig
	t       *testing.T
	alert   proto.EventID
	service *casework.Service
	logged  bytes.Buffer

	// later is how far the clock has gone.
	later time.Duration

	mu      sync.Mutex
	version uint32
	known   []ingesttest.Kept
	// shown are accesses that there are.
	shown map[proto.EventID]bool
	// doubts are what the read side says of whom questions are put to, by name; doubting fails that.
	doubts   map[string]*v1.AddresseeDoubt
	doubting error
	// untold are owners whose shared views the read side tells nobody.
	untold map[string]bool
	// more are further alerts; about says of which alerts who is the reader.
	more  map[proto.EventID]bool
	about map[string]proto.EventID
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{Rig: ingesttest.Open(t), t: t, version: 2}
	o.alert = proto.NewEventID(proto.EventIdentity{Source: "alert", Key: []byte("one"), Recorded: now})
	o.service = o.open()
	return o
}

// open is a service as another process would start it: it remembers nothing.
func (o *office) open() *casework.Service {
	o.t.Helper()
	s, err := casework.New(casework.Config{
		Append: o, Alert: o.find, Case: o.findCase, Views: o.findViews, ViewTold: o.tellView, Question: o.findQuestion, Shown: o.findShown, AddresseeDoubt: o.findDoubt, Import: o.findImport, Now: func() time.Time { return now.Add(o.later) },
		Logger: slog.New(slog.NewTextHandler(&o.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

// look lets the read side catch up.
func (o *office) look() {
	kept := o.Kept()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known = kept
}

func (o *office) find(ctx context.Context, id proto.EventID) (casework.Alert, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id != o.alert && !o.more[id] || o.about[proto.CallerFrom(ctx).Name] == id {
		return casework.Alert{}, false, nil
	}
	a := casework.Alert{Version: o.version}
	for _, k := range o.known {
		if d := k.Item.GetAlertDecision(); d != nil {
			a.Decided, a.Latest = k.Position, d
		}
	}
	return a, true, nil
}

func (o *office) findImport(_ context.Context, id []byte) (casework.Import, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	released := false
	for _, k := range o.known {
		released = released || bytes.Equal(k.Item.GetBackfillReleased().GetImportId(), id)
	}
	switch string(id) {
	case "year":
		return casework.Import{Backfill: true, Ended: true, Released: released}, true, nil
	case "running":
		return casework.Import{Backfill: true}, true, nil
	case "live":
		return casework.Import{Ended: true}, true, nil
	}
	return casework.Import{}, false, nil
}

func caller(role, name string) context.Context {
	return proto.WithCaller(context.Background(), proto.Caller{Name: name, Role: role})
}

func (o *office) decide(ctx context.Context, d v1.Disposition, edit ...func(*v1.DecideAlertRequest)) (uint64, connect.Code) {
	m := &v1.DecideAlertRequest{Alert: o.alert.String(), Version: 2, Disposition: d}
	for _, f := range edit {
		f(m)
	}
	res, err := o.service.DecideAlert(ctx, connect.NewRequest(m))
	if err != nil {
		return 0, connect.CodeOf(err)
	}
	return res.Msg.Position, 0
}

// decisions are those in the journal.
func (o *office) decisions() (out []*v1.AlertDecision) {
	for _, k := range o.Kept() {
		if d := k.Item.GetAlertDecision(); d != nil {
			out = append(out, d)
		}
	}
	return out
}

// TestWhoMayDecideWhat walks every role over every state of an alert and every decision.
func TestWhoMayDecideWhat(t *testing.T) {
	const denied, failed = connect.CodePermissionDenied, connect.CodeFailedPrecondition
	states := map[string]func(o *office){
		"waiting":   func(*office) {},
		"own":       func(o *office) { o.decide(caller(proto.RoleInvestigator, "me"), inReview) },
		"another's": func(o *office) { o.decide(caller(proto.RoleInvestigator, "they"), inReview) },
		"judged":    func(o *office) { o.decide(caller(proto.RolePrivacyOfficer, "they"), misuse) },
		"reopened": func(o *office) {
			o.decide(caller(proto.RolePrivacyOfficer, "they"), misuse)
			o.decide(caller(proto.RolePrivacyOfficer, "they"), reopened)
		},
	}
	type codes map[v1.Disposition]connect.Code
	officer := map[string]codes{
		"waiting":   {inReview: 0, misuse: 0, appropriate: 0, inconclusive: 0, reopened: failed},
		"own":       {inReview: 0, misuse: 0, appropriate: 0, inconclusive: 0, reopened: 0},
		"another's": {inReview: 0, misuse: 0, appropriate: 0, inconclusive: 0, reopened: 0},
		"judged":    {inReview: 0, misuse: 0, appropriate: 0, inconclusive: 0, reopened: 0},
		"reopened":  {inReview: 0, misuse: 0, appropriate: 0, inconclusive: 0, reopened: failed},
	}
	none := codes{inReview: denied, misuse: denied, appropriate: denied, inconclusive: denied, reopened: denied}
	nobody := codes{inReview: connect.CodeUnauthenticated, misuse: connect.CodeUnauthenticated, reopened: connect.CodeUnauthenticated}
	want := map[string]map[string]codes{
		proto.RolePrivacyOfficer: officer, proto.RoleAdministrator: officer,
		proto.RoleInvestigator: {
			"waiting":   {inReview: 0, misuse: denied, appropriate: denied, inconclusive: denied, reopened: failed},
			"own":       {inReview: 0, misuse: denied, appropriate: denied, inconclusive: denied, reopened: 0},
			"another's": {inReview: failed, misuse: denied, appropriate: denied, inconclusive: denied, reopened: failed},
			"judged":    {inReview: failed, misuse: denied, appropriate: denied, inconclusive: denied, reopened: denied},
			"reopened":  {inReview: 0, misuse: denied, appropriate: denied, inconclusive: denied, reopened: failed},
		},
	}
	for _, role := range []string{proto.RoleViewer, ""} { // a source has no role
		want[role] = map[string]codes{"waiting": none, "own": none, "another's": none, "judged": none, "reopened": none}
	}
	want["nobody"] = map[string]codes{"waiting": nobody}
	o := newOffice(t)
	for role, byState := range want {
		for state, byDisposition := range byState {
			for d, code := range byDisposition {
				o.alert = proto.NewEventID(proto.EventIdentity{Source: "alert", Key: []byte(role + state + d.String()), Recorded: now})
				states[state](o)
				ctx := caller(role, "me")
				if role == "nobody" {
					ctx = context.Background()
				}
				before := len(o.decisions())
				_, got := o.decide(ctx, d)
				if got != code {
					t.Errorf("%s, %s, %s: %v, want %v", role, state, d, got, code)
				}
				repeated := state == "own" && d == inReview && role == proto.RoleInvestigator
				if kept := len(o.decisions()) - before; (kept == 1) != (code == 0 && !repeated) {
					t.Errorf("%s, %s, %s: %d kept", role, state, d, kept)
				}
			}
		}
	}
}

// TestDecisionIsKept: the entry says who decided what on which version, and the same command again changes nothing.
func TestDecisionIsKept(t *testing.T) {
	o := newOffice(t)
	comment := "Asked the ward:\nno referral. " + strings.Repeat("ä", 1900)
	write := func(m *v1.DecideAlertRequest) { m.Comment = comment }
	officer := caller(proto.RolePrivacyOfficer, "token:7")
	first, code := o.decide(officer, misuse, write)
	if code != 0 {
		t.Fatal(code)
	}
	want := []*v1.AlertDecision{{
		AlertId: o.alert.Bytes(), Version: 2, Disposition: misuse, Comment: comment, Asker: "token:7", Role: proto.RolePrivacyOfficer, DecidedUs: now.UnixMicro(),
	}}
	for _, step := range []string{"at once", "after the read side caught up", "after a restart"} {
		if step != "at once" {
			o.look()
		}
		if step == "after a restart" {
			o.service = o.open()
		}
		if again, code := o.decide(officer, misuse, write); again != first || code != 0 {
			t.Errorf("%s: position %d, %v; want %d", step, again, code, first)
		}
		if diff := cmp.Diff(want, o.decisions(), protocmp.Transform()); diff != "" {
			t.Fatalf("%s: %s", step, diff)
		}
	}
	for _, secret := range []string{"referral", "ward", o.alert.String()} {
		if strings.Contains(o.logged.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(o.logged.String(), "DISPOSITION_MISUSE") {
		t.Error("the log does not say what kind of decision was taken")
	}
}

func TestRefusals(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "me")
	for name, tt := range map[string]struct {
		edit func(*v1.DecideAlertRequest)
		want connect.Code
	}{
		"an older version":    {func(m *v1.DecideAlertRequest) { m.Version = 1 }, connect.CodeAborted},
		"a version to come":   {func(m *v1.DecideAlertRequest) { m.Version = 3 }, connect.CodeInvalidArgument},
		"no version":          {func(m *v1.DecideAlertRequest) { m.Version = 0 }, connect.CodeInvalidArgument},
		"no disposition":      {func(m *v1.DecideAlertRequest) { m.Disposition = 0 }, connect.CodeInvalidArgument},
		"unknown disposition": {func(m *v1.DecideAlertRequest) { m.Disposition = 77 }, connect.CodeInvalidArgument},
		"no id":               {func(m *v1.DecideAlertRequest) { m.Alert = "" }, connect.CodeInvalidArgument},
		"another alert": {func(m *v1.DecideAlertRequest) {
			m.Alert = proto.NewEventID(proto.EventIdentity{Recorded: now}).String()
		}, connect.CodeNotFound},
		"a long comment":        {func(m *v1.DecideAlertRequest) { m.Comment = strings.Repeat("ä", 2001) }, connect.CodeInvalidArgument},
		"control characters":    {func(m *v1.DecideAlertRequest) { m.Comment = "\x1b[31m" }, connect.CodeInvalidArgument},
		"what is not text":      {func(m *v1.DecideAlertRequest) { m.Comment = "\xff" }, connect.CodeInvalidArgument},
		"a full disk, and well": {func(*v1.DecideAlertRequest) { o.Fail = func([]ingest.Entry) error { return errors.New("disk full") } }, connect.CodeUnavailable},
	} {
		if _, got := o.decide(officer, appropriate, tt.edit); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		o.Fail = nil
	}
	if n := len(o.decisions()); n != 0 {
		t.Errorf("%d decisions are kept", n)
	}
}

// TestTwoInvestigatorsTakeOneAlert: of many who take an alert up at once one has it, and the others are told.
func TestTwoInvestigatorsTakeOneAlert(t *testing.T) {
	o := newOffice(t)
	var all sync.WaitGroup
	got := make([]connect.Code, 8)
	for i := range got {
		all.Go(func() { _, got[i] = o.decide(caller(proto.RoleInvestigator, string(rune('a'+i))), inReview) })
	}
	all.Wait()
	taken := 0
	for _, code := range got {
		switch code {
		case 0:
			taken++
		case connect.CodeFailedPrecondition:
		default:
			t.Errorf("refused with %v", code)
		}
	}
	if taken != 1 || len(o.decisions()) != 1 {
		t.Errorf("%d have it, %d decisions are kept", taken, len(o.decisions()))
	}
}

func TestReleaseBackfill(t *testing.T) {
	o := newOffice(t)
	release := func(role, id string) connect.Code {
		_, err := o.service.ReleaseBackfill(caller(role, "me"), connect.NewRequest(&v1.ReleaseBackfillRequest{ImportId: id}))
		if err != nil {
			return connect.CodeOf(err)
		}
		return 0
	}
	text := func(id string) string { return hex.EncodeToString([]byte(id)) }
	const officer = proto.RolePrivacyOfficer
	for _, tt := range []struct {
		role, id string
		want     connect.Code
	}{
		{proto.RoleInvestigator, text("year"), connect.CodePermissionDenied},
		{officer, "no hex", connect.CodeInvalidArgument},
		{officer, "", connect.CodeInvalidArgument},
		{officer, text("unknown"), connect.CodeNotFound},
		{officer, text("live"), connect.CodeFailedPrecondition},
		{officer, text("running"), connect.CodeFailedPrecondition},
		{officer, text("year"), 0},
		{proto.RoleAdministrator, text("year"), connect.CodeAlreadyExists},
	} {
		if got := release(tt.role, tt.id); got != tt.want {
			t.Errorf("%s, %q: %v, want %v", tt.role, tt.id, got, tt.want)
		}
	}
	o.look()
	o.service = o.open()
	if got := release(officer, text("year")); got != connect.CodeAlreadyExists {
		t.Errorf("after a restart: %v", got)
	}
	var kept []*v1.BackfillReleased
	for _, k := range o.Kept() {
		if b := k.Item.GetBackfillReleased(); b != nil {
			kept = append(kept, b)
		}
	}
	if diff := cmp.Diff([]*v1.BackfillReleased{{ImportId: []byte("year"), Asker: "me"}}, kept, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// TestOversizedRequest: what is longer than any comment is not even read.
func TestOversizedRequest(t *testing.T) {
	o := newOffice(t)
	path, handler := o.service.Handler()
	mux := http.NewServeMux()
	mux.Handle(path, handler)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), proto.Caller{Name: "me", Role: proto.RolePrivacyOfficer})))
	}))
	defer server.Close()
	client := readtrailv1connect.NewCaseworkServiceClient(server.Client(), server.URL)
	_, err := client.DecideAlert(t.Context(), connect.NewRequest(&v1.DecideAlertRequest{
		Alert: o.alert.String(), Version: 2, Disposition: misuse, Comment: strings.Repeat("x", 64<<10),
	}))
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("%v", err)
	}
}
