package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// appendUntilKept offers the entries until the journal takes them, as a caller that is told to come again does.
func appendUntilKept(t *testing.T, j *journal.Journal, entries ...ingest.Entry) []ingest.Result {
	t.Helper()
	for {
		results, err := j.Append(t.Context(), entries, ingest.Options{})
		if err == nil {
			return results
		}
		if !errors.Is(err, ingest.ErrBusy) {
			t.Fatal(err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestTwoCommitters lets two journals append to one stream: the one that finds the other's batch stops for good, and
// nothing is overwritten or acknowledged twice.
func TestTwoCommitters(t *testing.T) {
	srv := external(t, nil)
	one, two := open(t, externalConfig(t, srv)), open(t, externalConfig(t, srv))
	mustAppend(t, one, numbered(1))
	_, err := two.Append(t.Context(), []ingest.Entry{numbered(2)}, ingest.Options{})
	for errors.Is(err, ingest.ErrBusy) {
		_, err = two.Append(t.Context(), []ingest.Entry{numbered(2)}, ingest.Options{})
	}
	if !errors.Is(err, journal.ErrFenced) || !errors.Is(err, ingest.ErrClosed) {
		t.Fatalf("append of the second writer: %v", err)
	}
	if err := two.Ready(); !errors.Is(err, journal.ErrFenced) {
		t.Errorf("ready: %v", err)
	}
	mustAppend(t, one, numbered(3)) // the other goes on
	if n := len(readAll(t, one)); n != 2 {
		t.Errorf("%d items", n)
	}
	if n := len(readAll(t, two)); n != 1 {
		t.Errorf("%d items up to the head of the one that stopped", n)
	}
}

// TestFollowerSurvivesRestarts restarts the server while a follower reads and callers append.
func TestFollowerSurvivesRestarts(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.PublishTimeout = 2 * time.Second
	j := open(t, cfg)
	const events = 300
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range events {
			appendUntilKept(t, j, numbered(n))
			if n%100 == 50 {
				if err := journal.Restart(t.Context(), j); err != nil {
					t.Error(err)
				}
			}
		}
	})
	followed, want := map[string]bool{}, uint64(0)
	done := errors.New("done")
	err := j.FollowAs(t.Context(), "test", 0, func(_ context.Context, b *proto.Batch) error {
		if want++; b.Sequence() != want {
			t.Errorf("batch %d, want %d", b.Sequence(), want)
		}
		items, err := b.Items()
		if err != nil {
			return err
		}
		for _, it := range items {
			if a := it.GetAccess(); a != nil {
				followed[a.SourceEventId] = true
			}
		}
		if len(followed) == events {
			return done
		}
		return nil
	})
	wg.Wait()
	if err != done { //nolint:errorlint // the very same
		t.Fatal(err)
	}
	readAll(t, j)
}

// TestFullDisk fills the disk under an embedded server, which stays deaf until it is restarted.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("a small disk needs the right to mount tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	cfg := testConfig(t, filepath.Join(dir, "journal"))
	cfg.Reserve, cfg.LastReserve, cfg.MaxBytes = 2, 1, 1<<30 // no reserve to speak of: the disk itself shall say no
	cfg.PublishTimeout = time.Second
	j := open(t, cfg)
	kept := []ingest.Entry{}
	for n := range 20 {
		mustAppend(t, j, numbered(n))
		kept = append(kept, numbered(n))
	}
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	var err error
	for n := 20; err == nil; n++ {
		e := numbered(n)
		e.Item.GetAccess().Workstation = incompressible(64 << 10)
		if _, err = j.Append(t.Context(), []ingest.Entry{e}, ingest.Options{}); err == nil {
			kept = append(kept, e)
		}
	}
	if !errors.Is(err, ingest.ErrBusy) {
		t.Fatalf("append on a full disk: %v", err)
	}
	must(t, os.Remove(ballast))
	appendUntilKept(t, j, event("after", "read"))
	for i, r := range mustAppend(t, j, kept...) {
		if r.Status != ingest.Duplicate {
			t.Errorf("acknowledged entry %d: status %d", i, r.Status)
		}
	}
	readAll(t, j)
	if err := j.Ready(); err != nil {
		t.Error(err)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	block := make([]byte, 64<<10)
	for len(block) > 0 {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	_ = f.Close()
}

func incompressible(n int) string {
	var out strings.Builder
	for i := 0; out.Len() < n; i++ {
		h := proto.HashContent(fmt.Append(nil, i))
		fmt.Fprintf(&out, "%x", h)
	}
	return out.String()[:n]
}

func TestReserves(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.MaxBytes, cfg.Reserve, cfg.LastReserve = 1<<20, 512<<10, 256<<10
	j := open(t, cfg)
	big := func(n int) ingest.Entry {
		e := numbered(n)
		e.Item.GetAccess().Workstation = incompressible(100 << 10)
		return e
	}
	appendAll := func(from int, opts ingest.Options) int {
		for n := from; ; n++ {
			if _, err := j.Append(t.Context(), []ingest.Entry{big(n)}, opts); err != nil {
				if !errors.Is(err, ingest.ErrBusy) {
					t.Fatal(err)
				}
				return n
			}
		}
	}
	n := appendAll(0, ingest.Options{})
	if err := j.Ready(); !errors.Is(err, ingest.ErrBusy) {
		t.Errorf("ready below the reserve: %v", err)
	}
	last := appendAll(n, ingest.Options{Reserved: true})
	if n == 0 || last == n {
		t.Errorf("%d entries, then %d reserved ones", n, last-n)
	}
	s, err := j.Stats(t.Context())
	must(t, err)
	if s.Messages != uint64(last) || s.First != 1 || s.Last != uint64(last) || s.Free >= cfg.LastReserve+(100<<10) || s.MaxBytes != cfg.MaxBytes {
		t.Errorf("stats are %+v after %d entries", s, last)
	}
	if got := len(readAll(t, j)); got != last {
		t.Errorf("%d items, want %d", got, last)
	}
}

// TestStreamLimit lets the stream itself refuse: nothing is lost, and appends go on once there is room.
func TestStreamLimit(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.MaxBytes, cfg.Reserve, cfg.LastReserve = 256<<10, 2, 1
	j := open(t, cfg)
	n := 0
	for ; ; n++ {
		e := numbered(n)
		e.Item.GetAccess().Workstation = incompressible(100 << 10)
		if _, err := j.Append(t.Context(), []ingest.Entry{e}, ingest.Options{}); err != nil {
			if !errors.Is(err, ingest.ErrBusy) {
				t.Fatal(err)
			}
			break
		}
	}
	appendUntilKept(t, j, event("small", "read"))
	if got := len(readAll(t, j)); got != n+1 {
		t.Errorf("%d items, want %d", got, n+1)
	}
	shut(t, j)
	cfg.MaxBytes = 64 << 20
	j = open(t, cfg)
	e := numbered(n)
	e.Item.GetAccess().Workstation = incompressible(100 << 10)
	mustAppend(t, j, e)
}

func TestClockJumpsBack(t *testing.T) {
	var now atomic.Int64
	now.Store(testStart().UnixMicro())
	cfg := testConfig(t, t.TempDir())
	cfg.Now = func() time.Time { return time.UnixMicro(now.Load()) }
	cfg.TickEvery = time.Millisecond
	j := open(t, cfg)
	received := func(r []ingest.Result) time.Time {
		b, err := j.ReadBatch(t.Context(), r[0].Position.Sequence())
		must(t, err)
		return b.Received()
	}
	first := received(mustAppend(t, j, numbered(1)))
	now.Store(testStart().Add(-time.Hour).UnixMicro())
	if second := received(mustAppend(t, j, numbered(2))); second.Before(first) {
		t.Errorf("received at %s, then at %s", first, second)
	}
	shut(t, j)
	j = open(t, cfg)
	for n := 3; n < 20; n++ {
		mustAppend(t, j, numbered(n))
	}
	tick := int64(0)
	for _, s := range readAll(t, j) { // it checks received times
		if at := s.item.GetTick().GetAtUs(); at != 0 {
			if at <= tick {
				t.Errorf("tick %d after tick %d", at, tick)
			}
			tick = at
		}
	}
	if tick == 0 {
		t.Error("no ticks")
	}
}

func TestLimits(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	sized := func(n, bytes int) ingest.Entry {
		e := numbered(n)
		e.Item.GetAccess().Workstation = strings.Repeat("q", bytes)
		return e
	}
	many := func(from, n, bytes int) []ingest.Entry {
		out := make([]ingest.Entry, n)
		for i := range out {
			out[i] = sized(from+i, bytes)
		}
		return out
	}
	cases := []struct {
		name    string
		entries []ingest.Entry
		opts    ingest.Options
		batches int // 0: refused
	}{
		{"larger than a batch", []ingest.Entry{sized(0, journal.BatchBytes+1)}, ingest.Options{}, 1},
		{"larger than any batch", []ingest.Entry{sized(1, 1), sized(2, journal.MaxBatchBytes)}, ingest.Options{}, 0},
		{"more than a batch", many(100, proto.MaxBatchItems+1, 1), ingest.Options{}, 2},
		{"atomic, a whole batch", many(10_000, proto.MaxBatchItems, 1), ingest.Options{Atomic: true}, 1},
		{"atomic, large", many(20_000, 3, journal.BatchBytes/2), ingest.Options{Atomic: true}, 1},
		{"atomic, too many", many(30_000, proto.MaxBatchItems+1, 1), ingest.Options{Atomic: true}, 0},
		{"atomic, too large", many(40_000, 17, journal.BatchBytes), ingest.Options{Atomic: true}, 0},
		{"large, not atomic", many(50_000, 17, journal.BatchBytes), ingest.Options{}, 17},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			before := j.Head().Sequence()
			results, err := j.Append(t.Context(), tc.entries, tc.opts)
			if tc.batches == 0 {
				if !errors.Is(err, ingest.ErrTooLarge) || j.Head().Sequence() != before {
					t.Errorf("append: %v, batches %d", err, j.Head().Sequence()-before)
				}
				return
			}
			must(t, err)
			if n := int(j.Head().Sequence() - before); n != tc.batches {
				t.Errorf("%d batches, want %d", n, tc.batches)
			}
			for i, r := range results {
				if r.Status != ingest.Stored || i > 0 && r.Position <= results[i-1].Position {
					t.Fatalf("entry %d: %+v", i, r)
				}
			}
		})
	}
	readAll(t, j)
}

// TestAtomicNeverSpansBatches appends atomic and other calls at once.
func TestAtomicNeverSpansBatches(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for k := range 20 {
				var entries []ingest.Entry
				for i := range 400 {
					entries = append(entries, numbered(c*100_000+k*1000+i))
				}
				results, err := j.Append(t.Context(), entries, ingest.Options{Atomic: c%2 == 0})
				if err != nil {
					t.Error(err)
					return
				}
				if first, last := results[0].Position, results[len(results)-1].Position; c%2 == 0 && first.Sequence() != last.Sequence() {
					t.Errorf("an atomic call stands in batches %d to %d", first.Sequence(), last.Sequence())
				}
			}
		})
	}
	wg.Wait()
	if n := len(readAll(t, j)); n != 8*20*400 {
		t.Errorf("%d items", n)
	}
}

func TestFollowFrom(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	var results []ingest.Result
	for n := range 5 {
		results = append(results, mustAppend(t, j, numbered(2*n), numbered(2*n+1))...)
	}
	cases := []struct {
		name string
		from proto.Position
		want uint64 // first batch
	}{
		{"the beginning", 0, 1},
		{"a whole batch", proto.EndOf(2), 3},
		{"within a batch", results[4].Position, 3},
		{"the last of a batch", results[5].Position, 4},
	}
	done := errors.New("done")
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			err := j.Follow(t.Context(), tc.from, func(_ context.Context, b *proto.Batch) error {
				if b.Sequence() != tc.want {
					t.Errorf("first batch is %d, want %d", b.Sequence(), tc.want)
				}
				return done
			})
			if err != done { //nolint:errorlint // the very same
				t.Error(err)
			}
		})
	}
	t.Run("beyond the end", func(t *testing.T) {
		if err := j.Follow(t.Context(), proto.EndOf(7), nil); !errors.Is(err, journal.ErrGap) {
			t.Errorf("follow: %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := j.Follow(ctx, proto.EndOf(4), func(context.Context, *proto.Batch) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("follow: %v", err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		ended := make(chan error)
		reached := make(chan struct{})
		go func() {
			ended <- j.Follow(t.Context(), proto.EndOf(4), func(context.Context, *proto.Batch) error { close(reached); return nil })
		}()
		<-reached
		shut(t, j)
		if err := <-ended; !errors.Is(err, ingest.ErrClosed) {
			t.Errorf("follow: %v", err)
		}
		if err := j.Follow(t.Context(), 0, nil); !errors.Is(err, ingest.ErrClosed) {
			t.Errorf("follow a closed journal: %v", err)
		}
		if _, err := j.Append(t.Context(), []ingest.Entry{numbered(1)}, ingest.Options{}); !errors.Is(err, ingest.ErrClosed) {
			t.Errorf("append to a closed journal: %v", err)
		}
	})
}

// TestDamage puts messages into the stream that no committer would: followers stop, and say why.
func TestDamage(t *testing.T) {
	tick, err := proto.NewBatchItem(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: 1}}}, "", nil)
	must(t, err)
	cases := []struct {
		name    string
		message func(t *testing.T, j *journal.Journal) []byte
	}{
		{"noise", func(*testing.T, *journal.Journal) []byte { return []byte("noise") }},
		{"moved", func(t *testing.T, j *journal.Journal) []byte {
			message, err := journal.EncodeAt(j, 7, []proto.BatchItem{tick})
			must(t, err)
			return message
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			j := open(t, cfg)
			mustAppend(t, j, numbered(1))
			must(t, journal.Intrude(t.Context(), j, tc.message(t, j)))
			n := 0
			err := j.Follow(t.Context(), 0, func(context.Context, *proto.Batch) error { n++; return nil })
			if !errors.Is(err, proto.ErrCorrupt) || n != 1 {
				t.Errorf("follow: %v after %d batches", err, n)
			}
			shut(t, j)
			if _, err := journal.Open(t.Context(), cfg); !errors.Is(err, proto.ErrCorrupt) {
				t.Errorf("open: %v", err)
			}
		})
	}
}

// TestGap follows a stream that lost messages at its front, which only somebody else's hands can do.
func TestGap(t *testing.T) {
	srv := external(t, nil)
	cfg := externalConfig(t, srv)
	j := open(t, cfg)
	for n := range 3 {
		mustAppend(t, j, numbered(n))
	}
	nc, err := nats.Connect(srv.ClientURL())
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	info, err := js.Stream(t.Context(), journal.Stream)
	must(t, err)
	// Deny flags cannot be unset, but a stream of the same name can be made anew without its beginning.
	sc := info.CachedInfo().Config
	last, err := info.GetMsg(t.Context(), 3)
	must(t, err)
	// The server removes the empty directory of its last stream some time after that was deleted, and with it that of a new one.
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "BESIDE", Subjects: []string{"beside"}})
	must(t, err)
	must(t, js.DeleteStream(t.Context(), journal.Stream))
	sc.FirstSeq = 3
	_, err = js.CreateStream(t.Context(), sc)
	must(t, err)
	_, err = js.Publish(t.Context(), "journal", last.Data)
	must(t, err)
	err = j.Follow(t.Context(), proto.EndOf(1), func(context.Context, *proto.Batch) error { return nil })
	if !errors.Is(err, journal.ErrGap) {
		t.Errorf("follow: %v", err)
	}
	shut(t, j)
	if _, err := journal.Open(t.Context(), cfg); !errors.Is(err, journal.ErrGap) {
		t.Errorf("open: %v", err)
	}
}
