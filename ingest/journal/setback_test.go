package journal_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestServerStopsUnderLargeCalls stops the server again and again under calls that wait for room in flight: whatever
// fails meanwhile, nothing is published during a recovery, so that the only writer never takes itself for another.
func TestServerStopsUnderLargeCalls(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.PublishTimeout = 2 * time.Second
	j := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	var kept atomic.Int64
	var wg sync.WaitGroup
	for caller := range 48 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				e := numbered(caller*1_000_000 + n)
				original := make([]byte, 300<<10)
				for i := range original {
					original[i] = byte(i*7 + n*13 + caller)
				}
				e.Source, e.Sealed = "emr", &v1.SealedItem{Original: original}
				_, err := j.Append(ctx, []ingest.Entry{e}, ingest.Options{Atomic: n%2 == 0})
				switch {
				case err == nil:
					kept.Add(1)
				case errors.Is(err, ingest.ErrClosed):
					t.Errorf("nobody closed the journal and nobody else wrote: %v", err)
					cancel()
				case errors.Is(err, ingest.ErrBusy):
					pause(ctx, time.Millisecond)
				}
			}
		})
	}
	for ctx.Err() == nil {
		for before := kept.Load(); ctx.Err() == nil && kept.Load() == before; {
			pause(ctx, 10*time.Millisecond)
		}
		pause(ctx, 200*time.Millisecond)
		journal.StopServer(j)
		for ctx.Err() == nil && j.Ready() != nil {
			pause(ctx, 10*time.Millisecond)
		}
	}
	wg.Wait()
	// The last stop may have left the server down, and a journal notices by what it cannot append: ticks, where it runs.
	last, cancelLast := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancelLast()
	for {
		_, err := j.Append(last, []ingest.Entry{numbered(1)}, ingest.Options{Reserved: true})
		if err == nil {
			break
		}
		if last.Err() != nil || t.Failed() {
			t.Fatalf("it never recovered: %v", err)
		}
		pause(last, 10*time.Millisecond)
	}
	if n := int64(len(accesses(readAll(t, j)))); n < kept.Load() || n == 0 { // readAll finds what stands twice
		t.Errorf("%d accesses, %d were acknowledged", n, kept.Load())
	}
}

// TestNoAnswerIsAwaitedFromAServerThatIsGone: what a connection was asked ends with it, at once and not when its time is up.
func TestNoAnswerIsAwaitedFromAServerThatIsGone(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, j *journal.Journal){
		"stopped": func(_ *testing.T, j *journal.Journal) { journal.StopServer(j) },
		"replaced": func(t *testing.T, j *journal.Journal) {
			if err := journal.Restart(t.Context(), j); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, testConfig(t, t.TempDir()))
			asked, unwatch := journal.WhileConnected(t.Context(), j)
			defer unwatch()
			if asked.Err() != nil {
				t.Fatal("it ended before the connection did")
			}
			end(t, j)
			<-asked.Done()
			if cause := context.Cause(asked); !errors.Is(cause, journal.ErrDisconnected) {
				t.Errorf("ended by %v", cause)
			}
		})
	}
	t.Run("stopped before", func(t *testing.T) {
		j := open(t, testConfig(t, t.TempDir()))
		first, unwatch := journal.WhileConnected(t.Context(), j)
		defer unwatch()
		journal.StopServer(j)
		<-first.Done()
		second, unwatch := journal.WhileConnected(t.Context(), j)
		defer unwatch()
		<-second.Done()
	})
}

// pause waits between two attempts.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// accesses leaves out ticks, which recoveries append.
func accesses(all []stored) []*v1.AccessEvent {
	var out []*v1.AccessEvent
	for _, s := range all {
		if a := s.item.GetAccess(); a != nil {
			out = append(out, a)
		}
	}
	return out
}
