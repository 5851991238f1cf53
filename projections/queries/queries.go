// Package queries holds the SQL of the query service: one statement a file, with typed, named parameters. Table names end
// in _vN, as in the migrations, and For writes the version in its place.
package queries

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

// Files are the statements, and beside them what limits of an asker come to (limits/).
//
//go:embed *.sql limits/*.sql
var Files embed.FS

// Set is every statement, ready for one version of the tables.
type Set map[string]string

// For reads the statements for a version of the tables, as they reach: whoever asks, it has to be said. The key of a statement is its
// file's name without ".sql".
func For(version uint64, reach Reach) (Set, error) {
	entries, err := Files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list statements: %w", err)
	}
	set := make(Set, len(entries))
	suffix := "_v" + strconv.FormatUint(version, 10)
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		text, err := Files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("read statement: %w", err)
		}
		sql, ok, err := limited(withoutComments(string(text)), reach)
		if err != nil {
			return nil, fmt.Errorf("limit statement %s: %w", e.Name(), err)
		}
		if ok {
			set[strings.TrimSuffix(e.Name(), ".sql")] = strings.ReplaceAll(sql, "_vN", suffix)
		}
	}
	return set, nil
}

// withoutComments drops the lines that are for people, so that they do not travel with each question.
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String())
}
