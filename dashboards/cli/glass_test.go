package cli_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// glazier breaks and lists glasses, and notes what questions carry.
type glazier struct {
	readtrailv1connect.UnimplementedGlassServiceHandler
	readtrailv1connect.UnimplementedQueryServiceHandler
	refusal  error
	reason   string
	reviewed *v1.ReviewBrokenGlassRequest
	carried  []string
}

const aGlass = "2Zs4T8sD1pS1o3yM1sYQbS3rT3a"

func (g *glazier) BreakGlass(_ context.Context, req *connect.Request[v1.BreakGlassRequest]) (*connect.Response[v1.BreakGlassResponse], error) {
	if g.reason = req.Msg.Reason; g.refusal != nil {
		return nil, g.refusal
	}
	return connect.NewResponse(&v1.BreakGlassResponse{GlassId: aGlass, UntilUs: day}), nil
}

func (g *glazier) ListBrokenGlass(context.Context, *connect.Request[v1.ListBrokenGlassRequest]) (*connect.Response[v1.ListBrokenGlassResponse], error) {
	return connect.NewResponse(&v1.ListBrokenGlassResponse{Header: &v1.AnswerHeader{TimeZone: "UTC"}, Waiting: 1, Rows: []*v1.BrokenGlassRow{{
		GlassId: aGlass, Asker: "oidc:kim", Role: proto.RoleInvestigator, Reason: "other site \x1b[31masks", AtUs: day, UntilUs: day + 900e6, Answers: 2, Rows: 17,
		Limits: &v1.Limits{Sites: []string{"North"}},
	}}}), nil
}

func (g *glazier) ReviewBrokenGlass(_ context.Context, req *connect.Request[v1.ReviewBrokenGlassRequest]) (*connect.Response[v1.ReviewBrokenGlassResponse], error) {
	g.reviewed = req.Msg
	return connect.NewResponse(&v1.ReviewBrokenGlassResponse{Position: 77}), nil
}

func (g *glazier) GetStatus(_ context.Context, req *connect.Request[v1.GetStatusRequest]) (*connect.Response[v1.GetStatusResponse], error) {
	g.carried = append(g.carried, req.Header().Get(proto.GlassHeader))
	return connect.NewResponse(&v1.GetStatusResponse{}), nil
}

func (g *glazier) serve(t *testing.T) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewGlassServiceHandler(g))
	mux.Handle(readtrailv1connect.NewQueryServiceHandler(g))
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

// TestBreakGlass: what a command asks after it broke the glass carries it, and a glass that stays whole is an error that says why.
func TestBreakGlass(t *testing.T) {
	g := &glazier{}
	conn := g.serve(t)
	var aside bytes.Buffer
	conn.Aside = &aside
	ask := func() {
		if err := (cli.Status{}).Run(t.Context(), conn, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	if err := conn.BreakGlass(t.Context(), "the other site asks for help"); err != nil {
		t.Fatal(err)
	}
	ask()
	if g.reason != "the other site asks for help" || len(g.carried) != 2 || g.carried[0] != "" || g.carried[1] != aGlass || !strings.Contains(aside.String(), aGlass) {
		t.Errorf("reason %q, carried %q, told %q", g.reason, g.carried, aside.String())
	}
	g.refusal = connect.NewError(connect.CodeInvalidArgument, errors.New("reason: say why in words"))
	if err := conn.BreakGlass(t.Context(), "x"); err == nil || !strings.Contains(cli.Explain(err), "--break-the-glass: say why in words") {
		t.Errorf("%v", err)
	}
}

// TestGlassIsListedAndReviewed: who broke it, how far, why, and what a reviewer says.
func TestGlassIsListedAndReviewed(t *testing.T) {
	g := &glazier{}
	conn := g.serve(t)
	var out bytes.Buffer
	if err := (cli.GlassList{Limit: 50}).Run(t.Context(), conn, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 waits for a review", "oidc:kim", "sites: North", "17", aGlass, "waits for a review"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a control character reaches the terminal")
	}
	out.Reset()
	err := cli.GlassReview{Glass: aGlass, Verdict: "not-justified", Note: "no need"}.Run(t.Context(), conn, &out)
	if err != nil || g.reviewed.Verdict != v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED || g.reviewed.Note != "no need" || g.reviewed.GlassId != aGlass {
		t.Errorf("%v, %v", g.reviewed, err)
	}
}
