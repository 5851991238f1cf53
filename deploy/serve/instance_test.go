package serve_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/deploy/serve"
)

// TestOneServerADirectory: a second server is told at once who is there; what a dead one left behind counts for nothing.
func TestOneServerADirectory(t *testing.T) {
	dir := t.TempDir()
	if _, ok, err := serve.Running(dir); ok || err != nil {
		t.Fatalf("an empty directory is served: %v, %v", ok, err)
	}
	first := serve.Instance{PID: 4711, Socket: "/run/a.sock", HTTP: "127.0.0.1:1"}
	release, err := serve.Take(dir, first)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := serve.Running(dir); !ok || err != nil || got != first {
		t.Errorf("running: %+v, %v, %v", got, ok, err)
	}
	began := time.Now()
	_, err = serve.Take(dir, serve.Instance{PID: 1})
	if !errors.Is(err, serve.ErrRunning) || !strings.Contains(err.Error(), "pid 4711, socket /run/a.sock") {
		t.Errorf("second server: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it was told after %s", took)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := serve.Running(dir); ok || err != nil {
		t.Errorf("after its end: %v, %v", ok, err)
	}
	again, err := serve.Take(dir, serve.Instance{PID: os.Getpid(), Socket: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, _ := serve.Running(dir); !ok || got.Socket != "b" {
		t.Errorf("the next one: %+v, %v", got, ok)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}
