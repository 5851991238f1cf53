package detect_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	delimited "github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestImportOfADatasetDirectory: a simulated hospital's directory goes in as it is. Managers, vendors' tasks, the watch list and door badges
// are what the detectors know afterwards, labels stay out and it is said, and nothing becomes a dead letter.
func TestImportOfADatasetDirectory(t *testing.T) {
	t.Parallel()
	for _, gzip := range []bool{false, true} {
		hospital, err := simulate.NewHospital(simulate.Config{Seed: 3, Staff: 150, Patients: 600, Days: 2, Incidents: 6})
		must(t, err)
		dir := t.TempDir()
		_, err = hospital.WriteDataset(t.Context(), simulate.DatasetConfig{Dir: dir, Gzip: gzip})
		must(t, err)
		rig := ingesttest.Open(t)
		report, said := importDirectory(t, rig, dir)
		if report.Total.DeadLetters != 0 || report.Total.Conflicts != 0 || report.Total.Stored == 0 {
			t.Errorf("gzip %t: %+v", gzip, report.Total)
		}
		if n := strings.Count(said, "labels.csv: labels are for evaluation\n"); n != 1 {
			t.Errorf("gzip %t: it is said %d times that labels stay out:\n%s", gzip, n, said)
		}
		if !strings.Contains(said, "managers.yaml: says how managers.csv is read\n") {
			t.Errorf("gzip %t: it is not said what managers.yaml is for:\n%s", gzip, said)
		}
		knows(t, dir, rig)
	}
}

// importDirectory imports a directory into the rig, as `readtrail import` does, and returns what it told.
func importDirectory(t *testing.T, rig *ingesttest.Rig, dir string) (importer.Report, string) {
	t.Helper()
	tables, err := delimited.NewImporter(delimited.ImporterConfig{})
	must(t, err)
	handler, err := importer.NewHandler(importer.ServerConfig{
		Intake: rig.Intake, Source: ingesttest.Sources, Decoders: map[importer.Form]importer.Decoder{importer.FormDelimited: tables},
	})
	must(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := proto.Caller{Name: "os:u", Role: proto.RoleAdministrator, Local: true}
		handler.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), caller)))
	}))
	defer server.Close()
	var said bytes.Buffer
	report, err := importer.Command{Paths: []string{dir}, Source: "ehr-main", Backfill: true}.Import(t.Context(), importer.Config{
		HTTP: server.Client(), BaseURL: server.URL, Out: &said, Progress: io.Discard, StateDir: t.TempDir(),
	})
	must(t, err)
	return report, said.String()
}

// knows holds what the tables of the directory say against what an engine that followed the journal knows.
func knows(t *testing.T, dir string, rig *ingesttest.Rig) {
	t.Helper()
	e, err := detectors.NewEngine(detectors.EngineConfig{Zone: time.UTC, Standing: &detectors.Settings{}})
	must(t, err)
	for sequence := uint64(1); sequence <= rig.Journal.Head().Sequence(); sequence++ {
		b, err := rig.Journal.ReadBatch(t.Context(), sequence)
		must(t, err)
		items, err := b.Items()
		must(t, err)
		for i, it := range items {
			if it.GetContext() != nil {
				must(t, e.Take(context.Background(), detectors.Entry{At: b.Position(i), Item: it, Free: func() *v1.FreeText { return nil }}))
			}
		}
	}
	s := e.State()
	of := func(employee string) facts.ID {
		return s.Reader(&v1.Reader{Identifiers: []*v1.Identifier{{System: simulate.StaffSystem, Value: employee}}}, "ehr-main")
	}
	managers, tasks, watched := rows(t, dir, "managers.csv"), rows(t, dir, "vendors.csv"), rows(t, dir, "watchlist.csv")
	for _, r := range managers {
		if m := s.Staff(of(r["EMPLOYEE_ID"])).Manager; m == 0 || m != s.CanonicalStaff(of(r["MANAGER_ID"])) {
			t.Errorf("the manager of one of the staff is not known")
		}
	}
	for _, r := range tasks {
		from, err := time.Parse(time.RFC3339, r["FROM"])
		must(t, err)
		found := false
		for _, p := range s.Staff(of(r["EMPLOYEE_ID"])).Tickets {
			found = found || p.From == from.UnixMicro()
		}
		if !found {
			t.Errorf("%s, a task of a vendor, is not known", r["TICKET"])
		}
	}
	for _, r := range watched {
		id := s.PatientOf(&v1.Patient{Identifiers: []*v1.Identifier{{System: r["PATIENT_SYSTEM"], Value: r["PATIENT_ID"]}}})
		if len(s.Watches(id)) == 0 {
			t.Errorf("a record on the list %s is not watched", r["LIST"])
		}
	}
	badges := rows(t, dir, "badges.csv")
	for _, r := range badges {
		in, err := time.Parse(time.RFC3339, r["BADGE_IN"])
		must(t, err)
		stays := s.AppendStays(nil, of(r["EMPLOYEE_ID"]), facts.Period{From: in.UnixMicro(), Until: in.UnixMicro() + 1})
		if !slices.ContainsFunc(stays, func(stay facts.Stay) bool { return stay.From == in.UnixMicro() }) {
			t.Errorf("a stay of %s by a badge is not known", r["BADGE_IN"])
		}
	}
	if len(managers) < 50 || len(tasks) == 0 || len(watched) == 0 || len(badges) < 50 {
		t.Errorf("%d managers, %d tasks, %d watched records and %d stays show nothing", len(managers), len(tasks), len(watched), len(badges))
	}
}

// rows reads a table by its header.
func rows(t *testing.T, dir, name string) (out []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	must(t, err)
	for _, r := range all[1:] {
		row := map[string]string{}
		for i, column := range all[0] {
			row[column] = r[i]
		}
		out = append(out, row)
	}
	return out
}
