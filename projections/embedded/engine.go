package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Waits between a crash and the next start: doubled from the first to the last, and short again once a child has lived
// for steadyAfter.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 2 * time.Second
	steadyAfter  = 10 * time.Second
)

// Engine is a running ClickHouse in a child process, started again whenever it dies. While it is away, connections to
// its socket are refused; what it has acknowledged is there when it comes back.
type Engine struct {
	cfg       Config
	serve     ServeConfig
	lock      *os.File
	socketDir string // made for the socket, "" when the socket is in Dir

	stopping chan struct{} // closed by Close
	stopOnce sync.Once
	done     chan struct{} // closed when the supervisor has ended

	mu      sync.Mutex // guards the fields below
	pid     int
	changed chan struct{} // closed and replaced at each change of pid

	up       prometheus.Gauge
	restarts prometheus.Counter
}

// Start takes the data directory, starts the engine and waits until it answers. ctx bounds only the start; the engine
// then runs until Close. A missing library is a LibraryMissingError, a taken directory is ErrDirInUse.
func Start(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	library, err := FindLibrary(cfg.Library)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the engine's directory: %w", err)
	}
	if err := os.Chmod(cfg.Dir, 0o700); err != nil { //nolint:gosec // a directory needs the execute bit
		return nil, fmt.Errorf("protect the engine's directory: %w", err)
	}
	lock, err := awaitDir(ctx, cfg.Dir, cfg.LockWait, cfg.Logger)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, lock: lock, stopping: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}),
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "readtrail_projections_engine_up",
			Help: "1 while the embedded ClickHouse engine answers.",
		}),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "readtrail_projections_engine_restarts_total",
			Help: "Times the embedded ClickHouse engine was started again after it died.",
		}),
	}
	if err := e.prepare(library); err != nil {
		_ = lock.Close()
		return nil, err
	}
	started := make(chan error, 1)
	go e.supervise(started)
	select {
	case err = <-started:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = e.Close()
		return nil, fmt.Errorf("start the embedded engine: %w", err)
	}
	return e, nil
}

// prepare chooses the socket and the password, and registers the metrics.
func (e *Engine) prepare(library string) error {
	socket := filepath.Join(e.cfg.Dir, "engine.sock")
	if len(socket) > maxSocketPath {
		dir, err := os.MkdirTemp("", "readtrail-engine-") // mode 0700
		if err != nil {
			return fmt.Errorf("make a directory for the engine's socket: %w", err)
		}
		e.socketDir, socket = dir, filepath.Join(dir, "engine.sock")
	}
	e.serve = ServeConfig{
		Library: library, Dir: e.cfg.Dir, Socket: socket, User: User, Password: rand.Text(),
		MemoryLimit: e.cfg.MemoryLimit, KeepFree: e.cfg.KeepFree, MaxConcurrent: e.cfg.MaxConcurrent, MaxBody: e.cfg.MaxBody, DeafAfter: e.cfg.deafAfter,
	}
	if e.cfg.Registerer == nil {
		return nil
	}
	return errors.Join(e.cfg.Registerer.Register(e.up), e.cfg.Registerer.Register(e.restarts))
}

// supervise owns the child. It keeps its operating system thread, because the kernel sends the death signal of the child
// when the thread that started it ends, and because that thread is confined and its children with it: it must never run
// anything else, and ends with this goroutine.
func (e *Engine) supervise(started chan<- error) {
	defer close(e.done)
	runtime.LockOSThread()
	if !e.cfg.unconfined {
		if err := confineThread(e); err != nil {
			started <- err
			return
		}
	}
	backoff := firstBackoff
	for first := true; ; first = false {
		begin := time.Now()
		err := e.live(func() {
			if first {
				started <- nil
			}
		})
		if e.isStopping() {
			return
		}
		if first && err != nil && e.neverReady(err) {
			started <- err
			return
		}
		if time.Since(begin) > steadyAfter {
			backoff = firstBackoff
		}
		e.restarts.Inc()
		e.cfg.Logger.Error("engine died, starting it again", slog.Any("err", err),
			slog.Duration("after", time.Since(begin).Round(time.Millisecond)), slog.Duration("wait", backoff))
		select {
		case <-time.After(backoff):
		case <-e.stopping:
			return
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// errNeverReady marks the end of a child that had not yet answered.
var errNeverReady = errors.New("the engine did not start")

func (e *Engine) neverReady(err error) bool { return errors.Is(err, errNeverReady) }

// live runs one child to its end.
func (e *Engine) live(ready func()) error {
	c, err := startChild(e.cfg, e.serve, e.lock)
	if err != nil {
		return fmt.Errorf("%w: %w", errNeverReady, err)
	}
	gone := make(chan struct{})
	var exit error
	go func() {
		exit = c.wait()
		close(gone)
	}()
	timer := time.NewTimer(e.cfg.StartTimeout)
	defer timer.Stop()
	select {
	case _, ok := <-c.ready:
		if !ok {
			<-gone
			return fmt.Errorf("%w: %w: %s", errNeverReady, exitError(exit), c.tail.String())
		}
		e.setChild(c.cmd.Process.Pid)
	case <-timer.C:
		c.kill()
		<-gone
		return fmt.Errorf("%w within %s", errNeverReady, e.cfg.StartTimeout)
	case <-e.stopping:
		c.stop(gone, e.cfg.StopTimeout)
		return nil
	}
	confined, _ := Confined()
	e.cfg.Logger.Info("engine answers", slog.Int("pid", c.cmd.Process.Pid), slog.String("library", EngineVersion), slog.String("process", confined))
	ready()
	select {
	case <-gone:
	case <-e.stopping:
		c.stop(gone, e.cfg.StopTimeout)
	}
	e.setChild(0)
	return exitError(exit)
}

func (e *Engine) setChild(pid int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pid = pid
	close(e.changed)
	e.changed = make(chan struct{})
	e.up.Set(0)
	if pid != 0 {
		e.up.Set(1)
	}
}

func (e *Engine) isStopping() bool {
	select {
	case <-e.stopping:
		return true
	default:
		return false
	}
}

// DSN is what store.Open takes to reach the engine. It holds the password: never log it.
func (e *Engine) DSN() string {
	u := url.URL{
		Scheme: "http+unix", User: url.UserPassword(User, e.serve.Password), Host: "engine", Path: "/",
		RawQuery: url.Values{"socket": {e.serve.Socket}}.Encode(),
	}
	return u.String()
}

// PID is the child's process id, 0 while it is away.
func (e *Engine) PID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pid
}

// WaitReady returns when the engine answers, with a process other than old, or when ctx ends. Pass 0 to accept any.
func (e *Engine) WaitReady(ctx context.Context, old int) error {
	for {
		e.mu.Lock()
		pid, changed := e.pid, e.changed
		e.mu.Unlock()
		if pid != 0 && pid != old {
			return nil
		}
		select {
		case <-changed:
		case <-e.done:
			return errors.New("the engine has been stopped")
		case <-ctx.Done():
			return fmt.Errorf("wait for the engine: %w", ctx.Err())
		}
	}
}

// Close stops the engine in order, kills it when it does not, and gives the data directory back. It may be called more
// than once.
func (e *Engine) Close() error {
	var err error
	e.stopOnce.Do(func() {
		close(e.stopping)
		<-e.done
		err = e.lock.Close()
		if e.socketDir != "" {
			err = errors.Join(err, os.RemoveAll(e.socketDir))
		}
		if e.cfg.Registerer != nil {
			e.cfg.Registerer.Unregister(e.up)
			e.cfg.Registerer.Unregister(e.restarts)
		}
	})
	<-e.done
	return err
}
