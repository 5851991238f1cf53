package acceptance_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

var rounds = flag.Int("rounds", 10, "how often the process and the engine are killed at random")

// binary is Readtrail built with its commit points armed; see proto/fault.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "readtrail-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "readtrail")
	build := exec.Command("go", "build", "-tags", "faults", "-o", binary, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build readtrail: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// TestSources reads the directories that the binary is built from. So `go test` knows that its result was another binary's: it sees what a
// test opens, and not what TestMain builds.
func TestSources(t *testing.T) {
	err := filepath.WalkDir("../..", func(_ string, d fs.DirEntry, err error) error {
		if name := d.Name(); err == nil && d.IsDir() && (name == "node_modules" || name == "bin" || name == "dist" || strings.HasPrefix(name, ".") && len(name) > 2) {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// startTimeout is generous: the engine opens its data, and the machine may be busy with other tests.
const startTimeout = 2 * time.Minute

// server is one data directory, and the process that runs on it, if any.
type server struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan error
	http *http.Client
}

func newServer(t *testing.T) *server {
	t.Helper()
	if missing := engineMissing(); missing != "" {
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	dir, err := os.MkdirTemp("", "rt-") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, dir: filepath.Join(dir, "data")}
	socket := filepath.Join(s.dir, "readtrail.sock")
	s.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() && s.log != nil {
			t.Logf("log of the last process:\n%s", tail(s.log.String()))
		}
		_ = os.RemoveAll(dir)
	})
	return s
}

// engineMissing says what is missing, or nothing.
func engineMissing() string {
	out, _ := exec.Command(binary, "doctor", "--json").Output()
	if strings.Contains(string(out), "go tool task engine") {
		return "the embedded engine is not here: go tool task engine"
	}
	return ""
}

func tail(text string) string {
	const most = 8 << 10
	if len(text) > most {
		return "..." + text[len(text)-most:]
	}
	return text
}

func (s *server) env(more ...string) []string {
	env := []string{"READTRAIL_DATA_DIR=" + s.dir, "READTRAIL_LISTEN_HTTP=127.0.0.1:0", "READTRAIL_JOURNAL_RESERVE=64MiB", "READTRAIL_JOURNAL_RESERVED_SPACE=16MiB", "READTRAIL_CLICKHOUSE_KEEP_FREE_SPACE=64MiB"}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "READTRAIL_") || strings.HasPrefix(pair, "READTRAIL_ENGINE_DIR=") {
			env = append(env, pair)
		}
	}
	return append(env, more...)
}

// start starts the process and waits until it is ready, or has died.
func (s *server) start(env ...string) error {
	s.t.Helper()
	s.log = &bytes.Buffer{}
	s.cmd = exec.Command(binary, "up")
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.env(env...), s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	s.done = done
	go func(cmd *exec.Cmd) { done <- cmd.Wait() }(s.cmd)
	deadline := time.Now().Add(startTimeout)
	for time.Now().Before(deadline) {
		if res, err := s.http.Get("http://readtrail/readyz"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-done:
			s.done <- err
			return fmt.Errorf("died before it was ready: %w", errors.Join(err, errDied))
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.t.Fatalf("not ready within %s:\n%s", startTimeout, tail(s.log.String()))
	return nil
}

var errDied = errors.New("the process died")

func (s *server) mustStart(env ...string) {
	s.t.Helper()
	if err := s.start(env...); err != nil {
		s.t.Fatalf("%v\n%s", err, tail(s.log.String()))
	}
}

// kill ends the process at once, as a crash does; nothing happens when it is dead already.
func (s *server) kill() {
	if s.cmd == nil || s.done == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.done
	s.done = nil
}

// alive reports whether the process still runs.
func (s *server) alive() bool {
	select {
	case err := <-s.done:
		s.done <- err
		return false
	default:
		return true
	}
}

// died waits for a death that is on its way, and reports whether it came.
func (s *server) died() bool {
	select {
	case <-s.done:
		s.done = nil
		return true
	case <-time.After(startTimeout):
		return false
	}
}

// stop asks the process to stop in order, and fails the test when it does not.
func (s *server) stop() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.done:
		s.done = nil
		if err != nil {
			s.t.Fatalf("stop: %v\n%s", err, tail(s.log.String()))
		}
	case <-time.After(startTimeout):
		s.t.Fatal("did not stop")
	}
}

// enginePID finds the engine child of the process.
func (s *server) enginePID() int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	for _, path := range files {
		text, _ := os.ReadFile(path)
		var pid int
		if _, err := fmt.Sscan(string(text), &pid); err == nil {
			return pid
		}
	}
	return 0
}

func (s *server) questions() readtrailv1connect.QueryServiceClient {
	return readtrailv1connect.NewQueryServiceClient(s.http, "http://readtrail")
}

// projectors is how many projectors an active version has: accesses and rollups.
const projectors = 2

// settle waits until the projections have read what the journal holds now.
func (s *server) settle() {
	s.t.Helper()
	target := uint64(0)
	for range 1200 {
		res, err := s.questions().GetStatus(s.t.Context(), connect.NewRequest(&v1.GetStatusRequest{}))
		if err == nil {
			if target == 0 {
				target = res.Msg.JournalPosition
			}
			there := 0
			for _, p := range res.Msg.Projections {
				if p.Active && p.Position >= target {
					there++
				}
			}
			if there == projectors {
				return
			}
		}
		if !s.alive() {
			s.t.Fatalf("died while it settled:\n%s", tail(s.log.String()))
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("the projections did not reach position %d", target)
}

// run runs a command of the binary against this server.
func (s *server) run(args ...string) (string, error) {
	cmd := exec.Command(binary, args...)
	cmd.Env = s.env()
	out, err := cmd.CombinedOutput()
	return string(out), err
}
