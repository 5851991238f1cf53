package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// export returns the whole file, and its last part.
func (w *world) export(q *v1.ScopeQuery, format v1.ExportScopeRequest_Format) ([]byte, *v1.ExportScopeResponse) {
	w.t.Helper()
	var file bytes.Buffer
	var last *v1.ExportScopeResponse
	w.exportTo(&v1.ExportScopeRequest{Query: q, Purpose: "breach 7", Format: format, TimeZone: "Europe/Vienna"}, func(part *v1.ExportScopeResponse) {
		file.Write(part.Data)
		last = part
	}, 0)
	if !last.Done {
		w.t.Error("the export does not say that it is whole")
	}
	return file.Bytes(), last
}

// TestExportsHoldTheScope: of random histories, each form has a row for each report, and they add up to the scope's counts.
func TestExportsHoldTheScope(t *testing.T) {
	h := &history{rand.New(rand.NewPCG(5, 5))}
	w := newWorld(t)
	for range 8 {
		w.pass(time.Minute)
		items := make([]*v1.Item, 40)
		for i := range items {
			items[i] = h.item(w.clock())
		}
		w.append(items...)
	}
	w.settle()
	query := &v1.ScopeQuery{Reader: "urn:staff|1"}
	scope := w.scope(query)
	c := scope.Totals.Counts
	want := map[string]uint64{"access": c.Accesses, "second report": c.SecondReports, "failed": c.Failed, "incidental": c.Incidental, "patientless": c.Patientless}
	if slices.Min([]uint64{c.Accesses, c.SecondReports, c.Failed, c.Incidental, c.Patientless}) == 0 {
		t.Fatalf("the history has no %v", want)
	}
	byPatient := map[string]uint64{}
	for _, p := range scope.Patients {
		byPatient[name(p.Identifiers[0])] = p.Counts.Reports
	}

	file, last := w.export(query, v1.ExportScopeRequest_FORMAT_CSV)
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	got, patients, order := map[string]uint64{}, map[string]uint64{}, []string{}
	for _, row := range rows[1:] {
		got[row[column("class")]]++
		if row[column("patient")] != "" {
			patients[row[column("patient_system")]+"|"+row[column("patient")]]++
		}
		order = append(order, row[column("occurred")])
	}
	if diff := cmp.Diff(want, got); diff != "" || last.Reports != c.Reports {
		t.Errorf("classes: %s; %d reports", diff, last.Reports)
	}
	if diff := cmp.Diff(byPatient, patients); diff != "" {
		t.Errorf("patients: %s", diff)
	}
	if !strings.HasSuffix(order[0], "+01:00") {
		t.Errorf("times are not of the zone: %s", order[0])
	}

	file, _ = w.export(query, v1.ExportScopeRequest_FORMAT_NDJSON)
	lines := bytes.Split(bytes.TrimSpace(file), []byte("\n"))
	for i, line := range lines {
		var row struct{ Class, Position, Occurred string }
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		if row.Class != rows[i+1][column("class")] || row.Position != rows[i+1][column("position")] {
			t.Errorf("line %d is another report than the CSV's", i)
		}
	}
	if uint64(len(lines)) != c.Reports {
		t.Errorf("%d lines", len(lines))
	}

	file, _ = w.export(query, v1.ExportScopeRequest_FORMAT_FHIR)
	var bundle struct {
		ResourceType, Type string
		Entry              []struct {
			Resource struct {
				ResourceType, ID, Action, Recorded string
				Agent                              []struct {
					Who struct{ Identifier struct{ Value string } }
				}
			}
		}
	}
	if err := json.Unmarshal(file, &bundle); err != nil {
		t.Fatal(err)
	}
	if bundle.ResourceType != "Bundle" || bundle.Type != "collection" || uint64(len(bundle.Entry)) != c.Reports {
		t.Errorf("%s of type %s with %d entries", bundle.ResourceType, bundle.Type, len(bundle.Entry))
	}
	ids := map[string]bool{}
	for _, e := range bundle.Entry {
		if ids[e.Resource.ID] || e.Resource.ResourceType != "AuditEvent" || e.Resource.Agent[0].Who.Identifier.Value != "1" || e.Resource.Recorded == "" {
			t.Errorf("entry: %+v", e)
		}
		ids[e.Resource.ID] = true
	}
}

// TestExportNamesAllPatientsInTheJournal: whoever is in the file was looked at, in pages of a thousand.
func TestExportNamesAllPatientsInTheJournal(t *testing.T) {
	w := newWorld(t)
	var items []*v1.Item
	for n := range 1500 {
		items = append(items, access("ehr", begin.Add(-time.Duration(n)*time.Second), id("urn:mrn", fmt.Sprint(n)), id("urn:staff", "jo")))
	}
	w.append(items...)
	w.settle()
	w.export(&v1.ScopeQuery{Reader: "jo"}, v1.ExportScopeRequest_FORMAT_CSV)
	var rows uint64
	named := map[string]bool{}
	for i, q := range w.asked {
		rows += q.Rows
		for _, s := range q.Subjects {
			named[s.Value] = true
		}
		if int(q.Page) != i+1 || q.Query != "ExportScope" || len(q.Subjects) > 1000 {
			t.Errorf("page %d of %s names %d", q.Page, q.Query, len(q.Subjects))
		}
	}
	if len(w.asked) != 2 || rows != 1500 || len(named) != 1500 {
		t.Errorf("%d pages, %d rows, %d patients", len(w.asked), rows, len(named))
	}
}

// TestExportIsHarmless: what a source sent starts no formula in a spreadsheet and breaks no form.
func TestExportIsHarmless(t *testing.T) {
	w := newWorld(t)
	evil := []string{"=cmd|' /C calc'!A0", "+1", "-1", "@x", "\t=1", "\n=1", "＝1", "a\"b,c\r\nd", "<script>&", "\u202eabc"}
	for n, text := range evil {
		w.append(access("ehr", begin.Add(-time.Duration(n)*time.Minute), id("", text), id("urn:staff", "jo"), func(e *v1.AccessEvent) {
			e.Workstation, e.Site = text, text
			e.Objects, e.Sensitivity = []*v1.Object{{Type: text}}, []string{text}
		}))
	}
	w.settle()
	file, _ := w.export(&v1.ScopeQuery{Reader: "jo"}, v1.ExportScopeRequest_FORMAT_CSV)
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil || len(rows) != len(evil)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows[1:] {
		for _, cell := range row {
			if strings.IndexAny(cell, "=+-@\t\r\n＝＋－＠") == 0 {
				t.Errorf("a cell starts a formula: %q", cell)
			}
		}
		// encoding/csv reads \r\n in a quoted cell as \n.
		if got, want := strings.TrimPrefix(row[slices.Index(rows[0], "patient")], "'"), strings.ReplaceAll(evil[i], "\r\n", "\n"); got != want {
			t.Errorf("%q became %q", want, got)
		}
	}
	for _, format := range []v1.ExportScopeRequest_Format{v1.ExportScopeRequest_FORMAT_NDJSON, v1.ExportScopeRequest_FORMAT_FHIR} {
		file, _ := w.export(&v1.ScopeQuery{Reader: "jo"}, format)
		for i, text := range evil {
			quoted, _ := json.Marshal(text)
			if n := bytes.Count(file, quoted); n < 4 {
				t.Errorf("%s: text %d stands there %d times", format, i, n)
			}
		}
		if bytes.Contains(file, []byte("<script>")) {
			t.Errorf("%s: markup stands as it came", format)
		}
	}
}

// TestExportLooksUpInFewStatements: what documents the verdicts of a file is looked up for many reports together, and for none where the
// file does not tell it.
func TestExportLooksUpInFewStatements(t *testing.T) {
	w, service := bulk(t, 2_000, 400, 4)
	w.judge(t)
	for format, most := range map[v1.ExportScopeRequest_Format]int{
		v1.ExportScopeRequest_FORMAT_CSV: 3, v1.ExportScopeRequest_FORMAT_NDJSON: 3, v1.ExportScopeRequest_FORMAT_FHIR: 1,
	} { // once where the scope is counted, which is kept
		c, reports := &costs{}, uint64(0)
		service.SetMeter(c.meter)
		err := service.Scopes().Export(w.ctx(), &v1.ExportScopeRequest{
			Query: &v1.ScopeQuery{FromUs: 1, UntilUs: 1_900_000_000_000_000}, Purpose: "p", Format: format,
		}, func(part *v1.ExportScopeResponse) error {
			reports = max(reports, part.Reports)
			return nil
		})
		service.SetMeter(nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := c.statements["verdicts"]; reports < 15_000 || n > most || n < most-1 {
			t.Errorf("%s of %d reports: verdicts were looked up %d times, want at most %d", format, reports, n, most)
		}
	}
}
