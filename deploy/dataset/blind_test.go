package dataset_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/ingest/simulate"
)

// claims are what a note says only of reasons that could be looked for.
var claims = []string{
	"No encounter, appointment", "30 days were tried", "a reason is known for all of it", "For each of the records a reason is known",
	"no reason is known", "had no reason that is known", "no record is opened without one",
}

// TestNotesOfWhatIsNotAssessable leaves out what is documented of care: no note may say that a reason was looked for in vain, or is
// known, or that others have one, where nothing could be looked for. It says what could not be tried.
func TestNotesOfWhatIsNotAssessable(t *testing.T) {
	t.Parallel()
	h, err := simulate.NewHospital(simulate.Config{Seed: 7, Staff: 150, Patients: 600, Days: 6, Incidents: 60})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "blind")
	if _, err := h.WriteDataset(t.Context(), simulate.DatasetConfig{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{
		"Encounter", "Appointment", "CareTeam", "ServiceRequest", "Observation", "DocumentReference", "MedicationAdministration",
	} {
		if err := os.Remove(filepath.Join(dir, kind+".ndjson")); err != nil {
			t.Fatal(err)
		}
	}
	verdicts := map[string]detectors.Verdict{}
	blind := map[string]int{}
	_, err = evaluation.Run(t.Context(), evaluation.Config{
		Dir: os.DirFS(dir), Decode: dataset.Decode, Queue: detectors.Queue{Budget: 20, Least: 1},
		Clock:  func() time.Time { return time.Unix(0, 0) },
		Judged: func(event string, _ *detectors.Access, v detectors.Verdict, _, _ string) { verdicts[event] = v },
		Ranked: func(a *detectors.Alert, events []string) {
			if slices.ContainsFunc(events, func(e string) bool { v, ok := verdicts[e]; return ok && v != detectors.NotAssessable }) {
				return
			}
			blind[a.Shape.String()]++
			note := a.Note.String()
			for _, claim := range claims {
				if strings.Contains(note, claim) {
					t.Errorf("a note of what is not assessable says %q:\n%s", claim, note)
				}
			}
			if !strings.Contains(note, "could not be tried") && !strings.Contains(note, "Nothing was opened") {
				t.Errorf("the note does not say what could not be tried:\n%s", note)
			}
			readable(t, note)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if blind["pair"] < 10 || blind["reader-day"] < 3 {
		t.Errorf("%v alerts of what is not assessable: too few to show anything", blind)
	}
}
