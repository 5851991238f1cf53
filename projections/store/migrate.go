package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// ErrMigrationChanged says that a migration file differs from what was applied under its number. Migrations are never
// edited once they have been released: write a new one.
var ErrMigrationChanged = errors.New("an applied migration has changed")

const migrationsTable = `CREATE TABLE IF NOT EXISTS migrations
(
    number UInt32,
    name String,
    checksum FixedString(64),
    applied DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`

// versionToken is how a table name in SQL says that it belongs to a version of the projections.
var versionToken = regexp.MustCompile(`_vN\b`)

// Render puts a version of the projections into SQL: each _vN at the end of a name becomes _v1, _v2, ... Nothing else is
// ever put into SQL as text.
func Render(sql string, version uint64) string {
	return versionToken.ReplaceAllString(sql, "_v"+strconv.FormatUint(version, 10))
}

// Migration is one numbered file.
type Migration struct {
	Number   uint32
	Name     string // the file's name
	SQL      string
	checksum string
}

var migrationName = regexp.MustCompile(`^(\d+)_[a-z0-9_]+\.sql$`)

// Migrations reads the files NUMBER_name.sql in the root of files, in the order of their numbers. A number must not be
// used twice; other files are refused, so that a misnamed one is not forgotten.
func Migrations(files fs.FS) ([]Migration, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var all []Migration
	for _, entry := range entries {
		m := migrationName.FindStringSubmatch(entry.Name())
		if entry.IsDir() || path.Ext(entry.Name()) != ".sql" {
			continue
		}
		if m == nil {
			return nil, fmt.Errorf("read migrations: %s is not named NUMBER_name.sql", entry.Name())
		}
		number, err := strconv.ParseUint(m[1], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read migrations: %s: %w", entry.Name(), err)
		}
		text, err := fs.ReadFile(files, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		sum := sha256.Sum256(text)
		all = append(all, Migration{uint32(number), entry.Name(), string(text), hex.EncodeToString(sum[:])})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Number < all[j].Number })
	for i := 1; i < len(all); i++ {
		if all[i].Number == all[i-1].Number {
			return nil, fmt.Errorf("read migrations: %s and %s have the same number", all[i-1].Name, all[i].Name)
		}
	}
	return all, nil
}

// Migrate brings the database to the newest migration. It applies what has not been applied, in order, each statement of
// a file on its own, and notes the file's checksum when all of them have succeeded. Killed in between, it repeats the
// whole file at the next start, so every statement must be safe to run again (IF NOT EXISTS, IF EXISTS). An applied file
// that has changed since is an ErrMigrationChanged and nothing is applied. One process may migrate at a time.
func (s *Store) Migrate(ctx context.Context, files fs.FS) error {
	migrations, err := Migrations(files)
	if err != nil {
		return err
	}
	if err := s.Exec(ctx, migrationsTable, nil); err != nil {
		return fmt.Errorf("make the table of migrations: %w", err)
	}
	applied := map[uint32]string{}
	err = s.Query(ctx, "SELECT number, checksum FROM migrations", nil, func(r Row) error {
		var (
			number   uint32
			checksum string
		)
		if err := r.Scan(&number, &checksum); err != nil {
			return err
		}
		applied[number] = checksum
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the table of migrations: %w", err)
	}
	for _, m := range migrations {
		if sum, ok := applied[m.Number]; ok && sum != m.checksum {
			return fmt.Errorf("%w: %s", ErrMigrationChanged, m.Name)
		}
	}
	for _, m := range migrations {
		if _, ok := applied[m.Number]; ok {
			continue
		}
		if err := s.apply(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) apply(ctx context.Context, m Migration) error {
	for i, sql := range Statements(m.SQL) {
		if err := s.Exec(ctx, sql, nil); err != nil {
			// Migrations hold no values of events: ClickHouse's message is safe to show.
			return fmt.Errorf("apply %s, statement %d: %w: %s", m.Name, i+1, err, Detail(err))
		}
	}
	err := s.Insert(ctx, "migrations", []string{"number", "name", "checksum"}, func(b Batch) error {
		return b.Append(m.Number, m.Name, m.checksum)
	})
	if err != nil {
		return fmt.Errorf("note that %s is applied: %w", m.Name, err)
	}
	return nil
}

// space is what ClickHouse takes for white space.
const space = " \t\n\r\f\v"

// Statements splits SQL at the semicolons outside of strings, quoted names and comments, and leaves out what holds
// nothing but comments.
func Statements(sql string) []string {
	var (
		all   []string
		begin int
		words bool // the current statement holds more than comments
	)
	add := func(end int) {
		if words {
			all = append(all, strings.Trim(sql[begin:end], space))
		}
		words = false
	}
	for pos := 0; pos < len(sql); {
		end := skipQuoted(sql, pos)
		switch c := sql[pos]; {
		case isComment(sql[pos:]):
		case c == ';' && end == pos+1:
			add(pos)
			begin = end
		case !strings.ContainsRune(space, rune(c)):
			words = true
		}
		pos = end
	}
	add(len(sql))
	return all
}

func isComment(text string) bool {
	return strings.HasPrefix(text, "--") || strings.HasPrefix(text, "/*")
}

// skipQuoted returns the end of the comment, string or quoted name at pos, or pos+1.
func skipQuoted(sql string, pos int) int {
	rest := sql[pos:]
	until := func(end string) int {
		if i := strings.Index(rest[2:], end); i >= 0 {
			return pos + 2 + i + len(end)
		}
		return len(sql)
	}
	switch {
	case strings.HasPrefix(rest, "--"):
		return until("\n")
	case strings.HasPrefix(rest, "/*"):
		return until("*/")
	case rest[0] != '\'' && rest[0] != '"' && rest[0] != '`':
		return pos + 1
	}
	for i := pos + 1; i < len(sql); i++ {
		switch sql[i] {
		case '\\':
			i++
		case rest[0]:
			return i + 1
		}
	}
	return len(sql)
}

// ExecScript runs the statements of a script in order, such as the tables of one version of the projections after
// Render. It stops at the first failure; the statements before it stay done.
func (s *Store) ExecScript(ctx context.Context, sql string) error {
	for i, statement := range Statements(sql) {
		if err := s.Exec(ctx, statement, nil); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return nil
}
