package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// report is everything that a run found out.
type report struct {
	Machine     machine  `json:"machine"`
	Command     string   `json:"command"`
	Smoke       bool     `json:"smoke"`
	Notes       []string `json:"notes,omitempty"`
	results     []result
	comparisons []comparison
}

// failed says that a figure is below its floor. A smoke run only shows that everything runs.
func (r *report) failed() bool {
	for _, f := range r.results {
		if !r.Smoke && f.verdict() == verdictFail {
			return true
		}
	}
	return false
}

// writeTable writes the report for people.
func (r *report) writeTable(w io.Writer) error {
	rows := [][]string{{"figure", "value", "unit", "floor", "aim", "ratio", "", "measured"}}
	for _, f := range r.results {
		verdict := f.verdict()
		if r.Smoke {
			verdict = "smoke"
		}
		rows = append(rows, []string{
			f.what, number(f.value), f.unit, number(f.floor), number(f.aim), fmt.Sprintf("%.2f", f.ratio()), verdict, f.note,
		})
	}
	var b strings.Builder
	b.WriteString(r.Machine.String() + "\n" + r.Command + "\n\n")
	b.WriteString(align(rows, 1, 3, 4, 5))
	if len(r.comparisons) > 0 {
		rows = [][]string{{"beside PostgreSQL", "Readtrail", "PostgreSQL", "unit", "times better"}}
		for _, c := range r.comparisons {
			rows = append(rows, []string{c.what, number(c.ours), number(c.postgresql), c.unit, fmt.Sprintf("%.2f", c.ratio())})
		}
		b.WriteString("\n" + align(rows, 1, 2, 4))
	}
	for _, n := range r.Notes {
		b.WriteString("\n" + n)
	}
	if len(r.Notes) > 0 {
		b.WriteString("\n")
	}
	if r.Smoke {
		b.WriteString("\nA smoke run: it shows that everything runs, and floors are not applied.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err //nolint:wrapcheck // nothing to add
}

// writeJSON writes the report for programs.
func (r *report) writeJSON(w io.Writer) error {
	type row struct {
		Name    string  `json:"name"`
		What    string  `json:"what"`
		Value   float64 `json:"value"`
		Unit    string  `json:"unit"`
		Floor   float64 `json:"floor"`
		Aim     float64 `json:"aim"`
		Ratio   float64 `json:"ratio"`
		Verdict string  `json:"verdict"`
		Note    string  `json:"note,omitempty"`
	}
	type pair struct {
		What       string  `json:"what"`
		Unit       string  `json:"unit"`
		Readtrail  float64 `json:"readtrail"`
		PostgreSQL float64 `json:"postgresql"`
		Ratio      float64 `json:"times_better"`
	}
	out := struct {
		*report
		Figures    []row  `json:"figures"`
		PostgreSQL []pair `json:"postgresql,omitempty"`
		Failed     bool   `json:"failed"`
	}{report: r, Figures: []row{}, Failed: r.failed()}
	for _, f := range r.results {
		out.Figures = append(out.Figures, row{f.name, f.what, f.value, f.unit, f.floor, f.aim, f.ratio(), f.verdict(), f.note})
	}
	for _, c := range r.comparisons {
		out.PostgreSQL = append(out.PostgreSQL, pair{c.what, c.unit, c.ours, c.postgresql, c.ratio()})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out) //nolint:wrapcheck // nothing to add
}

// align sets rows in columns; those of the given indices are numbers and stand to the right.
func align(rows [][]string, right ...int) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	numeric := map[int]bool{}
	for _, i := range right {
		numeric[i] = true
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if numeric[i] {
				line.WriteString(pad + cell + "  ")
			} else {
				line.WriteString(cell + pad + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// number writes a value as people read it: thousands apart, decimals only where they matter.
func number(v float64) string {
	if v > 0 && v < 100 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
