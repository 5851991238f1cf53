package embedded_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
)

// TestConfined: statements that get past grants and lexer neither read nor write a file outside the engine's own directories.
// Without the confinement the same statements do both, and what the engine is for works in either case.
func TestConfined(t *testing.T) {
	if why, ok := embedded.Confined(); !ok {
		t.Skip(why)
	}
	for _, confined := range []bool{true, false} {
		name := "confined"
		if !confined {
			name = "not confined"
		}
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			secret, written := filepath.Join(outside, "secret"), filepath.Join(outside, "written")
			if err := os.WriteFile(secret, []byte("master key"), 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, start(t, func(cfg *embedded.Config) {
				if !confined {
					embedded.WithoutConfinement(cfg)
				}
			}))
			text := ""
			err := s.Query(t.Context(), "SELECT file({path:String})", store.Params{"path": secret}, func(row store.Row) error { return row.Scan(&text) })
			if read := text == "master key"; read == confined {
				t.Errorf("read %q of a file outside: %v: %s", text, err, detail(err))
			}
			// ClickHouse takes U+2018 and U+2019 for quotes, the lexer does not: it sees one string to INTO OUTFILE's path.
			err = s.Query(t.Context(), "SELECT \u2018'\u2019 INTO OUTFILE '"+written+"' FORMAT TabSeparated", nil, func(store.Row) error { return nil })
			if _, statErr := os.Stat(written); errors.Is(statErr, fs.ErrNotExist) != confined {
				t.Errorf("file outside: %v; the statement ended with %v: %s", statErr, err, detail(err))
			}
			for _, statement := range []string{
				"CREATE TABLE t (a UInt64, at DateTime('Europe/Vienna')) ENGINE = MergeTree ORDER BY a SETTINGS fsync_after_insert = 1",
				"INSERT INTO t SELECT number, 0 FROM numbers(100000)",
				"ALTER TABLE t DELETE WHERE a > 10 SETTINGS mutations_sync = 2",
				"OPTIMIZE TABLE t FINAL",
				"RENAME TABLE t TO u",
				"DROP TABLE u SYNC",
			} {
				if err := s.Exec(t.Context(), statement, nil); err != nil {
					t.Errorf("%s: %s", statement, detail(err))
				}
			}
		})
	}
}

func detail(err error) string {
	if err == nil {
		return ""
	}
	return store.Detail(err)
}
