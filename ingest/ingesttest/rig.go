// Package ingesttest opens a real journal behind an intake, for tests of adapters and of what serves them, and reads
// back what they stored.
package ingesttest

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Rig is a journal in a temporary directory with an intake before it. Faults can be put between them.
type Rig struct {
	Journal *journal.Journal
	Intake  *ingest.Intake
	// Fail, when set, is asked before each append; its error is returned instead.
	Fail func(entries []ingest.Entry) error
	// Appends counts the calls that reached the journal.
	Appends atomic.Int64

	tb testing.TB
}

// Open opens a rig that is closed when the test ends.
func Open(tb testing.TB) *Rig {
	tb.Helper()
	keys, err := proto.OpenKeyRing(tb.TempDir(), make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	j, err := journal.Open(tb.Context(), journal.Config{
		Dir: tb.TempDir(), Reserve: 1 << 20, LastReserve: 1 << 10, TickEvery: -1, Keys: keys,
		Logger: slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := j.Close(ctx); err != nil {
			tb.Error(err)
		}
	})
	r := &Rig{Journal: j, tb: tb}
	if r.Intake, err = ingest.NewIntake(ingest.IntakeConfig{Appender: r}); err != nil {
		tb.Fatal(err)
	}
	return r
}

// Append implements ingest.Appender.
func (r *Rig) Append(ctx context.Context, entries []ingest.Entry, opts ingest.Options) ([]ingest.Result, error) {
	if r.Fail != nil {
		if err := r.Fail(entries); err != nil {
			return nil, err
		}
	}
	r.Appends.Add(1)
	return r.Journal.Append(ctx, entries, opts)
}

// Kept is one item as it stands in the journal.
type Kept struct {
	Position proto.Position
	Item     *v1.Item
	// Sealed is its original; nil when it has none.
	Sealed *v1.SealedItem
}

// Kept reads the whole journal.
func (r *Rig) Kept() []Kept {
	r.tb.Helper()
	var out []Kept
	for sequence := uint64(1); sequence <= r.Journal.Head().Sequence(); sequence++ {
		batch, err := r.Journal.ReadBatch(r.tb.Context(), sequence)
		if err != nil {
			r.tb.Fatal(err)
		}
		items, err := batch.Items()
		if err != nil {
			r.tb.Fatal(err)
		}
		for i, item := range items {
			one := Kept{Position: batch.Position(i), Item: item}
			if sealed, err := batch.Original(i); err == nil {
				one.Sealed = sealed
			}
			out = append(out, one)
		}
	}
	return out
}

// Source is a source with this name and nothing special.
func Source(name string) ingest.Source {
	return ingest.Source{Name: name, Zone: time.UTC, Policy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE}
}

// Sources finds every name but "unknown".
func Sources(name string) (ingest.Source, bool) { return Source(name), name != "unknown" }

// Corpora returns the directory of real input beside the repository, and skips the test when there is none.
func Corpora(tb testing.TB) string {
	tb.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		tb.Skip("the place of the sources is not known")
	}
	dir := filepath.Join(filepath.Dir(file), "..", "..", "..", "shared", "corpora")
	if matches, err := filepath.Glob(filepath.Join(dir, "*", "SOURCE.md")); err != nil || len(matches) == 0 {
		tb.Skip("there is no ../shared/corpora beside the repository")
	}
	return dir
}
