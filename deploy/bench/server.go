package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

const (
	// startTimeout bounds a start: the engine opens its tables, the register and the index read what they miss.
	startTimeout = 3 * time.Minute
	// stopTimeout is longer than limits.shutdown_timeout, which the process keeps by itself.
	stopTimeout = 90 * time.Second
	// pollEvery is how often progress is asked for while something catches up.
	pollEvery = 100 * time.Millisecond
)

// server is `readtrail up` in a process of its own, over a data directory.
type server struct {
	binary, config, socket, address string
	cmd                             *exec.Cmd
	gone                            chan struct{} // closed when the process has ended
	log                             *tail
	http                            *http.Client
	query                           readtrailv1connect.QueryServiceClient
	scopes                          readtrailv1connect.ScopeServiceClient
	register                        readtrailv1connect.RegisterServiceClient
}

// startServer starts the binary over dir and waits until it answers. dsn names another ClickHouse than the embedded one;
// "" for that.
func startServer(ctx context.Context, binary, dir, dsn string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s := &server{
		binary: binary, config: filepath.Join(dir, "readtrail.yaml"), socket: filepath.Join(dir, "readtrail.sock"),
		address: fmt.Sprintf("127.0.0.1:%d", port), gone: make(chan struct{}), log: &tail{},
	}
	text := fmt.Sprintf("data_dir: %q\nlisten:\n  http: %q\n  socket: %q\nclickhouse:\n  dsn: %q\nlog:\n  level: warn\n",
		filepath.Join(dir, "data"), s.address, s.socket, dsn)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s.cmd = s.command("up")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is told by stop
		close(s.gone)
	}()
	s.http = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
		},
	}}
	s.query = readtrailv1connect.NewQueryServiceClient(s.http, base)
	s.scopes = readtrailv1connect.NewScopeServiceClient(s.http, base, connect.WithAcceptCompression("gzip", nil, nil)) // as the CLI does
	s.register = readtrailv1connect.NewRegisterServiceClient(s.http, base)
	if err := s.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// base stands for the socket in URLs.
const base = "http://readtrail"

// command is the binary with a verb. It gets a process group of its own, so that Ctrl-C reaches the bench alone, which
// stops its children in order.
func (s *server) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.binary, append([]string{"--config", s.config}, args...)...) //nolint:gosec // the binary under test
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// awaitReady waits for /readyz, as whoever orchestrates it does: the status is answered before there is a version of the
// tables that answers questions.
func (s *server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.gone:
			return fmt.Errorf("the server ended: %s", s.log)
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w (%w): %s", ctx.Err(), err, s.log)
		case <-time.After(pollEvery):
		}
	}
}

func (s *server) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxTail))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(text))
	}
	return err
}

// stop ends the process in order, and kills it when it does not end.
func (s *server) stop() error {
	select {
	case <-s.gone:
		return fmt.Errorf("the server had ended by itself: %s", s.log)
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.gone:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.gone
		return fmt.Errorf("the server did not stop within %s and was killed: %s", stopTimeout, s.log)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the server stopped with status %d: %s", code, s.log)
	}
	return nil
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// progress is how far the journal and the projections are.
type progress struct {
	journal, accesses, rollups proto.Position
	journalBytes               uint64
}

func (s *server) status(ctx context.Context) (progress, error) {
	res, err := s.query.GetStatus(ctx, connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil {
		return progress{}, fmt.Errorf("ask for status: %w", err)
	}
	p := progress{journal: proto.Position(res.Msg.JournalPosition), journalBytes: res.Msg.JournalBytes}
	for _, one := range res.Msg.Projections {
		switch {
		case !one.Active:
		case one.Name == "accesses":
			p.accesses = proto.Position(one.Position)
		case one.Name == "rollups":
			p.rollups = proto.Position(one.Position)
		}
	}
	return p, nil
}

// awaitProjected waits until what the journal holds now can be asked for, and returns how long the tables that questions
// read and the rollups took.
func (s *server) awaitProjected(ctx context.Context) (accesses, rollups time.Duration, err error) {
	begin := time.Now()
	first, err := s.status(ctx)
	if err != nil {
		return 0, 0, err
	}
	target := first.journal.Sequence()
	for {
		p, err := s.status(ctx)
		if err != nil {
			return 0, 0, err
		}
		if accesses == 0 && p.accesses.Sequence() >= target {
			accesses = time.Since(begin)
		}
		if accesses > 0 && p.rollups.Sequence() >= target {
			return accesses, time.Since(begin), nil
		}
		select {
		case <-ctx.Done():
			return 0, 0, fmt.Errorf("wait for the projections: %w", ctx.Err())
		case <-s.gone:
			return 0, 0, fmt.Errorf("the server ended: %s", s.log)
		case <-time.After(pollEvery):
		}
	}
}

// registerSources registers the sources of the synthetic hospital and returns their credentials.
func (s *server) registerSources(ctx context.Context) (map[string]string, error) {
	credentials := map[string]string{}
	for _, name := range simulate.Sources() {
		res, err := s.register.RegisterSource(ctx, connect.NewRequest(&v1.RegisterSourceRequest{
			Source: &v1.SourceRegistered{
				Name: name, Owner: "bench", TimeZone: "America/Chicago", IdentityPolicy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE,
			},
			NewCredential: true,
		}))
		if err != nil {
			return nil, fmt.Errorf("register source: %w", err)
		}
		credentials[name] = res.Msg.Credential
	}
	return credentials, nil
}

// importReport is what `readtrail import --json` says.
type importReport struct {
	In    uint64 `json:"in"`
	Total struct {
		Stored uint64 `json:"stored"`
	} `json:"total"`
}

// importFile runs `readtrail import` on a file, or on standard input for "-", and checks that every line was stored.
func (s *server) importFile(ctx context.Context, source, path string, stdin io.Reader, events int) error {
	cmd := s.command("import", "--json", "--source", source, path)
	var out bytes.Buffer
	log := &tail{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("import: %w: %s", err, log)
	}
	var report importReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return fmt.Errorf("read the import's report: %w", err)
	}
	if report.In != uint64(events) || report.Total.Stored != uint64(events) {
		return fmt.Errorf("import of %d events: %d came in, %d were stored", events, report.In, report.Total.Stored)
	}
	return nil
}

// postLines sends newline-delimited events in one request, as a gateway does.
func (s *server) postLines(ctx context.Context, source string, lines []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/fhir?source="+source, bytes.NewReader(lines))
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	req.Header.Set("Content-Type", "application/fhir+ndjson")
	return s.do(req)
}

// postTransaction sends events as a Bundle that is kept whole: in one message of the journal.
func (s *server) postTransaction(ctx context.Context, source string, events []simulate.Event) error {
	var body bytes.Buffer
	body.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range events {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`{"resource":`)
		body.Write(events[i].JSON)
		body.WriteString(`,"request":{"method":"POST","url":"AuditEvent"}}`)
	}
	body.WriteString(`]}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/fhir?source="+source, &body)
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	return s.do(req)
}

// post sends one event.
func (s *server) post(ctx context.Context, source string, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/fhir/AuditEvent?source="+source, bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	return s.do(req)
}

func (s *server) do(req *http.Request) error {
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode >= 300 {
		return fmt.Errorf("post: the server answers %s", res.Status)
	}
	return nil
}

// tail keeps the last of what a process wrote, for when it fails.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

// maxTail is a few dozen lines of log.
const maxTail = 8 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if extra := len(t.text) - maxTail; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
