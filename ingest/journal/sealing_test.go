package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// sealedFrom is an entry of source with an original.
func sealedFrom(source string, n int) ingest.Entry {
	e := event(fmt.Sprintf("%s %d", source, n), "read")
	e.Source, e.Sealed = source, &v1.SealedItem{Original: fmt.Appendf(nil, "original %d", n)}
	return e
}

// corruptKey returns a ring whose key for source and day cannot be read.
func corruptKey(t *testing.T, source string, at time.Time) *proto.KeyRing {
	t.Helper()
	dir := t.TempDir()
	keys, err := proto.OpenKeyRing(dir, make([]byte, 32))
	must(t, err)
	maker, err := proto.OpenKeyRing(dir, make([]byte, 32))
	must(t, err)
	must(t, maker.Check(source, at))
	names, err := filepath.Glob(filepath.Join(dir, "*.key"))
	must(t, err)
	if len(names) != 1 {
		t.Fatalf("%d keys", len(names))
	}
	must(t, os.WriteFile(names[0], []byte("no key, but long enough to be one, as far as its length goes"), 0o600))
	return keys
}

// refusedAsUnsealable checks that sending the entry again is not said to help.
func refusedAsUnsealable(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, journal.ErrUnsealable) || errors.Is(err, ingest.ErrBusy) {
		t.Errorf("append without a key: %v", err)
	}
}

// TestUnreadableKeyHoldsUpNoOtherSource lets one source append with a spoiled data key: others do not notice.
func TestUnreadableKeyHoldsUpNoOtherSource(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.Now = testStart
	cfg.Keys = corruptKey(t, "spoiled", testStart())
	j := open(t, cfg)
	const events = 200
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range events {
			_, err := j.Append(t.Context(), []ingest.Entry{sealedFrom("spoiled", n)}, ingest.Options{})
			refusedAsUnsealable(t, err)
		}
	})
	for c := range 4 {
		wg.Go(func() {
			for n := range events {
				if _, err := j.Append(t.Context(), []ingest.Entry{sealedFrom("good", c*events+n)}, ingest.Options{}); err != nil {
					t.Errorf("append of a source with a key: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(readAll(t, j)); n != 4*events {
		t.Errorf("%d items, want %d: no probe, nothing of the spoiled source", n, 4*events)
	}
	_, err := j.Append(t.Context(), []ingest.Entry{sealedFrom("good", 9999), sealedFrom("spoiled", 1)}, ingest.Options{})
	refusedAsUnsealable(t, err)
	must(t, j.Ready())
}

// TestKeyOfTheNextDayIsUnreadable lets midnight pass between the check of an entry and its batch.
func TestKeyOfTheNextDayIsUnreadable(t *testing.T) {
	midnight := testStart().Truncate(24 * time.Hour).Add(24 * time.Hour)
	cfg := testConfig(t, t.TempDir())
	cfg.Keys = corruptKey(t, "spoiled", midnight)
	var left atomic.Int64 // looks at the clock before midnight
	left.Store(1 << 30)
	cfg.Now = func() time.Time {
		if left.Add(-1) >= 0 {
			return testStart()
		}
		return midnight
	}
	j := open(t, cfg)
	first := mustAppend(t, j, sealedFrom("spoiled", 0), sealedFrom("good", 0))[0].Position
	left.Store(1) // the call's look; then the batch
	_, err := j.Append(t.Context(), []ingest.Entry{sealedFrom("good", 1), sealedFrom("spoiled", 1)}, ingest.Options{})
	refusedAsUnsealable(t, err)
	must(t, j.Ready())
	r := mustAppend(t, j, sealedFrom("good", 1))[0]
	if r.Status != ingest.Stored || r.Position.Sequence() != first.Sequence()+1 {
		t.Errorf("after it: %+v, want the next sequence after %d", r, first.Sequence())
	}
	if n := len(readAll(t, j)); n != 3 {
		t.Errorf("%d items, want 3", n)
	}
}

// TestBatchCannotBeEncoded spoils batches that were on their way to the stream: whoever stands in them is told, the others
// come again, and no sequence is left out.
func TestBatchCannotBeEncoded(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	must(t, journal.TakeKeys(j))
	const events = 300
	var wg sync.WaitGroup
	var failed atomic.Int64
	for c := range 8 {
		wg.Go(func() {
			for n := range events {
				if c == 0 {
					if _, err := j.Append(t.Context(), []ingest.Entry{sealedFrom("emr", n)}, ingest.Options{}); err == nil {
						t.Error("an original was kept without a key")
					}
					continue
				}
				for {
					_, err := j.Append(t.Context(), []ingest.Entry{numbered(c*events + n)}, ingest.Options{})
					if err == nil {
						break
					}
					if failed.Add(1); errors.Is(err, ingest.ErrClosed) || t.Context().Err() != nil {
						t.Errorf("append: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	must(t, j.Ready())
	if n := len(readAll(t, j)); n != 7*events { // a recovery would have left ticks
		t.Errorf("%d items, want %d", n, 7*events)
	}
	t.Logf("%d calls stood beside or behind a batch that could not be encoded", failed.Load())
}
