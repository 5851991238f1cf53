package journal_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestFollowersShareBatches: followers of one journal get the same batch, and with it the same opened items.
func TestFollowersShareBatches(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	if _, err := j.Append(t.Context(), sampleEntries(1, 10), ingest.Options{}); err != nil {
		t.Fatal(err)
	}
	done := errors.New("done")
	follow := func() (seen []*proto.Batch) {
		err := j.Follow(t.Context(), 0, func(_ context.Context, b *proto.Batch) error {
			seen = append(seen, b)
			if b.Sequence() == j.Head().Sequence() {
				return done
			}
			return nil
		})
		if !errors.Is(err, done) {
			t.Fatal(err)
		}
		return seen
	}
	first, second := follow(), follow()
	if len(first) == 0 || len(first) != len(second) {
		t.Fatalf("followers saw %d and %d batches", len(first), len(second))
	}
	for i := range first {
		if first[i] != second[i] {
			t.Errorf("batch %d was decoded twice", first[i].Sequence())
		}
	}
}

// TestFollowersAtTheEnd: what followers are given of what was appended just now is what the journal's bytes say, conflicts
// and duplicates included, and whatever became of the batches.
func TestFollowersAtTheEnd(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	offered := map[*v1.AccessEvent]bool{}
	for n := range uint64(40) { // beyond the batches that are opened from their bytes
		entries := sampleEntries(n, 10)
		for i := range entries {
			offered[entries[i].Item.GetAccess()] = true
		}
		again := sampleEntries(n, 2)
		again[0].Content[0]++ // a conflict; the other is a duplicate
		if _, err := j.Append(t.Context(), append(entries, again...), ingest.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	done := errors.New("done")
	conflicts, given, opened := 0, 0, 0
	err := j.Follow(t.Context(), 0, func(ctx context.Context, b *proto.Batch) error {
		got, err := b.Items()
		if err != nil {
			t.Fatal(err)
		}
		stored, err := j.ReadBatch(ctx, b.Sequence())
		if err != nil {
			t.Fatal(err)
		}
		want, err := stored.Items()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Fatalf("batch %d (-bytes +given):\n%s", b.Sequence(), diff)
		}
		for _, it := range got {
			switch {
			case len(it.ConflictsWith) > 0:
				conflicts++
			case offered[it.GetAccess()]:
				given++
			case it.GetAccess() != nil:
				opened++
			}
		}
		if b.Sequence() == j.Head().Sequence() {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) || conflicts != 40 || given+opened != 400 || given < 300 || opened == 0 {
		t.Fatalf("%v: %d conflicts; %d events as they were offered, %d from their bytes", err, conflicts, given, opened)
	}
}

// encoded is a message with one tick.
func encoded(t *testing.T, codec *proto.Codec, sequence uint64) []byte {
	t.Helper()
	tick, err := proto.NewBatchItem(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: 1}}}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	message, err := codec.Encode(sequence, time.Unix(1, 0), []proto.BatchItem{tick})
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// TestSharedBatch: only the very same bytes are shared, and nothing is kept alive by sharing.
func TestSharedBatch(t *testing.T) {
	codec, err := proto.NewCodec(nil)
	if err != nil {
		t.Fatal(err)
	}
	var shared journal.Shared
	message := encoded(t, codec, 7)
	first, err := shared.Decode(codec, 7, message)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := shared.Decode(codec, 7, bytes.Clone(message)); err != nil || again != first {
		t.Fatalf("the same bytes were decoded twice: %v", err)
	}
	other := encoded(t, codec, 7) // another salt, so other bytes
	if b, err := shared.Decode(codec, 7, other); err != nil || b == first || !b.Is(other) {
		t.Fatalf("other bytes at the same sequence gave the first batch: %v", err)
	}
	if _, err := shared.Decode(codec, 7, message[:len(message)-1]); !errors.Is(err, proto.ErrCorrupt) {
		t.Fatalf("a message that was cut gives %v, want ErrCorrupt", err)
	}
	gone := make(chan struct{})
	func() {
		b, err := shared.Decode(codec, 8, encoded(t, codec, 8))
		if err != nil {
			t.Fatal(err)
		}
		runtime.AddCleanup(b, func(done chan struct{}) { close(done) }, gone)
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-gone:
			return
		default:
			runtime.Gosched()
		}
	}
	t.Fatal("a batch that nobody holds was kept alive")
}
