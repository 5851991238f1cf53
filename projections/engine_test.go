package projections_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// TestEngineKilled kills the engine's process again and again while it takes inserts, with the signal that nothing can
// catch. The projector goes on by itself, and in the end the tables hold each row once.
func TestEngineKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an engine of its own")
	}
	engine, err := embedded.Start(t.Context(), storetest.Config(filepath.Join(t.TempDir(), "engine")))
	if err != nil {
		storetest.Skip(t, err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Errorf("stop the engine: %v", err)
		}
	})
	s, err := store.Open(t.Context(), store.Config{DSN: engine.DSN(), DialTimeout: time.Second})
	if err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	t.Cleanup(func() { _ = s.Close() })

	j, g := newMemoryJournal(t), newGenerator(31)
	p := newProjector(t, s, j, func(c *projections.Config) { c.RetryAfter = 100 * time.Millisecond })
	kill, random := killer(engine), rand.New(rand.NewPCG(5, 5))
	var mu sync.Mutex
	kills, wait := 0, 3
	// Some inserts are hit while they run, others just after, before anybody hears of it.
	p.SetHook(func(_ uint32, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		if wait--; wait > 0 || kills >= 5 {
			return nil
		}
		kills++
		wait = 2 + random.IntN(12)
		delay := time.Duration(random.IntN(15)) * time.Millisecond
		if random.IntN(2) == 0 {
			kill()
			return errKilled
		}
		time.AfterFunc(delay, kill)
		return nil
	})
	stop := running(t, p)
	for round := range 12 {
		g.fill(t, j, 10, 60, time.Date(2025, 3, 1+round, 0, 0, 0, 0, time.UTC))
		target := j.Head()
		waitFor(t, "the watermark", func() bool { return reached(p, target) })
	}
	_ = stop()
	if err := engine.WaitReady(context.WithoutCancel(t.Context()), 0); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills", kills)
	if kills < 5 {
		t.Errorf("%d kills, want 5", kills)
	}
	checkTables(t, s, j, 1)
}

// killer returns a function that kills the engine's process of the moment.
func killer(engine *embedded.Engine) func() {
	return func() {
		if pid := engine.PID(); pid > 0 {
			if process, err := os.FindProcess(pid); err == nil {
				_ = process.Kill()
			}
		}
	}
}
