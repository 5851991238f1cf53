package journal_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// testStart is when the events of these tests are recorded.
func testStart() time.Time { return time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC) }

// event is an entry with key as its identity and text as its content.
func event(key, text string) ingest.Entry {
	id := proto.NewEventID(proto.EventIdentity{Source: "emr", Key: []byte(key), Recorded: testStart()})
	return ingest.Entry{
		Item: &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
			EventId: id.Bytes(), Source: "emr", SourceEventId: key, ActionCode: text,
		}}},
		ID: id, Content: proto.HashContent([]byte(text)),
	}
}

func numbered(n int) ingest.Entry { return event(fmt.Sprintf("event %d", n), "read") }

func keyRing(tb testing.TB) *proto.KeyRing {
	tb.Helper()
	keys, err := proto.OpenKeyRing(tb.TempDir(), make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// testConfig keeps little in reserve and journals no ticks.
func testConfig(tb testing.TB, dir string) journal.Config {
	tb.Helper()
	return journal.Config{
		Dir: dir, Reserve: 1 << 20, LastReserve: 1 << 10, TickEvery: -1, Keys: keyRing(tb),
		Logger: slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

func open(tb testing.TB, cfg journal.Config) *journal.Journal {
	tb.Helper()
	j, err := journal.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { shut(tb, j) })
	return j
}

func shut(tb testing.TB, j *journal.Journal) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := j.Close(ctx); err != nil {
		tb.Error(err)
	}
}

func mustAppend(tb testing.TB, j *journal.Journal, entries ...ingest.Entry) []ingest.Result {
	tb.Helper()
	results, err := j.Append(tb.Context(), entries, ingest.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	if len(results) != len(entries) {
		tb.Fatalf("%d results for %d entries", len(results), len(entries))
	}
	return results
}

// stored is one item as a follower finds it.
type stored struct {
	position proto.Position
	item     *v1.Item
}

// readAll follows the journal up to its head and checks what holds of every journal: positions without a gap, roots
// that hold, received times that never fall, ids that occur once.
func readAll(tb testing.TB, j *journal.Journal) []stored {
	tb.Helper()
	var out []stored
	end, sequence, received := j.Head(), uint64(0), time.Time{}
	if end == 0 {
		return nil
	}
	seen := map[proto.EventID]proto.Position{}
	done := fmt.Errorf("end of journal")
	err := j.Follow(tb.Context(), 0, func(_ context.Context, b *proto.Batch) error {
		if b.Sequence() != sequence+1 {
			tb.Errorf("batch %d after batch %d", b.Sequence(), sequence)
		}
		if b.Received().Before(received) {
			tb.Errorf("batch %d was received before the one before it", b.Sequence())
		}
		sequence, received = b.Sequence(), b.Received()
		if err := b.VerifyRoot(); err != nil {
			tb.Error(err)
		}
		items, err := b.Items()
		if err != nil {
			return err
		}
		for i, it := range items {
			out = append(out, stored{b.Position(i), it})
			id, err := proto.ItemID(it)
			if err != nil {
				return err
			}
			if first, twice := seen[id]; twice && !id.IsZero() {
				tb.Errorf("id %s stands at %s and at %s", id, first, b.Position(i))
			}
			seen[id] = b.Position(i)
		}
		if b.Sequence() >= end.Sequence() {
			return done
		}
		return nil
	})
	if err != done { //nolint:errorlint // the very same
		tb.Fatalf("follow: %v", err)
	}
	return out
}

func TestAppendFollowReopen(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	j := open(t, cfg)
	if d := j.Durability(); d.State != journal.Verified {
		t.Errorf("durability is %q", d)
	}
	var want []proto.Position
	for i := range 100 {
		r := mustAppend(t, j, numbered(2*i), numbered(2*i+1))
		for _, r := range r {
			if r.Status != ingest.Stored {
				t.Fatalf("status %d", r.Status)
			}
			want = append(want, r.Position)
		}
	}
	check := func(j *journal.Journal) {
		t.Helper()
		got := readAll(t, j)
		if len(got) != len(want) {
			t.Fatalf("%d items, want %d", len(got), len(want))
		}
		for i, s := range got {
			if s.position != want[i] || s.item.GetAccess().SourceEventId != fmt.Sprintf("event %d", i) {
				t.Fatalf("item %d stands at %s: %v", i, s.position, s.item)
			}
			at, ok, err := j.Locate(t.Context(), numbered(i).ID)
			if err != nil || !ok || at != s.position {
				t.Fatalf("locate item %d: %s, %t, %v", i, at, ok, err)
			}
		}
		if j.Head() != want[len(want)-1] {
			t.Errorf("head is %s, want %s", j.Head(), want[len(want)-1])
		}
	}
	check(j)
	shut(t, j)
	j = open(t, cfg)
	check(j)
	for i, r := range mustAppend(t, j, numbered(0), numbered(1)) {
		if r.Status != ingest.Duplicate || r.Position != want[i] {
			t.Errorf("after a restart: %+v", r)
		}
	}
	check(j)
}
