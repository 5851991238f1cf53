package dataset_test

import (
	"cmp"
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

// optional are the kinds of resources that a whole dataset of the simulator does without.
var optional = []string{"Account", "Coverage", "DiagnosticReport", "Composition", "Procedure"}

// mayExceed are detectors of what is a matter of record.
var mayExceed = map[string]bool{"LeftAccount": true, "VendorAccess": true, "WatchedRecord": true}

// TestEachFileLeftOut leaves out each file of context in turn, alone: nothing fails, something is shown, alerts stay within the budget, and the report
// names what is not there and what it would have told. Of the whole dataset it names nothing but what is optional.
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
	without := func(t *testing.T, gone string) *evaluation.Report {
		t.Helper()
		left := maps.Clone(whole)
		delete(left, gone)
		const budget = 5
		shown, some := map[int32]int{}, false
		r, err := evaluation.Run(t.Context(), evaluation.Config{
			Dir: left, Decode: dataset.Decode, Queue: detectors.Queue{Budget: budget}, Clock: func() time.Time { return time.Unix(0, 0) },
			Ranked: func(a *detectors.Alert, _ []string) {
				some = some || a.Shown
				if hard := slices.ContainsFunc(a.Fired, func(f detectors.Fired) bool { return mayExceed[f.Scale.Name] }); a.Shown && !hard {
					shown[a.Day]++
				}
			},
		})
		if err != nil {
			t.Fatalf("without %s: %v", gone, err)
		}
		if !some {
			t.Errorf("without %s: no alert is shown", gone)
		}
		for day, n := range shown {
			if n > budget {
				t.Errorf("without %s: %d alerts on day %v", gone, n, day)
			}
		}
		return r
	}
	if r := without(t, ""); len(r.Blind)+len(r.Abstain) > 0 || !slices.Equal(absent(r, true), optional) || len(absent(r, false)) > 0 {
		t.Errorf("the whole dataset: %v, %v and %v are called absent", r.Absent, r.Blind, r.Abstain)
	}
	named := map[string]string{
		"vendors": "tickets and contracts of vendors", "watchlist": "watch list", "managers": "managers", "badges": "door badges",
	}
	for name := range whole {
		kind, ext, _ := strings.Cut(name, ".")
		if kind == "AuditEvent" || kind == "labels" || ext != "ndjson" && ext != "csv" {
			continue
		}
		r, want := without(t, name), cmp.Or(named[kind], kind)
		if got := absent(r, false); !slices.Equal(got, []string{want}) || !slices.Equal(absent(r, true), optional) {
			t.Errorf("without %s: %v are called absent, want %s and what is optional", name, r.Absent, want)
		}
		if (len(r.Blind) > 0) != (len(r.Abstain) > 0) {
			t.Errorf("without %s: missing %v, and %v abstains", name, r.Blind, r.Abstain)
		}
	}
}

// absent are the kinds that a report calls absent, those that are optional or the others, each with what it would have told.
func absent(r *evaluation.Report, optional bool) (out []string) {
	for _, a := range r.Absent {
		if a.Optional == optional && a.Tells != "" {
			out = append(out, a.Kind)
		}
	}
	return out
}
