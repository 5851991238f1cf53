package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

func (s *site) createLink(caller proto.Caller, role string) error {
	_, handler := s.console.SignInHandler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), caller)))
	}))
	defer server.Close()
	_, err := readtrailv1connect.NewSignInServiceClient(server.Client(), server.URL).
		CreateLink(context.Background(), connect.NewRequest(&v1.CreateLinkRequest{Role: role}))
	return err
}

// Links are for users of this machine, of their role at most.
func TestWhoGetsLinks(t *testing.T) {
	local := proto.Caller{Name: "os:alex", Role: proto.RoleInvestigator, Local: true}
	for name, c := range map[string]struct {
		caller proto.Caller
		role   string
		edit   func(*console.Config)
		want   connect.Code
	}{
		"own role":         {caller: local},
		"less":             {caller: local, role: proto.RoleViewer},
		"more":             {caller: local, role: proto.RoleAdministrator, want: connect.CodePermissionDenied},
		"too much":         {caller: local, role: strings.Repeat("x", 65<<10), want: connect.CodeResourceExhausted},
		"no role of ours":  {caller: local, role: "boss", want: connect.CodeInvalidArgument},
		"token":            {caller: proto.Caller{Name: "token:1", Role: proto.RoleAdministrator}, want: connect.CodePermissionDenied},
		"source":           {caller: proto.Caller{Name: "source:ehr", Source: "ehr"}, want: connect.CodePermissionDenied},
		"nobody":           {want: connect.CodePermissionDenied},
		"links turned off": {caller: local, edit: func(c *console.Config) { c.LinkValid = 0 }, want: connect.CodeFailedPrecondition},
		"console is off":   {caller: local, edit: func(c *console.Config) { c.Disabled = true }, want: connect.CodeFailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			edits := []func(*console.Config){}
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			err := newSite(t, edits...).createLink(c.caller, c.role)
			if (err == nil) != (c.want == 0) || err != nil && connect.CodeOf(err) != c.want {
				t.Errorf("%v, want code %v", err, c.want)
			}
		})
	}
}

// Each failure of the API has its page, which says what to do and names nobody; what is not made for people is not shown.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"not journaled":  {connect.NewError(connect.CodeUnavailable, errors.New("the question could not be journaled, so it is not answered: ask again in a moment")), http.StatusServiceUnavailable, "So it is not answered"},
		"not understood": {connect.NewError(connect.CodeInvalidArgument, errors.New(`patient: write it as "12345"`)), http.StatusBadRequest, "Patient: write it as"},
		"rebuilt":        {connect.NewError(connect.CodeFailedPrecondition, errors.New("page.token: ask for the first page again")), http.StatusBadRequest, "first page again"},
		"too long":       {connect.NewError(connect.CodeDeadlineExceeded, errors.New("the answer took too long")), http.StatusGatewayTimeout, "took too long"},
		"not found":      {connect.NewError(connect.CodeNotFound, errors.New("the journal holds no such event")), http.StatusNotFound, "no such event"},
		"forbidden":      {connect.NewError(connect.CodePermissionDenied, errors.New("no")), http.StatusForbidden, "Your role may not see this"},
		"internal":       {connect.NewError(connect.CodeInternal, errors.New("the answer could not be computed")), http.StatusInternalServerError, "could not be"},
		"anything else":  {errors.New("dial 10.1.2.3: Uma Ward"), http.StatusInternalServerError, "Something went wrong here"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.api.record, s.api.fails = record(), c.err
			b := s.signedIn(proto.RoleInvestigator)
			path, page := b.open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
			if page.status != c.status || !strings.Contains(strings.ToLower(page.body), strings.ToLower(c.says)) || named(page.body) || strings.Contains(page.body, "10.1.2.3") {
				t.Errorf("%d\n%s", page.status, page.body)
			}
			part := b.get(path, func(r *http.Request) { r.Header.Set("Hx-Request", "true") })
			if part.status != c.status || !strings.HasPrefix(part.body, "<tbody") || !strings.Contains(part.body, `role="alert"`) {
				t.Errorf("part: %d\n%s", part.status, part.body)
			}
		})
	}
}
