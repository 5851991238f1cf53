package projections_test

import (
	"testing"

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
