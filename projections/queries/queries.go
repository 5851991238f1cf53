// Package queries holds the SQL of the query service: one statement a file, with typed, named parameters. Table names end
// in _vN, as in the migrations, and For writes the version in its place.
package queries

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

// Files are the statements.
//
//go:embed *.sql
var Files embed.FS

// Set is every statement, ready for one version of the tables.
type Set map[string]string

// For reads the statements for a version of the tables. The key of a statement is its file's name without ".sql".
func For(version uint64) (Set, error) {
	entries, err := Files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list statements: %w", err)
	}
	set := make(Set, len(entries))
	suffix := "_v" + strconv.FormatUint(version, 10)
	for _, e := range entries {
		text, err := Files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("read statement: %w", err)
		}
		set[strings.TrimSuffix(e.Name(), ".sql")] = strings.ReplaceAll(withoutComments(string(text)), "_vN", suffix)
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
