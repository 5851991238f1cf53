package acceptance_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// A respondent's token opens two calls of the real process and no other: every call of every service is tried, so that one that is added
// is refused to them, or is said here; and so is every other route.
func TestRespondentAtEveryDoor(t *testing.T) {
	s := newServer(t)
	s.mustStart()
	res, err := readtrailv1connect.NewRegisterServiceClient(s.http, "http://readtrail").CreateToken(t.Context(), connect.NewRequest(&v1.CreateTokenRequest{
		Name: "jo", Role: proto.RoleRespondent, ExpiresUs: time.Now().Add(time.Hour).UnixMicro(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	v := visitor{s, res.Msg.Token}

	var open []string
	for _, m := range calls() {
		kind, body := "application/json", "{}"
		if m.IsStreamingServer() || m.IsStreamingClient() {
			kind, body = "application/connect+json", "\x00\x00\x00\x00\x02{}"
		}
		a := v.send("POST", "/"+string(m.Parent().FullName())+"/"+string(m.Name()), kind, body)
		if !strings.Contains(a.body, `"code":"permission_denied"`) {
			open = append(open, string(m.FullName()))
		}
	}
	want := []string{"readtrail.v1.CaseService.MyQuestions", "readtrail.v1.CaseworkService.AnswerQuestion"}
	if diff := cmp.Diff(want, open); diff != "" {
		t.Errorf("calls that are not refused: %s", diff)
	}

	for _, door := range []struct {
		method, path, kind string
		want               int
	}{
		{"GET", "/metrics", "", http.StatusForbidden},
		{"GET", "/fhir/AuditEvent", "", http.StatusForbidden},
		{"GET", "/fhir/AuditEvent/x", "", http.StatusForbidden},
		{"POST", "/fhir/AuditEvent/_search", "application/x-www-form-urlencoded", http.StatusForbidden},
		{"POST", "/fhir/AuditEvent", "application/fhir+json", http.StatusForbidden},
		{"POST", "/fhir", "application/fhir+json", http.StatusForbidden},
		{"POST", "/import", "application/fhir+ndjson", http.StatusForbidden},
		{"GET", "/import/", "", http.StatusForbidden},
		{"POST", "/detectors/replay", "application/json", http.StatusForbidden},
		// A token is no session of the console.
		{"GET", "/", "", http.StatusSeeOther},
		{"GET", "/questions", "", http.StatusSeeOther},
		{"GET", "/alerts/live", "", http.StatusSeeOther},
		{"GET", "/debug/pprof/", "", http.StatusNotFound},
		// What anybody may read: it is about nobody.
		{"GET", "/fhir/metadata", "", http.StatusOK},
		{"GET", "/openapi.json", "", http.StatusOK},
		{"GET", "/healthz", "", http.StatusOK},
		{"GET", "/readyz", "", http.StatusOK},
	} {
		if a := v.send(door.method, door.path, door.kind, "{}"); a.status != door.want {
			t.Errorf("%s %s: %d, want %d: %q", door.method, door.path, a.status, door.want, a.body)
		}
	}
}

// calls are those of every service of the schema, by name.
func calls() (out []protoreflect.MethodDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage("readtrail.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for k := range methods.Len() {
				out = append(out, methods.Get(k))
			}
		}
		return true
	})
	slices.SortFunc(out, func(a, b protoreflect.MethodDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return out
}

// visitor sends requests with a token.
type visitor struct {
	*server
	token string
}

// reply is what came back: the status, and how the body begins.
type reply struct {
	status int
	body   string
}

func (v visitor) send(method, path, kind, body string) reply {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+v.token)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Purpose-Of-Use", "curious")
	res, err := v.http.Transport.RoundTrip(req) // follows nothing
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	begins, err := io.ReadAll(io.LimitReader(res.Body, 300))
	if err != nil {
		v.t.Fatal(err)
	}
	return reply{res.StatusCode, string(begins)}
}
