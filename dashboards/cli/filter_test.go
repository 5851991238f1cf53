package cli_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/dashboards/cli"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// filters notes the filter of each question, and makes a link.
type filters struct {
	readtrailv1connect.UnimplementedQueryServiceHandler
	readtrailv1connect.UnimplementedSignInServiceHandler
	asked    *v1.AccessFilter
	role     string
	profile  *v1.ReaderProfileResponse
	compared *v1.ReaderProfileRequest
}

func (f *filters) WhoViewed(_ context.Context, req *connect.Request[v1.WhoViewedRequest]) (*connect.Response[v1.WhoViewedResponse], error) {
	f.asked = req.Msg.Filter
	return connect.NewResponse(record()), nil
}

func (f *filters) CreateLink(_ context.Context, req *connect.Request[v1.CreateLinkRequest]) (*connect.Response[v1.CreateLinkResponse], error) {
	f.role = req.Msg.Role
	return connect.NewResponse(&v1.CreateLinkResponse{Url: "http://127.0.0.1:8470/sign-in#secret", ExpiresUs: day, Role: "viewer"}), nil
}

func (f *filters) serve(t *testing.T) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewQueryServiceHandler(f))
	mux.Handle(readtrailv1connect.NewSignInServiceHandler(f))
	server := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(on) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	conn, err := cli.Target{}.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestFilterFlags(t *testing.T) {
	f := &filters{}
	q := cli.WhoViewed{Patient: "42", Purpose: "complaint 12", Only: cli.Only{
		Action: "print", Department: "Billing", Failed: true, Deliberate: true, Verdicts: cli.Verdicts{Verdict: []string{"not-judged", "unexplained"}},
	}}
	if err := q.Run(context.Background(), f.serve(t), io.Discard); err != nil {
		t.Fatal(err)
	}
	want := &v1.AccessFilter{
		Action: v1.Action_ACTION_PRINT, Department: "Billing", Failed: true, WithoutIncidental: true,
		Verdicts: []v1.Verdict{v1.Verdict_VERDICT_UNSPECIFIED, v1.Verdict_VERDICT_UNEXPLAINED},
	}
	if diff := cmp.Diff(want, f.asked, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// The link stands alone on its line, for programs; what it means is told aside.
func TestLink(t *testing.T) {
	f := &filters{}
	conn := f.serve(t)
	var out, aside lines
	conn.Aside = &aside
	if err := (cli.Link{Role: "viewer"}).Run(context.Background(), conn, &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines{"http://127.0.0.1:8470/sign-in#secret\n"}, out); diff != "" || f.role != "viewer" || len(aside) == 0 {
		t.Errorf("%s role %q, aside %q", diff, f.role, aside)
	}
}

type lines []string

func (l *lines) Write(b []byte) (int, error) {
	*l = append(*l, string(b))
	return len(b), nil
}
