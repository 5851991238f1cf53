package cli

import (
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// pageFiles are the pages to print. They load nothing: no script, no font, no image.
//
//go:embed pages/*.html
var pageFiles embed.FS

// writePage writes a page to print to a file that only its owner may read: it names patients.
func writePage(w io.Writer, path, name string, data any) error {
	t, err := template.ParseFS(pageFiles, "pages/"+name, "pages/style.html")
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	err = t.ExecuteTemplate(file, name, data)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	fmt.Fprintln(w, "written:", path)
	return nil
}

// pageHead is what every page begins with.
type pageHead struct {
	Zone, KnownAt, Position, Question string
	Notes                             []string
}

func headOf(h *v1.AnswerHeader) pageHead {
	return pageHead{
		Zone: h.GetTimeZone(), KnownAt: clockOf(h).at(h.GetAsOfUs()), Position: fmt.Sprint(h.GetPosition()), Question: h.GetQuestionId(), Notes: h.GetNotes(),
	}
}

// pageTable is a table of a page.
type pageTable struct {
	Title   string
	Columns []string
	Rows    [][]string
}

func tableOf(title string, t *table) pageTable {
	return pageTable{Title: title, Columns: t.columns, Rows: t.rows}
}

// scopePage is what scope.html is filled with.
type scopePage struct {
	Head             pageHead
	Purpose, SHA256  string
	Query            [][2]string
	Coverage, Totals []string
	Tables           []pageTable
}

func scopePageOf(a *v1.BreachScopeResponse, purpose string) scopePage {
	c, t := clockOf(a.Header), a.Totals
	p := scopePage{Head: headOf(a.Header), Purpose: purpose, SHA256: hex.EncodeToString(a.Sha256), Coverage: coverageTexts(a.Header)}
	for _, f := range [][2]string{
		{"Reader", a.Query.GetReader()},
		{"Account", a.Query.GetAccount()},
		{"Workstation", a.Query.GetWorkstation()},
		{"Object", a.Query.GetObject()},
		{"From", c.at(a.Query.GetFromUs())},
		{"Until", c.at(a.Query.GetUntilUs())},
	} {
		if f[1] != "" {
			p.Query = append(p.Query, f)
		}
	}
	if n := len(a.Query.GetEvents()); n > 0 {
		p.Query = append(p.Query, [2]string{"Events", fmt.Sprint(n)})
	}
	p.Totals = []string{
		count(t.GetPatients(), "patient", "patients"), count(t.GetUnresolved(), "patient", "patients") + " without an identifier",
		count(t.GetEvents(), "event", "events"), countText(t.GetCounts()),
	}
	if a.Verdicts != nil {
		p.Totals = append(p.Totals, verdictText(a.Verdicts))
	}
	parts := func(of []*v1.ScopePart, title string) {
		x := &table{columns: []string{"name", "reports", "patients", "first", "last"}}
		for _, part := range of {
			x.add(orOpen(part.Name, "(none stated)"), fmt.Sprint(part.Reports), fmt.Sprint(part.Patients), c.at(part.FirstUs), c.at(part.LastUs))
		}
		p.Tables = append(p.Tables, tableOf(title, x))
	}
	parts(a.Parts, "Which data")
	parts(a.Sensitivity, "Sensitivity")
	counts := countTable{c.at, judged(a)}
	p.Tables = append(p.Tables, tableOf("Where the patients live", counts.places(a)), tableOf("Patients", counts.patients(a.Patients)))
	if len(a.Unresolved) > 0 {
		p.Tables = append(p.Tables, tableOf("Patients without an identifier; each may be one of the above", counts.texts(a.Unresolved)))
	}
	return p
}

// coverageTexts are the sources that an answer rests on.
func coverageTexts(h *v1.AnswerHeader) []string {
	c := clockOf(h)
	var out []string
	for _, s := range h.GetCoverage() {
		text := s.Source + ": nothing yet"
		if s.FirstOccurredUs != 0 {
			text = s.Source + ": " + c.at(s.FirstOccurredUs) + " to " + c.at(s.LastOccurredUs)
		}
		out = append(out, text)
	}
	for _, g := range h.GetGaps() {
		out = append(out, "gap: "+gapText(c, g))
	}
	return out
}

// reportPage is what report.html is filled with.
type reportPage struct {
	Head            pageHead
	Notes           []string
	Accesses, Looks *pageTable
}

func reportPageOf(a *v1.AccessReportResponse) reportPage {
	c := clockOf(a.Header)
	p := reportPage{Head: headOf(a.Header), Notes: a.Notes}
	if len(a.Accesses) > 0 {
		t := tableOf(count(uint64(len(a.Accesses)), "access", "accesses")+", newest first", reportTable(c.at, a.Accesses))
		p.Accesses = &t
	}
	if len(a.Looks) > 0 {
		looks := &table{columns: []string{"when", "who", "as", "why"}}
		for _, l := range a.Looks {
			looks.add(c.at(l.AskedUs), l.Who, l.Role, l.Purpose)
		}
		t := tableOf("Whoever examined this list of accesses: they saw that list, not your record", looks)
		p.Looks = &t
	}
	return p
}
