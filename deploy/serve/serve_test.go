package serve_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/deploy/serve"
	"github.com/readtrail/readtrail/proto"
)

func open(t *testing.T, socket string, handler http.Handler) (*serve.Listeners, error) {
	t.Helper()
	return serve.Open(serve.Config{
		HTTP: "127.0.0.1:0", Socket: socket, Handler: handler, Logger: slog.New(slog.DiscardHandler),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return ctx },
	})
}

func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
}

func TestBothDoorsAnswerAndDrain(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	entered, leave := make(chan struct{}), make(chan struct{})
	routes := http.NewServeMux()
	serve.Operations(routes, prometheus.NewRegistry(), func(context.Context) serve.Health { return serve.Health{} })
	routes.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "whole answer")
	})
	l, err := open(t, socket, routes)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, mode %v; want 0600", err, info.Mode())
	}
	for name, get := range map[string]func() (*http.Response, error){
		"tcp":  func() (*http.Response, error) { return http.Get("http://" + l.Address() + "/readyz") },
		"unix": func() (*http.Response, error) { return overSocket(socket).Get("http://x/healthz") },
	} {
		res, err := get()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %v, %v", name, res, err)
		}
	}
	answer := make(chan string, 1)
	go func() {
		res, err := overSocket(socket).Get("http://x/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- l.Stop(t.Context()) }()
	close(leave)
	if got := <-answer; got != "whole answer" {
		t.Errorf("a request that ran at the stop got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestSocketIsNotTakenFromARunningServer(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	first, err := open(t, socket, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, socket, http.NotFoundHandler()); err == nil || !strings.Contains(err.Error(), "another server answers") {
		t.Errorf("second server: %v; want a refusal", err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What a killed process leaves behind is a file that nobody answers on.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := open(t, socket, http.NotFoundHandler())
	if err != nil {
		t.Fatalf("stale socket: %v", err)
	}
	if err := again.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNotReadySaysNoMore(t *testing.T) {
	routes := http.NewServeMux()
	serve.Operations(routes, prometheus.NewRegistry(), func(context.Context) serve.Health {
		return serve.Health{Missing: errors.New("dial 10.1.2.3: refused"), Notes: []serve.Note{{About: "clock", Text: "is wrong"}}}
	})
	socket := filepath.Join(t.TempDir(), "s")
	l, err := open(t, socket, routes)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop(t.Context())
	res, err := http.Get("http://" + l.Address() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusServiceUnavailable || string(body) != "not ready\nclock: is wrong\n" {
		t.Errorf("readyz: %d %q", res.StatusCode, body)
	}
}

// TestReadyWithNotes: what someone must act on is said, and is no reason to send nothing here.
func TestReadyWithNotes(t *testing.T) {
	routes := http.NewServeMux()
	serve.Operations(routes, prometheus.NewRegistry(), func(context.Context) serve.Health {
		return serve.Health{Notes: []serve.Note{{About: "clock", Text: "is ahead"}, {About: "projections", Text: "are behind"}}}
	})
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if want := "ready\nclock: is ahead\nprojections: are behind\n"; w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("readyz: %d %q, want %q", w.Code, w.Body, want)
	}
}

func TestStopsRunInReverseAndAllOfThem(t *testing.T) {
	var order []string
	var stops serve.Stops
	broken := errors.New("broken")
	for _, name := range []string{"journal", "followers", "listeners"} {
		stops.Add(name, func(ctx context.Context) error {
			order = append(order, name)
			if _, bounded := ctx.Deadline(); !bounded {
				t.Errorf("%s: no bound", name)
			}
			if name == "followers" {
				return broken
			}
			return nil
		})
	}
	if err := stops.Run(t.Context(), time.Minute, slog.New(slog.DiscardHandler)); !errors.Is(err, broken) {
		t.Errorf("error %v; want the one of the broken step", err)
	}
	if diff := cmp.Diff([]string{"listeners", "followers", "journal"}, order); diff != "" {
		t.Error(diff)
	}
}

func TestAwait(t *testing.T) {
	asked := 0
	err := serve.Await(t.Context(), func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || asked != 3 {
		t.Errorf("awaited with %v after %d questions; want 3", err, asked)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := serve.Await(ended, func(context.Context) error { return errors.New("never") }); !errors.Is(err, context.Canceled) {
		t.Errorf("awaited what never comes: %v", err)
	}
}

func TestMetricsAreNotForSources(t *testing.T) {
	routes := http.NewServeMux()
	serve.Operations(routes, prometheus.NewRegistry(), func(context.Context) serve.Health { return serve.Health{} })
	for _, tt := range []struct {
		caller proto.Caller
		want   int
	}{
		{proto.Caller{}, http.StatusForbidden},
		{proto.Caller{Name: "source:ehr", Source: "ehr"}, http.StatusForbidden},
		{proto.Caller{Name: "token:1", Role: proto.RoleViewer}, http.StatusOK},
		{proto.Caller{Name: "os:root", Role: proto.RoleAdministrator}, http.StatusOK},
	} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		routes.ServeHTTP(w, req.WithContext(proto.WithCaller(req.Context(), tt.caller)))
		if w.Code != tt.want {
			t.Errorf("%q: %d, want %d", tt.caller.Name, w.Code, tt.want)
		}
	}
}
