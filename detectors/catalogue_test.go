package detectors_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

// TestCatalogue: the table names every detector, with what its scale says of it, and leaves no cell empty.
func TestCatalogue(t *testing.T) {
	text, err := os.ReadFile("catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	_, explanations, found := strings.Cut(string(text), "\n## Explanations\n")
	if !found {
		t.Fatal("there are no explanations")
	}
	explanations, _, _ = strings.Cut(explanations, "\n## ")
	explanationsInCatalogue(t, explanations)
	rows := map[string]string{}
	for line := range strings.Lines(strings.Replace(string(text), explanations, "", 1)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			rows[strings.TrimSpace(cells[1])] = strings.TrimSpace(line)
		}
	}
	for _, s := range detectors.Scales() {
		needs := s.Needs.String()
		if needs == "" {
			needs = "-"
		}
		want := fmt.Sprintf("| %s | %s | %s | %s | ", s.Name, s.Catalogue, s.Key, needs)
		row := rows[s.Name]
		if cells := strings.Split(row, " | "); !strings.HasPrefix(row, want) || len(cells) != 8 {
			t.Errorf("the row of %s is\n%s\nwant one of eight cells that begins\n%s", s.Name, row, want)
		}
		delete(rows, s.Name)
	}
	for name := range rows {
		if name != "detector" && !strings.HasPrefix(name, "---") {
			t.Errorf("there is no detector %s", name)
		}
	}
}

// explanationsInCatalogue checks that each reason stands there once, with what it needs.
func explanationsInCatalogue(t *testing.T, text string) {
	t.Helper()
	needs := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "---") || strings.TrimSpace(cells[1]) == "explanation" {
			continue
		}
		needed, _, _ := strings.Cut(strings.TrimSpace(cells[2]), " (")
		needed, _, _ = strings.Cut(needed, ":")
		for name := range strings.SplitSeq(strings.TrimSpace(cells[1]), "; ") {
			if _, twice := needs[name]; twice {
				t.Errorf("%q stands there twice", name)
			}
			needs[name] = strings.TrimPrefix(needed, "-")
		}
	}
	for _, r := range detectors.Reasons() {
		if got, ok := needs[r.String()]; !ok || got != r.Needs().String() {
			t.Errorf("the row of %q says that it needs %q; want %q", r, got, r.Needs())
		}
		delete(needs, r.String())
	}
	for name := range needs {
		t.Errorf("there is no explanation %q", name)
	}
}
