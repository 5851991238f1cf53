package journal_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
)

func statuses(results []ingest.Result) string {
	out := ""
	for _, r := range results {
		out += string("?SDC"[r.Status])
	}
	return out
}

func TestDuplicatesAndConflicts(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	j := open(t, cfg)
	cases := []struct {
		name    string
		entries []ingest.Entry
		want    string
		stored  int // items in the journal afterwards
	}{
		{"new", []ingest.Entry{event("a", "1"), event("b", "1")}, "SS", 2},
		{"again", []ingest.Entry{event("b", "1"), event("a", "1")}, "DD", 2},
		{"within one call", []ingest.Entry{event("c", "1"), event("c", "1"), event("c", "2"), event("c", "2"), event("c", "1")}, "SDCDD", 4},
		{"conflict", []ingest.Entry{event("a", "2")}, "C", 5},
		{"same conflict", []ingest.Entry{event("a", "2"), event("a", "1"), event("a", "3")}, "DDC", 6},
		{"only duplicates", []ingest.Entry{event("a", "1"), event("a", "2"), event("a", "3")}, "DDD", 6},
	}
	first := map[proto.EventID]proto.Position{}
	check := func(t *testing.T, j *journal.Journal, want string, entries []ingest.Entry) {
		t.Helper()
		results := mustAppend(t, j, entries...)
		if diff := cmp.Diff(want, statuses(results)); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		for i, r := range results {
			if at, ok := first[r.ID]; ok && at != r.Position {
				t.Errorf("entry %d: position %s, first it was %s", i, r.Position, at)
			}
			first[r.ID] = r.Position
			if r.Status == ingest.Conflict && r.ID != entries[i].ID.Salted(entries[i].Content) {
				t.Errorf("entry %d: a conflict is not stored under its salted id", i)
			}
		}
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			check(t, j, tc.want, tc.entries)
			if n := len(readAll(t, j)); n != tc.stored {
				t.Errorf("%d items in the journal, want %d", n, tc.stored)
			}
		})
	}
	for _, s := range readAll(t, j) {
		id, err := proto.ItemID(s.item)
		if err != nil || first[id] != s.position {
			t.Errorf("item at %s carries %s, which was answered with %s", s.position, id, first[id])
		}
		claimed := event(s.item.GetAccess().SourceEventId, "1").ID
		if conflict := id != claimed; conflict != (len(s.item.ConflictsWith) > 0) || conflict && string(s.item.ConflictsWith) != string(claimed[:]) {
			t.Errorf("item at %s: conflicts_with is %x", s.position, s.item.ConflictsWith)
		}
	}
	t.Run("after a restart", func(t *testing.T) {
		shut(t, j)
		j = open(t, cfg)
		check(t, j, "DDDDD", []ingest.Entry{event("a", "1"), event("a", "2"), event("a", "3"), event("c", "2"), event("b", "1")})
	})
}

// TestDuplicatesInFlight offers the same events from many callers at once: each is stored once, and whoever is told
// "duplicate" is told only once the first is on disk.
func TestDuplicatesInFlight(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	const callers, events = 32, 200
	var mu sync.Mutex
	positions := map[int]map[proto.Position]int{}
	storedCount := 0
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := range events {
				results, err := j.Append(t.Context(), []ingest.Entry{numbered(n)}, ingest.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if head := j.Head(); head < results[0].Position {
					t.Errorf("answered with %s while the head is %s", results[0].Position, head)
				}
				mu.Lock()
				if positions[n] == nil {
					positions[n] = map[proto.Position]int{}
				}
				positions[n][results[0].Position]++
				if results[0].Status == ingest.Stored {
					storedCount++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if storedCount != events {
		t.Errorf("%d stored, want %d", storedCount, events)
	}
	for n, at := range positions {
		if len(at) != 1 {
			t.Errorf("event %d was answered with %d positions", n, len(at))
		}
	}
	if n := len(readAll(t, j)); n != events {
		t.Errorf("%d items in the journal, want %d", n, events)
	}
}

// TestIndexIsRebuilt loses, spoils and sets back the index: the journal restores it.
func TestIndexIsRebuilt(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(t *testing.T, index, older string)
	}{
		{"lost", func(t *testing.T, index, _ string) { must(t, os.RemoveAll(index)) }},
		{"older than the journal", func(t *testing.T, index, older string) {
			must(t, os.RemoveAll(index))
			must(t, os.CopyFS(index, os.DirFS(older)))
		}},
		{"manifest corrupt", func(t *testing.T, index, _ string) { spoilFiles(t, index, "MANIFEST-*") }},
		{"tables corrupt", func(t *testing.T, index, _ string) { spoilFiles(t, index, "*.sst") }},
		{"suspect", func(t *testing.T, index, _ string) {
			must(t, os.WriteFile(filepath.Join(index, "suspect"), nil, 0o600))
		}},
		{"a file in its place", func(t *testing.T, index, _ string) {
			must(t, os.RemoveAll(index))
			must(t, os.WriteFile(index, []byte("?"), 0o600))
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			j := open(t, cfg)
			index, older := journal.IndexDir(j), filepath.Join(t.TempDir(), "older")
			mustAppend(t, j, numbered(0), numbered(1), event("event 1", "conflict"))
			shut(t, j)
			must(t, os.CopyFS(older, os.DirFS(index)))
			j = open(t, cfg)
			mustAppend(t, j, numbered(2), numbered(3))
			shut(t, j)
			tc.spoil(t, index, older)
			j = open(t, cfg)
			results := mustAppend(t, j, numbered(0), numbered(1), event("event 1", "conflict"), numbered(2), numbered(3), numbered(4))
			if got := statuses(results); got != "DDDDDS" {
				t.Errorf("statuses are %s", got)
			}
			if n := len(readAll(t, j)); n != 6 {
				t.Errorf("%d items in the journal, want 6", n)
			}
		})
	}
}

// TestIndexOfAnotherJournal puts the index of one journal beside another: it is not believed.
func TestIndexOfAnotherJournal(t *testing.T) {
	one, two := testConfig(t, t.TempDir()), testConfig(t, t.TempDir())
	for i, cfg := range []journal.Config{one, two} {
		j := open(t, cfg)
		for n := range 3 {
			mustAppend(t, j, numbered(10*i+n))
		}
		shut(t, j)
	}
	must(t, os.RemoveAll(filepath.Join(two.Dir, "seen")))
	must(t, os.CopyFS(filepath.Join(two.Dir, "seen"), os.DirFS(filepath.Join(one.Dir, "seen"))))
	j := open(t, two)
	if got := statuses(mustAppend(t, j, numbered(0), numbered(1), numbered(10), numbered(12))); got != "SSDD" {
		t.Errorf("statuses are %s", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// spoilFiles flips every byte in the second half of the files.
func spoilFiles(t *testing.T, dir, pattern string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	must(t, err)
	if len(names) == 0 {
		t.Fatalf("no %s to spoil", pattern)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(t, err)
		for i := len(data) / 2; i < len(data); i++ {
			data[i] ^= 0xff
		}
		must(t, os.WriteFile(name, data, 0o600))
	}
}

func TestBadEntries(t *testing.T) {
	j := open(t, testConfig(t, t.TempDir()))
	other := numbered(1)
	other.ID = numbered(2).ID
	short := numbered(1)
	short.Item.GetAccess().EventId = []byte("short")
	for name, e := range map[string]ingest.Entry{
		"no item": {}, "another id than its item": other, "no id": short,
	} {
		if _, err := j.Append(t.Context(), []ingest.Entry{e}, ingest.Options{}); !errors.Is(err, journal.ErrBadEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := j.Append(t.Context(), nil, ingest.Options{}); r != nil || err != nil {
		t.Errorf("nothing: %v, %v", r, err)
	}
	if j.Head() != 0 {
		t.Errorf("head is %s", j.Head())
	}
	if _, ok, err := j.Locate(t.Context(), numbered(1).ID); ok || err != nil {
		t.Errorf("locate in an empty journal: %t, %v", ok, err)
	}
	if _, err := j.ReadBatch(t.Context(), 1); !errors.Is(err, journal.ErrNoBatch) {
		t.Errorf("read from an empty journal: %v", err)
	}
}

func TestDirectoryIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	must(t, os.Mkdir(dir, 0o755)) // readable by all: that is the point
	j := open(t, testConfig(t, dir))
	mustAppend(t, j, numbered(1))
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("mode is %s", info.Mode())
	}
	if _, err := journal.Open(t.Context(), testConfig(t, dir)); err == nil {
		t.Error("a second journal opened in the same directory")
	}
	fmt.Fprintln(t.Output(), "two journals in one directory are refused")
}
