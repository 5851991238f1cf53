package cli_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/dashboards/cli"
)

// TestCSVIsHarmless: whatever a source sent, no cell that any verb writes starts a formula, and each comes back as it was, behind a quote
// where it would have.
func TestCSVIsHarmless(t *testing.T) {
	t.Parallel()
	formulas := []string{`=HYPERLINK("http://evil.example","x")`, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"}
	plain := []string{"", "a=b", "Müller, Max", `"quoted"`, "'", "two\nlines", "1+1", "é", "\ufeffx"}
	var out strings.Builder
	if err := cli.CSV(&out, []string{"cell", "again"}, rows(append(append([]string{}, formulas...), plain...))); err != nil {
		t.Fatal(err)
	}
	read, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(read) != 1+len(formulas)+len(plain) {
		t.Fatalf("%d rows, %v", len(read), err)
	}
	for i, row := range read[1:] {
		want := ""
		if i < len(formulas) {
			want = "'" + formulas[i]
		} else {
			want = plain[i-len(formulas)]
		}
		for _, cell := range row {
			if cell != want {
				t.Errorf("%q, want %q", cell, want)
			}
		}
	}
}

func rows(cells []string) (out [][]string) {
	for _, c := range cells {
		out = append(out, []string{c, c})
	}
	return out
}
