package dataset_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/ingest/simulate"
)

// tellers are resource types of which several tell the same: while one is there, none is called absent.
var tellers = []string{"Observation", "DocumentReference", "MedicationAdministration"}

// mayExceed are detectors of what is a matter of record.
var mayExceed = map[string]bool{"LeftAccount": true, "VendorAccess": true, "WatchedRecord": true}

// TestEachFileLeftOut leaves out each file of context in turn: nothing fails, alerts stay within the budget, and the report names what is
// not there and what it would have told. Of the whole dataset it names nothing.
func TestEachFileLeftOut(t *testing.T) {
	t.Parallel()
	h, err := simulate.NewHospital(simulate.Config{Seed: 7, Staff: 150, Patients: 600, Days: 2, Incidents: 20})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "whole")
	if _, err := h.WriteDataset(t.Context(), simulate.DatasetConfig{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	whole := fstest.MapFS{}
	names, err := fs.Glob(os.DirFS(dir), "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		whole[name] = &fstest.MapFile{Data: text}
	}
	whole["Account.ndjson"] = &fstest.MapFile{Data: []byte(`{"resourceType":"Account","id":"a","status":"active"}` + "\n")} // the simulator writes none
	without := func(t *testing.T, gone ...string) *evaluation.Report {
		t.Helper()
		left := maps.Clone(whole)
		for _, name := range gone {
			if left[name] == nil {
				t.Fatalf("the dataset has no %s", name)
			}
			delete(left, name)
		}
		const budget = 5
		shown := map[any]int{}
		r, err := evaluation.Run(t.Context(), evaluation.Config{
			Dir: left, Decode: dataset.Decode, Queue: detectors.Queue{Budget: budget}, Clock: func() time.Time { return time.Unix(0, 0) },
			Ranked: func(a *detectors.Alert, _ []string) {
				if hard := slices.ContainsFunc(a.Fired, func(f detectors.Fired) bool { return mayExceed[f.Scale.Name] }); a.Shown && !hard {
					shown[a.Day]++
				}
			},
		})
		if err != nil {
			t.Fatalf("without %v: %v", gone, err)
		}
		for day, n := range shown {
			if n > budget {
				t.Errorf("without %v: %d alerts on day %v", gone, n, day)
			}
		}
		return r
	}
	if r := without(t); len(r.Absent)+len(r.Blind)+len(r.Abstain) > 0 {
		t.Errorf("the whole dataset: %v, %v and %v are called absent", r.Absent, r.Blind, r.Abstain)
	}
	named := map[string]string{
		"Account": "Account, Coverage", "vendors": "tickets and contracts of vendors", "watchlist": "watch list", "managers": "managers", "badges": "door badges",
	}
	for name := range whole {
		kind, ext, _ := strings.Cut(name, ".")
		if kind == "AuditEvent" || kind == "labels" || ext != "ndjson" && ext != "csv" {
			continue
		}
		gone, want := []string{name}, kind
		if named[kind] != "" {
			want = named[kind]
		}
		for _, one := range tellers {
			if kind == one {
				gone, want = nil, strings.Join(tellers, ", ")
				for _, other := range tellers {
					gone = append(gone, other+".ndjson")
				}
			}
		}
		r := without(t, gone...)
		if len(r.Absent) != 1 || r.Absent[0].Kind != want || r.Absent[0].Tells == "" {
			t.Errorf("without %v: %v are called absent, want %s", gone, r.Absent, want)
		}
		if (len(r.Blind) > 0) != (len(r.Abstain) > 0) {
			t.Errorf("without %v: missing %v, and %v abstains", gone, r.Blind, r.Abstain)
		}
	}
}
