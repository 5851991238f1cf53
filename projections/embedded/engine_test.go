package embedded_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// start runs an engine of the test's own.
func start(t *testing.T, change func(*embedded.Config)) *embedded.Engine {
	t.Helper()
	cfg := storetest.Config(t.TempDir())
	if change != nil {
		change(&cfg)
	}
	engine, err := embedded.Start(t.Context(), cfg)
	if err != nil {
		storetest.Skip(t, err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return engine
}

func open(t *testing.T, engine *embedded.Engine) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{DSN: engine.DSN()})
	if err != nil {
		t.Fatalf("open: %v: %s", err, store.Detail(err))
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func exec1(t *testing.T, s *store.Store, sql string) {
	t.Helper()
	if err := s.Exec(t.Context(), sql, nil); err != nil {
		t.Fatalf("%s: %s", sql, store.Detail(err))
	}
}

func TestLibraryMissing(t *testing.T) {
	t.Setenv(embedded.DirVariable, t.TempDir())
	_, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	var missing *embedded.LibraryMissingError
	if !errors.As(err, &missing) || !errors.Is(err, embedded.ErrLibraryMissing) || !strings.Contains(err.Error(), "go tool task engine") {
		t.Errorf("got %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]embedded.Config{
		"no directory":  {},
		"little memory": {Dir: "x", MemoryLimit: 1},
		"negative":      {Dir: "x", MaxBody: -1},
	} {
		if err := cfg.Validate(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestFailedStartSaysWhy(t *testing.T) {
	cfg := storetest.Config(t.TempDir())
	cfg.Library = filepath.Join(t.TempDir(), embedded.LibraryFile)
	if err := os.WriteFile(cfg.Library, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "load "+cfg.Library) {
		t.Errorf("got %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(cfg.Dir, "engine.sock")); err != nil || len(left) > 0 {
		t.Errorf("left behind %v %v", left, err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	engine := start(t, func(cfg *embedded.Config) { *cfg = storetest.Config(dir) })
	second := storetest.Config(dir)
	second.LockWait = -1
	if _, err := embedded.Start(t.Context(), second); !errors.Is(err, embedded.ErrDirInUse) {
		t.Fatalf("got %v", err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := embedded.Start(t.Context(), storetest.Config(dir))
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var log bytes.Buffer
	engine := start(t, func(cfg *embedded.Config) {
		*cfg = storetest.Config(dir)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s := open(t, engine)
	secret := "MRN-secret-4711"
	err := s.Query(t.Context(), "SELECT throwIf({a:String} != '', concat('no ', {a:String}))", store.Params{"a": secret}, func(store.Row) error { return nil })
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "clickhouse"), filepath.Join(dir, "spool")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", engine.PID(), file))
		if err != nil {
			t.Skip("no /proc here")
		}
		if bytes.Contains(text, []byte(engine.Password())) {
			t.Errorf("the password is in %s", file)
		}
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), engine.Password()) {
		t.Errorf("a secret is in the log: %s", log.String())
	}
}

// TestOnlyTheSocket: the engine is reached by its socket, with its password, and by no port.
func TestOnlyTheSocket(t *testing.T) {
	engine := start(t, nil)
	if err := open(t, engine).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	wrong := strings.Replace(engine.DSN(), engine.Password(), "wrong", 1)
	if _, err := store.Open(t.Context(), store.Config{DSN: wrong}); store.Code(err) != 516 || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a wrong password gives %v", err)
	}
	for _, path := range []string{"/ping", "/health", "/"} {
		res, err := newClient(t, engine).http.Get("http://engine" + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}

	own, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	if portsOf(t, os.Getpid()) == 0 {
		t.Error("the port of this process is not seen")
	}
	if n := portsOf(t, engine.PID()); n != 0 {
		t.Errorf("the engine listens on %d ports", n)
	}
}

// portsOf counts the TCP ports that a process listens on.
func portsOf(t *testing.T, pid int) int {
	t.Helper()
	listening := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Skip("no /proc here")
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" { // LISTEN
				listening["socket:["+f[9]+"]"] = true
			}
		}
	}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && listening[target] {
			n++
		}
	}
	return n
}

// TestLongDirectory: a data directory whose path is too long for a socket.
func TestLongDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	engine := start(t, func(cfg *embedded.Config) { *cfg = storetest.Config(dir) })
	if err := open(t, engine).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// killRounds of a killed engine; the acceptance suite has many more.
const killRounds = 5

// TestKilledAtRandom: whatever the moment of a kill -9, each acknowledged insert is there afterwards, whole, and no
// insert is there in part.
func TestKilledAtRandom(t *testing.T) {
	registry := prometheus.NewRegistry()
	engine := start(t, func(cfg *embedded.Config) { cfg.Registerer = registry })
	s := open(t, engine)
	exec1(t, s, `CREATE TABLE t (batch UInt32, n UInt32, text String) ENGINE = MergeTree ORDER BY (batch, n)
		SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`)
	const rows = 1000
	acknowledged := map[uint32]bool{}
	next := uint32(0)
	for round := range killRounds {
		old := engine.PID()
		timer := time.AfterFunc(time.Duration(20+rand.IntN(400))*time.Millisecond, func() { _ = syscall.Kill(old, syscall.SIGKILL) })
		for {
			batch := next
			next++
			err := s.Insert(t.Context(), "t", []string{"batch", "n", "text"}, func(b store.Batch) error { return fill(b, batch, rows) })
			if err == nil {
				acknowledged[batch] = true
				continue
			}
			if !errors.Is(err, store.ErrUnavailable) {
				t.Fatalf("round %d: not recognised as passing: %v: %s", round, err, store.Detail(err))
			}
			break
		}
		timer.Stop()
		if err := engine.WaitReady(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		present := map[uint32]uint64{}
		err := s.Query(t.Context(), "SELECT batch, count(), uniqExact(n) FROM t GROUP BY batch", nil, func(r store.Row) error {
			var batch uint32
			var n, distinct uint64
			if err := r.Scan(&batch, &n, &distinct); err != nil {
				return err
			}
			if n != rows || distinct != rows {
				t.Errorf("round %d: batch %d has %d rows, %d distinct", round, batch, n, distinct)
			}
			present[batch] = n
			return nil
		})
		if err != nil {
			t.Fatalf("round %d: %v: %s", round, err, store.Detail(err))
		}
		for batch := range acknowledged {
			if present[batch] == 0 {
				t.Errorf("round %d: acknowledged batch %d is lost", round, batch)
			}
		}
	}
	t.Logf("%d batches tried, %d acknowledged", next, len(acknowledged))
	if restarts, up := metric(t, registry, "readtrail_projections_engine_restarts_total"), metric(t, registry, "readtrail_projections_engine_up"); restarts != killRounds || up != 1 {
		t.Errorf("metrics say %v restarts, up %v", restarts, up)
	}
	spooled, err := filepath.Glob(filepath.Join(filepath.Dir(socketOf(t, engine)), "spool", "*"))
	if err != nil || len(spooled) > 0 {
		t.Errorf("spooled inserts are left: %v %v", spooled, err)
	}
}

func fill(b store.Batch, batch uint32, rows int) error {
	var (
		batches = make([]uint32, rows)
		ns      = make([]uint32, rows)
		texts   = make([]string, rows)
	)
	for i := range rows {
		batches[i], ns[i], texts[i] = batch, uint32(i), strings.Repeat("x", i%100)
	}
	return errors.Join(b.Column(0).Append(batches), b.Column(1).Append(ns), b.Column(2).Append(texts))
}

// TestStopLosesNothing: an orderly stop lets a running insert finish or refuses it, and the data are there afterwards.
func TestStopLosesNothing(t *testing.T) {
	dir := t.TempDir()
	engine := start(t, func(cfg *embedded.Config) { *cfg = storetest.Config(dir) })
	s := open(t, engine)
	exec1(t, s, "CREATE TABLE t (batch UInt32, n UInt32, text String) ENGINE = MergeTree ORDER BY batch")
	var (
		inserting    sync.WaitGroup
		acknowledged uint64
		begun        = make(chan struct{})
	)
	inserting.Go(func() {
		for i := uint32(0); ; i++ {
			if s.Insert(context.Background(), "t", []string{"batch", "n", "text"}, func(b store.Batch) error { return fill(b, i, 1000) }) != nil {
				return
			}
			if acknowledged++; acknowledged == 5 {
				close(begun)
			}
		}
	})
	<-begun
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	inserting.Wait()
	again := start(t, func(cfg *embedded.Config) { *cfg = storetest.Config(dir) })
	var n uint64
	err := open(t, again).Query(t.Context(), "SELECT uniqExact(batch) FROM t", nil, func(r store.Row) error { return r.Scan(&n) })
	if err != nil || n < acknowledged {
		t.Errorf("%d of %d acknowledged batches are there, %v", n, acknowledged, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "crash.log")); err == nil && len(text) > 0 {
		t.Errorf("the engine complained at its stop: %s", text)
	}
}

// TestLongAnswersTakeConstantMemory: 800 MB of rows pass through without the engine growing by more than a few blocks.
func TestLongAnswersTakeConstantMemory(t *testing.T) {
	engine := start(t, nil)
	s := open(t, engine)
	before := resident(t, engine.PID())
	var rows, peak uint64
	err := s.Query(t.Context(), "SELECT number FROM numbers(25000000)", nil, func(store.Row) error {
		if rows++; rows%1_000_000 == 0 {
			peak = max(peak, resident(t, engine.PID()))
		}
		return nil
	})
	if err != nil || rows != 25_000_000 {
		t.Fatalf("%d rows, %v: %s", rows, err, store.Detail(err))
	}
	t.Logf("resident %d MB before, %d MB at most", before>>20, peak>>20)
	if peak > before+100<<20 { // the answer has 200 MB
		t.Errorf("the engine grew from %d to %d bytes", before, peak)
	}
}

// resident is the resident memory of a process in bytes.
func resident(t *testing.T, pid int) uint64 {
	t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc here")
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "VmRSS:" {
			kb, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// TestSignals: signals that the Go runtime and job control use do not disturb the engine, whichever of its threads they
// reach, and SIGTERM stops it in order.
func TestSignals(t *testing.T) {
	engine := start(t, nil)
	s := open(t, engine)
	pid := engine.PID()
	done := make(chan struct{})
	var storm sync.WaitGroup
	storm.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				_ = syscall.Kill(pid, syscall.SIGURG)
				_ = syscall.Kill(pid, syscall.SIGCHLD)
				_ = syscall.Kill(pid, syscall.SIGWINCH)
			}
		}
	})
	for range 20 {
		var n uint64
		if err := s.Query(t.Context(), "SELECT max(sipHash64(number)) FROM numbers(3000000)", nil, func(r store.Row) error { return r.Scan(&n) }); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	close(done)
	storm.Wait()
	if engine.PID() != pid {
		t.Fatal("the engine died")
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := engine.WaitReady(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	if err := open(t, engine).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// parentVariable makes a test binary a parent that starts an engine, prints its process id and waits to be killed.
const parentVariable = "READTRAIL_TEST_ENGINE_PARENT"

// TestParent is the body of the process that TestChildDiesWithItsParent kills.
func TestParent(t *testing.T) {
	dir := os.Getenv(parentVariable)
	if dir == "" {
		t.Skip("only as a child of TestChildDiesWithItsParent")
	}
	engine := start(t, func(cfg *embedded.Config) { *cfg = storetest.Config(dir) })
	fmt.Println("engine", engine.PID())
	select {}
}

func TestChildDiesWithItsParent(t *testing.T) {
	if _, err := embedded.FindLibrary(""); err != nil {
		storetest.Skip(t, err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	parent := exec.CommandContext(t.Context(), binary, "-test.run=^TestParent$")
	parent.Env = append(os.Environ(), parentVariable+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "engine %d", &pid)
	}
	if pid == 0 {
		t.Fatal("the parent did not start an engine")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	// The directory is free as soon as both are gone.
	for {
		engine, err := embedded.Start(t.Context(), storetest.Config(dir))
		if err == nil {
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
			break
		}
		if !errors.Is(err, embedded.ErrDirInUse) {
			t.Fatal(err)
		}
	}
}

func socketOf(t *testing.T, engine *embedded.Engine) string {
	t.Helper()
	_, socket, ok := strings.Cut(engine.DSN(), "socket=")
	if !ok {
		t.Fatal("no socket in the DSN")
	}
	return strings.ReplaceAll(socket, "%2F", "/")
}

func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
