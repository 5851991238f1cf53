package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/doctor"
	"github.com/readtrail/readtrail/deploy/serve"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// examine looks at an empty data directory, with a server of that health.
func examine(t *testing.T, health serve.Health) (map[string]doctor.Finding, string) {
	t.Helper()
	return examineOf(t, health, status{})
}

// status is a server that says so of itself; nil: it does not answer.
type status struct {
	readtrailv1connect.UnimplementedQueryServiceHandler
	is *v1.GetStatusResponse
}

func (s status) GetStatus(context.Context, *connect.Request[v1.GetStatusRequest]) (*connect.Response[v1.GetStatusResponse], error) {
	if s.is == nil {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("not yet"))
	}
	return connect.NewResponse(s.is), nil
}

// TestBrokenGlassThatNobodyReviewed: for three days it may wait; then the installation is not well. None is not spoken of.
func TestBrokenGlassThatNobodyReviewed(t *testing.T) {
	for name, tt := range map[string]struct {
		n        uint64
		ago      time.Duration
		told, ok bool
	}{
		"none": {0, 0, false, false}, "just now": {1, time.Minute, true, true}, "nearly three days": {2, 72*time.Hour - time.Minute, true, true},
		"three days": {2, 72 * time.Hour, true, false},
	} {
		is := &v1.GetStatusResponse{GlassUnreviewed: tt.n}
		if tt.n > 0 {
			is.GlassUnreviewedSinceUs = time.Now().Add(-tt.ago).UnixMicro()
		}
		found, text := examineOf(t, serve.Health{}, status{is: is})
		f, told := found["broken glass"]
		if told != tt.told || f.OK != tt.ok || told && !strings.Contains(f.Found, fmt.Sprint(tt.n, " not reviewed")) {
			t.Errorf("%s: %+v", name, f)
		}
		if fails := strings.Contains(text, "FAIL  broken glass"); fails != (told && !tt.ok) || fails && !strings.Contains(text, "readtrail glass review") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func examineOf(t *testing.T, health serve.Health, says status) (map[string]doctor.Finding, string) {
	t.Helper()
	dir := t.TempDir()
	cfg, err := config.Load("", []string{"READTRAIL_DATA_DIR=" + filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	serve.Operations(routes, prometheus.NewRegistry(), func(context.Context) serve.Health { return health })
	routes.Handle(readtrailv1connect.NewQueryServiceHandler(says))
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	findings := doctor.Examine(t.Context(), doctor.Config{
		Config: cfg, HTTP: server.Client(), Base: server.URL, Library: func() (string, error) { return "libchdb.so", nil },
		Confined: func() (string, bool) { return "not confined: no Landlock", false },
	})
	byCheck := map[string]doctor.Finding{}
	for _, f := range findings {
		byCheck[f.Check] = f
	}
	var text strings.Builder
	if err := doctor.Report(&text, findings, false); !errors.Is(err, doctor.ErrUnwell) {
		t.Errorf("a server that does not say how durable it is: %v", err)
	}
	return byCheck, text.String()
}

// TestWhatTheServerSaysOfItself: notes of /readyz are findings that are not well, with a remedy.
func TestWhatTheServerSaysOfItself(t *testing.T) {
	found, text := examine(t, serve.Health{Notes: []serve.Note{{About: "clock", Text: "it is ahead by 3h"}}})
	if f := found["clock"]; f.OK || f.Found != "it is ahead by 3h" || !strings.Contains(f.Do, "A wrong clock") {
		t.Errorf("clock: %+v", f)
	}
	if _, told := found["ready"]; told {
		t.Error("it is ready, and the doctor says it is not")
	}
	if !strings.Contains(text, "FAIL  clock") {
		t.Errorf("report:\n%s", text)
	}
}

// TestNotReady: a server that answers its socket and takes nothing is not well.
func TestNotReady(t *testing.T) {
	found, _ := examine(t, serve.Health{Missing: errors.New("dial 10.1.2.3: refused")})
	if f, told := found["ready"]; !told || f.OK || strings.Contains(f.Found, "10.1.2.3") {
		t.Errorf("ready: %+v", f)
	}
}

// TestDurableOnlyWhenKnown: without a server that says so, nothing is called durable.
func TestDurableOnlyWhenKnown(t *testing.T) {
	found, _ := examine(t, serve.Health{})
	if f := found["durability"]; f.OK || !strings.Contains(f.Found, "not known") {
		t.Errorf("durability: %+v", f)
	}
}

// TestEngineNotConfined is told, with what would confine it, and is no reason to call an installation unwell.
func TestEngineNotConfined(t *testing.T) {
	found, text := examine(t, serve.Health{})
	if f := found["engine process"]; !f.OK || f.Found != "not confined: no Landlock" || !strings.Contains(f.Do, "Linux 5.19") {
		t.Errorf("engine process: %+v", f)
	}
	if !strings.Contains(text, "-> run on Linux 5.19") {
		t.Errorf("report:\n%s", text)
	}
}
