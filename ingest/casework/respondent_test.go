package casework_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRespondentsAnswerAndCommandNothing walks every method of the service: a respondent, and a viewer, may answer what they are asked, and
// is refused every other command.
func TestRespondentsAnswerAndCommandNothing(t *testing.T) {
	o := newOffice(t)
	_, handler := o.service.Handler()
	for _, role := range []string{proto.RoleRespondent, proto.RoleViewer} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), proto.Caller{Name: "oidc:jo", Role: role})))
		}))
		t.Cleanup(server.Close)
		methods := v1.File_readtrail_v1_alerts_proto.Services().ByName("CaseworkService").Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			want := connect.CodePermissionDenied
			if m.Name() == "AnswerQuestion" {
				want = connect.CodeInvalidArgument // of no question
			}
			path := strings.Join([]string{server.URL, string(m.Parent().FullName()), string(m.Name())}, "/")
			client := connect.NewClient[emptypb.Empty, emptypb.Empty](server.Client(), path)
			if _, err := client.CallUnary(context.Background(), connect.NewRequest(&emptypb.Empty{})); connect.CodeOf(err) != want {
				t.Errorf("%s, %s: %v", role, m.Name(), err)
			}
		}
		if methods.Len() < 6 {
			t.Errorf("only %d methods", methods.Len())
		}
	}
	if n := len(o.Kept()); n != 0 {
		t.Errorf("%d entries", n)
	}
}
