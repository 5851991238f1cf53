// Package storetest gives tests a real ClickHouse: one embedded engine for each test binary, one database for each test.
//
// A test package uses it by adding
//
//	func TestMain(m *testing.M) { storetest.Main(m) }
package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
)

// childVariable tells a test binary that it is the engine's process.
const childVariable = "READTRAIL_TEST_ENGINE_CHILD"

// shared is the engine of this test binary. It is the one global of the package because the engine can be had only
// once in a process's life and tests share it.
var shared struct {
	once   sync.Once
	engine *embedded.Engine
	dir    string
	err    error
}

// Main runs the tests, or the engine when the binary has been started as its child. In the end it stops the engine and calls what cleans up
// after the package's tests.
func Main(m *testing.M, after ...func()) {
	flag.Parse()
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	code := m.Run()
	if shared.engine != nil {
		if err := shared.engine.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the test engine:", err)
		}
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	for _, clean := range after {
		clean()
	}
	os.Exit(code)
}

func child() int {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := embedded.ServeStdin(context.Background(), os.Stdin, os.Stdout, logger); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Config returns the configuration of an engine of the test's own, in dir, for tests that kill it.
func Config(dir string) embedded.Config {
	binary, err := os.Executable()
	if err != nil {
		panic(err) // the running test binary has a path
	}
	return embedded.Config{
		Dir: dir, Command: []string{binary}, Env: []string{childVariable + "=1"}, KeepFree: 64 << 20, MemoryLimit: 1 << 30,
	}
}

// Skip ends a test whose engine's library is missing: skipped on a developer's machine, failed in CI.
func Skip(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" || !errors.Is(err, embedded.ErrLibraryMissing) {
		t.Fatalf("a test needs the ClickHouse engine: %v", err)
	}
	t.Skip(err)
}

// Engine returns the engine that the tests of this binary share.
func Engine(t testing.TB) *embedded.Engine {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "readtrail-test-"); shared.err != nil {
			return
		}
		shared.engine, shared.err = embedded.Start(context.Background(), Config(filepath.Join(shared.dir, "engine")))
	})
	if shared.err != nil {
		Skip(t, shared.err)
	}
	return shared.engine
}

// Open returns a store in a database that only this test uses and that goes with it.
func Open(t testing.TB) *store.Store {
	t.Helper()
	return OpenWith(t, store.Config{})
}

// OpenWith is Open with a configuration; DSN and Database are filled in.
func OpenWith(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	engine := Engine(t)
	ctx := context.Background()
	cfg.DSN = engine.DSN()
	admin, err := store.Open(ctx, cfg)
	if err != nil {
		t.Fatalf("open the test store: %v (%s)", err, store.Detail(err))
	}
	cfg.Database = "test_" + strings.ToLower(rand.Text())
	if err := admin.Exec(ctx, "CREATE DATABASE "+cfg.Database, nil); err != nil {
		t.Fatalf("make the test's database: %s", store.Detail(err))
	}
	s, err := store.Open(ctx, cfg)
	if err != nil {
		t.Fatalf("open the test store: %v (%s)", err, store.Detail(err))
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the test store: %v", err)
		}
		if err := admin.Exec(ctx, "DROP DATABASE "+cfg.Database+" SYNC", nil); err != nil {
			t.Logf("drop the test's database: %s", store.Detail(err))
		}
		if err := admin.Close(); err != nil {
			t.Errorf("close the test store: %v", err)
		}
	})
	return s
}
