package queries_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/projections/queries"
)

// TestEveryFileIsUsedAndSaysWhy checks that each statement has a header that says who reads it and its cost, and that the
// query service runs it.
func TestEveryFileIsUsedAndSaysWhy(t *testing.T) {
	t.Parallel()
	code := ""
	files, err := filepath.Glob("../api/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no code of the query service: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f, "_test.go") {
			code += string(text)
		}
	}
	entries, err := fs.ReadDir(queries.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue // what limits come to belongs to every statement
		}
		text, err := fs.ReadFile(queries.Files, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		header := regexp.MustCompile(`\A(--[^\n]*\n)+`).FindString(string(text))
		for _, word := range []string{"Read by:", "Cost:"} {
			if !strings.Contains(header, word) {
				t.Errorf("%s: the header does not say %q", e.Name(), word)
			}
		}
		if name := strings.TrimSuffix(e.Name(), ".sql"); !strings.Contains(code, `"`+name+`"`) {
			t.Errorf("%s: the query service does not run it", e.Name())
		}
	}
}

// TestFor checks that the version stands in every table name, that nothing else is left to be written, and that every
// parameter has a type.
func TestFor(t *testing.T) {
	t.Parallel()
	set, err := queries.For(7, queries.Whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, sql := range set {
		if strings.Contains(sql, "_vN") || strings.Contains(sql, "--") {
			t.Errorf("%s: not ready: %s", name, sql)
		}
		if untyped := regexp.MustCompile(`\{[^:}]*\}|\?`).FindString(sql); untyped != "" {
			t.Errorf("%s: parameter without a type: %s", name, untyped)
		}
	}
	if !strings.Contains(set["record_events"], "accesses_by_patient_v7") {
		t.Error("record_events does not read version 7")
	}
}
