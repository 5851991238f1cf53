package projections_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections"
)

// testLogger writes to the test's log.
func testLogger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// running starts a projector and returns a function that stops it and returns its error.
func running(t testing.TB, p *projections.Projector) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := stop(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	return stop
}

// waitFor polls until the condition holds, and fails the test after five minutes: a projector that fails at each of forty commit points
// recovers for most of a minute under the race detector.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 30_000 {
		if ok() {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("waiting for %s: %v", what, t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("waited five minutes for %s", what)
}

// project runs the projector until the tables hold the whole journal.
func project(t testing.TB, p *projections.Projector, j *memoryJournal) {
	t.Helper()
	stop := running(t, p)
	target := j.Head()
	waitFor(t, "the watermark", func() bool { return reached(p, target) })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatalf("run: %v", err)
	}
}
