package store_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

func files(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fs
}

func TestMigrate(t *testing.T) {
	s := storetest.Open(t)
	first := `-- Header; with a semicolon.
CREATE TABLE IF NOT EXISTS a (x String) ENGINE = MergeTree ORDER BY x; /* between; */
INSERT INTO a VALUES ('one; two');
-- the end
`
	if err := s.Migrate(t.Context(), files("0001_a.sql", first, "README.md", "not one")); err != nil {
		t.Fatal(err)
	}
	second := "CREATE TABLE IF NOT EXISTS b (x String) ENGINE = MergeTree ORDER BY x"
	all := files("0001_a.sql", first, "0002_b.sql", second)
	for range 3 { // again and again changes nothing
		if err := s.Migrate(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	if got := one[[]string](t, s, "SELECT groupArray(x) FROM a", nil); !cmp.Equal(got, []string{"one; two"}) {
		t.Errorf("got %q", got)
	}
	if n := one[uint64](t, s, "SELECT count() FROM migrations", nil); n != 2 {
		t.Errorf("%d migrations noted", n)
	}

	t.Run("a changed one is refused", func(t *testing.T) {
		err := s.Migrate(t.Context(), files("0001_a.sql", first+" ", "0002_b.sql", second, "0003_c.sql", "CREATE TABLE c (x String) ENGINE = Memory"))
		if !errors.Is(err, store.ErrMigrationChanged) || !strings.Contains(err.Error(), "0001_a.sql") {
			t.Errorf("got %v", err)
		}
		if n := one[uint64](t, s, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'c'", nil); n != 0 {
			t.Error("a later one was applied")
		}
	})
	t.Run("a failed one is repeated", func(t *testing.T) {
		broken := files("0001_a.sql", first, "0002_b.sql", second, "0003_c.sql", "CREATE TABLE IF NOT EXISTS c (x String) ENGINE = MergeTree ORDER BY x; SELEC 1")
		if err := s.Migrate(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "0003_c.sql, statement 2") {
			t.Errorf("got %v", err)
		}
		mended := files("0001_a.sql", first, "0002_b.sql", second, "0003_c.sql", "CREATE TABLE IF NOT EXISTS c (x String) ENGINE = MergeTree ORDER BY x; SELECT 1")
		if err := s.Migrate(t.Context(), mended); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestMigrationsAreNamedRight(t *testing.T) {
	for name, fs := range map[string]fstest.MapFS{
		"no number":    files("a.sql", ""),
		"twice":        files("1_a.sql", "", "01_b.sql", ""),
		"odd name":     files("1-a.sql", ""),
		"large number": files("99999999999_a.sql", ""),
	} {
		if _, err := store.Migrations(fs); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	got, err := store.Migrations(files("10_c.sql", "c", "2_b.sql", "b", "0001_a.sql", "a"))
	if err != nil || len(got) != 3 || got[0].SQL+got[1].SQL+got[2].SQL != "abc" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRender(t *testing.T) {
	got := store.Render("CREATE TABLE reads_vN AS reads_vN_old, x_vN.y, '_vN', a_vNext", 12)
	if want := "CREATE TABLE reads_v12 AS reads_vN_old, x_v12.y, '_v12', a_vNext"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestExecScript(t *testing.T) {
	s := storetest.Open(t)
	err := s.ExecScript(t.Context(), store.Render("CREATE TABLE a_vN (x UInt8) ENGINE = Memory; INSERT INTO a_vN VALUES (1); INSERT INTO a_vN VALUES (2)", 3))
	if err != nil {
		t.Fatal(err)
	}
	if n := one[uint64](t, s, "SELECT sum(x) FROM a_v3", nil); n != 3 {
		t.Errorf("sum %d", n)
	}
}

var scripts = []struct {
	sql  string
	want []string
}{
	{"", nil},
	{" ; ;; -- nothing\n; /* ; */ ", nil},
	{"SELECT 1", []string{"SELECT 1"}},
	{"SELECT 1;\n\nSELECT 2;", []string{"SELECT 1", "SELECT 2"}},
	{"SELECT ';', \";\", `;` -- ;\n, 2 /* ; */; SELECT 3", []string{"SELECT ';', \";\", `;` -- ;\n, 2 /* ; */", "SELECT 3"}},
	{`SELECT 'it\'s;', 'it''s;'; SELECT 2`, []string{`SELECT 'it\'s;', 'it''s;'`, "SELECT 2"}},
	{"-- first\nSELECT 1", []string{"-- first\nSELECT 1"}},
	{"SELECT 'open;", []string{"SELECT 'open;"}},
	{"SELECT 1 /* open; ", []string{"SELECT 1 /* open;"}},
	{"SELECT 5--;", []string{"SELECT 5--;"}},
}

func TestStatements(t *testing.T) {
	for _, tc := range scripts {
		if diff := cmp.Diff(tc.want, store.Statements(tc.sql)); diff != "" {
			t.Errorf("%q: %s", tc.sql, diff)
		}
	}
}

// FuzzStatements: what is split stays split, in the same pieces, when it is put together again.
func FuzzStatements(f *testing.F) {
	for _, tc := range scripts {
		f.Add(tc.sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		pieces := store.Statements(sql)
		for _, piece := range pieces {
			if !strings.Contains(sql, piece) {
				t.Fatalf("%q is not part of %q", piece, sql)
			}
		}
		again := store.Statements(strings.Join(pieces, "\n;"))
		if diff := cmp.Diff(pieces, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
