package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestReplacedTablesAreTakenOver: who is who in the tables of an earlier release is, to the byte, what this release says of the same journal, also
// of rows that came after the migration, and where taking over failed and was repeated. Nobody is answered before. Nothing has to be rebuilt.
func TestReplacedTablesAreTakenOver(t *testing.T) {
	s, j := storetest.Open(t), newMemoryJournal(t)
	g := newGenerator(17)
	g.odd = true
	g.fill(t, j, 40, 40, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	project(t, newProjector(t, s, j), j)
	want := identities(t, s)
	for kind, least := range map[uint8]int{1: 50, 2: 5, 3: 10, 11: 20, 12: 5, 13: 1, 14: 5, 15: 1} {
		if n := len(slices.DeleteFunc(slices.Clone(want), func(r identityRow) bool { return r.Kind != kind })); n < least {
			t.Errorf("%d rows of kind %d", n, kind)
		}
	}
	// As an earlier release left it.
	exec(t, s, "DROP TABLE identities_v1 SYNC")
	for _, name := range []string{"0003_identity.sql", "0014_links.sql"} {
		for _, sql := range projections.Statements(t, name, 1) {
			exec(t, s, sql)
		}
	}
	exec(t, s, "ALTER TABLE migrations DELETE WHERE name = '0020_identities.sql' SETTINGS mutations_sync = 2")
	insertFormer(t, s, want[:len(want)/2])
	p := newProjector(t, s, j)
	if _, err := p.Prepare(t.Context()); err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	insertFormer(t, s, want[len(want)/2:])
	exec(t, s, "ALTER TABLE identifiers_v1 RENAME COLUMN text TO words")
	stop := running(t, p)
	version := func() uint32 {
		t.Helper()
		v, err := p.Version(t.Context())
		if err != nil {
			t.Fatal(store.Detail(err))
		}
		return v
	}
	waitFor(t, "the refusal", func() bool { return p.Trouble() != "" })
	if v := version(); v != 0 {
		t.Errorf("version %d answers while a table is not taken over", v)
	}
	exec(t, s, "ALTER TABLE identifiers_v1 RENAME COLUMN words TO text")
	waitFor(t, "an answering version", func() bool { return version() == 1 })
	if diff := cmp.Diff(want, identities(t, s)); diff != "" {
		t.Errorf("written (-) and taken over (+): %s", diff)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if left := formerTables(t, s); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
}

// TestVersionsBeginWherever: a version whose making was broken off behind any migration is made all the same, without tables that another one stands for.
func TestVersionsBeginWherever(t *testing.T) {
	j := newMemoryJournal(t)
	for first := 1; first <= projections.Migrations(t); first++ {
		s := storetest.Open(t)
		if err := newProjector(t, s, j).BeginVersion(t.Context(), 1, first); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
		if _, err := newProjector(t, s, j).Prepare(t.Context()); err != nil {
			t.Errorf("behind %d migrations: %v: %s", first, err, store.Detail(err))
		}
		if left := formerTables(t, s); len(left) > 0 {
			t.Errorf("behind %d migrations: %v", first, left)
		}
	}
}

// TestRunsCountWhatTheyHold: a run counts at least the bytes of its blocks, of facts with many links, too: it is sent off by them.
func TestRunsCountWhatTheyHold(t *testing.T) {
	id := func(value string) *v1.Identifier { return &v1.Identifier{System: "urn:mrn", Value: value} }
	links := make([]*v1.IdentityLink, 2_000)
	for i := range links {
		links[i] = &v1.IdentityLink{Kind: v1.IdentityLink_KIND_REPLACES, From: id("1"), To: id(fmt.Sprint(2 + i))}
	}
	j := newMemoryJournal(t)
	j.append(t, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC), &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
		Source: "ehr", ResourceType: "Patient", ResourceId: "1", Identifiers: []*v1.Identifier{id("1"), id("one")}, Links: links,
	}}})
	err := j.Follow(t.Context(), 0, func(_ context.Context, b *proto.Batch) error {
		counted, held, err := projections.RunBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		if held < 100_000 || counted < held {
			t.Errorf("counts %d of %d bytes", counted, held)
		}
		return errKilled
	})
	if !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
}

// formerTables are the tables of earlier releases that stand.
func formerTables(t *testing.T, s *store.Store) (names []string) {
	t.Helper()
	query := "SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^(identifiers|event_links|identity_links)_v')"
	err := s.Query(t.Context(), query, nil, func(row store.Row) error {
		names = append(names, "")
		return row.Scan(&names[len(names)-1])
	})
	if err != nil {
		t.Fatal(store.Detail(err))
	}
	return names
}

// identityRow is a row of identities_v1.
type identityRow struct {
	Kind                   uint8
	Key, Version, Position uint64
	Said, Text             string
}

// identities are the merged rows, in an order that mixes kinds.
func identities(t *testing.T, s *store.Store) (all []identityRow) {
	t.Helper()
	query := `SELECT kind, key, said, max(text), version, min(position) AS first
		FROM identities_v1 GROUP BY kind, key, said, version ORDER BY cityHash64(said, kind), version`
	err := s.Query(t.Context(), query, nil, func(row store.Row) error {
		var r identityRow
		err := row.Scan(&r.Kind, &r.Key, &r.Said, &r.Text, &r.Version, &r.Position)
		all = append(all, r)
		return err
	})
	if err != nil {
		t.Fatal(store.Detail(err))
	}
	return all
}

// insertFormer writes rows as earlier releases did.
func insertFormer(t *testing.T, s *store.Store, rows []identityRow) {
	t.Helper()
	columns := map[string][]string{
		"identifiers_v1": {"folded", "kind", "system", "value", "key", "text", "position"},
		"event_links_v1": {"key", "other_key", "kind", "system", "value", "other_system", "other_value", "position", "source"},
		"identity_links_v1": {
			"key", "position", "ordinal", "system", "value", "other_key", "other_system", "other_value", "kind", "reverse", "resource_key",
			"resource_type", "source",
		},
	}
	number := func(text string) uint64 {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for table, names := range columns {
		err := s.Insert(t.Context(), table, names, func(b store.Batch) error {
			for i, r := range rows {
				f := projections.Unpack(r.Said)
				var err error
				switch {
				case r.Kind > 10 && table == "identifiers_v1":
					err = b.Append(projections.Fold(f[1]), r.Kind-10, f[0], f[1], projections.Key(f[0], f[1]), r.Text, r.Position)
				case r.Kind < 3 && table == "event_links_v1":
					err = b.Append(r.Key, projections.Key(f[2], f[3]), r.Kind, f[0], f[1], f[2], f[3], r.Position, f[4])
				case r.Kind == 3 && table == "identity_links_v1":
					err = b.Append(r.Key, r.Position, uint32(i), f[0], f[1], projections.Key(f[2], f[3]), f[2], f[3], uint8(number(f[6])), f[7] == "1",
						number(f[5]), f[8], f[4])
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v: %s", table, err, store.Detail(err))
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
