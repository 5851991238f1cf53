package projections_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// TestLinksArePacked: a link's text says what its columns say, to the byte, of rows that an earlier release wrote and of those that came
// since. Nothing has to be rebuilt.
func TestLinksArePacked(t *testing.T) {
	s := storetest.Open(t)
	p := newProjector(t, s, newMemoryJournal(t))
	exec := func(sql string) {
		t.Helper()
		if err := s.Exec(t.Context(), sql, nil); err != nil {
			t.Fatalf("%s: %v: %s", sql, err, store.Detail(err))
		}
	}
	prepare := func() {
		t.Helper()
		if _, err := p.Prepare(t.Context()); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	columns := []string{"key", "system", "value", "other_system", "other_value", "source", "position"}
	links := map[uint64][]string{}
	insert := func(fields ...string) {
		t.Helper()
		n := uint64(len(links) + 1)
		links[n] = fields
		for _, table := range []string{"event_links_v1", "identity_links_v1"} {
			err := s.Insert(t.Context(), table, columns, func(b store.Batch) error {
				return b.Append(n, fields[0], fields[1], fields[2], fields[3], fields[4], n)
			})
			if err != nil {
				t.Fatalf("%v: %s", err, store.Detail(err))
			}
		}
	}
	prepare()
	// As before this migration.
	exec("ALTER TABLE event_links_v1 DROP COLUMN link")
	exec("ALTER TABLE identity_links_v1 DROP COLUMN link")
	exec("ALTER TABLE migrations DELETE WHERE name = '0014_links.sql' SETTINGS mutations_sync = 2")
	insert("urn:mrn", "1", "urn:pacs", "P-1", "ehr")
	insert("urn:a\x1fb", "\x1e\x1f\x1eu", "", "Müller's \\ \"1\"", "")
	prepare()
	insert("urn:mrn", "2", "", "", "")
	insert("\x1f\x1e", "\x1er\x1e\x1e", "\x1f", "x\n", "ehr\x1f")
	exec("OPTIMIZE TABLE event_links_v1 FINAL") // what merges keep is the same
	for _, table := range []string{"event_links_v1", "identity_links_v1"} {
		got := map[uint64][]string{}
		err := s.Query(t.Context(), "SELECT key, link FROM "+table, nil, func(row store.Row) error {
			var key uint64
			var link string
			err := row.Scan(&key, &link)
			got[key] = projections.Unpack(link)
			if want := projections.Pack(links[key]...); link != want {
				t.Errorf("%s: %q, packed it is %q", table, link, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(store.Detail(err))
		}
		if diff := cmp.Diff(links, got); diff != "" {
			t.Errorf("%s: columns (-) and the text (+): %s", table, diff)
		}
	}
}

// TestLooksArePacked: the text of a look is what its columns pack to, of rows from before the column as of those after it.
func TestLooksArePacked(t *testing.T) {
	s := storetest.Open(t)
	p := newProjector(t, s, newMemoryJournal(t))
	asked := time.UnixMicro(1_772_441_700_123_456).UTC()
	want := map[uint64]string{}
	insert := func(system, value, asker, purpose string) {
		t.Helper()
		n := uint64(len(want) + 1)
		want[n] = projections.Pack(system, value, "question", asker, "role", "WhoViewed", purpose, "1772441700123456", "18446744073709551615")
		columns := []string{"subject_key", "position", "subject_system", "subject_value", "question_id", "asker", "role", "query", "purpose", "asked", "rows"}
		err := s.Insert(t.Context(), "questions_v1", columns, func(b store.Batch) error {
			return b.Append(n, n, system, value, "question", asker, "role", "WhoViewed", purpose, asked, uint64(math.MaxUint64))
		})
		if err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	prepare := func() {
		t.Helper()
		if _, err := p.Prepare(t.Context()); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	prepare()
	for _, sql := range []string{ // as before this migration
		"ALTER TABLE questions_v1 DROP COLUMN look", "ALTER TABLE migrations DELETE WHERE name = '0019_looks.sql' SETTINGS mutations_sync = 2",
	} {
		if err := s.Exec(t.Context(), sql, nil); err != nil {
			t.Fatal(store.Detail(err))
		}
	}
	insert("urn:mrn", "1", "os:eve", "complaint")
	insert("urn:a\x1fb", "\x1e\x1f\x1eu", "", "Müller's \\ \"1\"\n")
	prepare()
	insert("urn:mrn", "2", "\x1f", "")
	if err := s.Exec(t.Context(), "OPTIMIZE TABLE questions_v1 FINAL", nil); err != nil {
		t.Fatal(store.Detail(err))
	}
	got := map[uint64]string{}
	err := s.Query(t.Context(), "SELECT position, look FROM questions_v1", nil, func(row store.Row) error {
		var n uint64
		var look string
		err := row.Scan(&n, &look)
		got[n] = look
		return err
	})
	if err != nil {
		t.Fatal(store.Detail(err))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-) and the text (+): %s", diff)
	}
}
