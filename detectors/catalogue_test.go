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
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
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
