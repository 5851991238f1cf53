package doctor_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/doctor"
	"github.com/readtrail/readtrail/deploy/serve"
)

// examine looks at an empty data directory, with a server of that health.
func examine(t *testing.T, health serve.Health) (map[string]doctor.Finding, string) {
	t.Helper()
	dir := t.TempDir()
	cfg, err := config.Load("", []string{"READTRAIL_DATA_DIR=" + filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	serve.Operations(routes, prometheus.NewRegistry(), func(context.Context) serve.Health { return health })
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
