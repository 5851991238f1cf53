package detect_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// enteredInError withdraws what attended says.
func enteredInError(h *hospital, n int, reader, patient *v1.Identifier, at time.Time) []entry {
	out := attended(h, n, reader, patient, at)
	for _, e := range out {
		f := e.item.GetContext()
		f.Resource = bytes.Replace(f.Resource, []byte(`"finished"`), []byte(`"entered-in-error"`), 1)
	}
	return out
}

// TestAWithdrawnReasonTellsAgain: an encounter that took an alert back was entered in error. The verdicts turn back, and the alert is told as
// it was, with the reason; once more taken back and withdrawn, once more. Also when the engine was restored in between.
func TestAWithdrawnReasonTellsAgain(t *testing.T) {
	t.Parallel()
	h, w := fortnight().copy(t), fortnightWritten()
	var of *v1.AlertVersion
	for _, a := range w.versions {
		if a.Shown && !a.Hard && a.Shape == v1.Shape_SHAPE_PAIR && a.State == v1.AlertState_ALERT_STATE_RAISED &&
			!slices.ContainsFunc(a.Detectors, func(d *v1.FiredDetector) bool { return d.Detector == "SelfAccess" }) {
			of = a
		}
	}
	reader, patient, at := of.Readers[0].Identifier, of.Patients[0].Identifier, time.UnixMicro(of.Accesses[0].OccurredUs)
	n := len(h.batches)
	for i := range 4 {
		of := attended
		if i%2 == 1 {
			of = enteredInError
		}
		h.after(time.UnixMicro(w.versions[len(w.versions)-1].AtUs).Add(time.Duration(3*i)*time.Hour), of(h, 1, reader, patient, at)...)
	}
	got := judged(t, h)
	must(t, got.same(restoredOften(t, h, n-40)))
	var states []string
	for _, a := range got.versions {
		if !bytes.Equal(a.AlertId, of.AlertId) {
			continue
		}
		states = append(states, fmt.Sprint(a.State, " ", a.Shown))
		switch a.State {
		case v1.AlertState_ALERT_STATE_UPDATED:
			if a.Because != "What explained it was withdrawn: takes part in an encounter." || a.Chance != of.Chance || a.Rank != of.Rank ||
				len(a.Accesses) != len(of.Accesses) {
				t.Errorf("version %d is not the alert as it was, with the reason: %q", a.Version, a.Because)
			}
		case v1.AlertState_ALERT_STATE_RETRACTED:
			if !strings.Contains(a.Because, "explains it: takes part in an encounter") {
				t.Errorf("version %d is taken back because %q", a.Version, a.Because)
			}
		}
	}
	back, again := "ALERT_STATE_RETRACTED false", "ALERT_STATE_UPDATED true"
	if want := []string{"ALERT_STATE_RAISED true", back, again, back, again}; !slices.Equal(states, want) {
		t.Errorf("the alert is %v, want %v", states, want)
	}
	for _, c := range of.Accesses {
		if got := verdictAt(got, c.Position); !strings.HasPrefix(got, "VERDICT_UNEXPLAINED") {
			t.Errorf("what an encounter explained that was entered in error is %s", got)
		}
	}
}

// TestASeriesTellsAgainWhatWasWithdrawn: what left a series by an encounter comes back with its next version when that was entered in error;
// a series that was taken back because all of it was explained is told again at once.
func TestASeriesTellsAgainWhatWasWithdrawn(t *testing.T) {
	t.Parallel()
	base, reader, at := snooped(t, 8)
	stranger := func(n int) *v1.Identifier { return &v1.Identifier{Value: fmt.Sprintf("Patient/stranger-%d", n)} }
	series := func(h *hospital) *v1.AlertVersion { return onlySeries(t, h, reader) }

	one := base.copy(t)
	one.after(at[6].Add(-3*time.Hour), attended(one, 4, reader, stranger(4), at[4])...)
	one.after(at[6].Add(3*time.Hour), enteredInError(one, 4, reader, stranger(4), at[4])...)
	if got := series(one); strangers(got)["4"] == 0 || !got.Shown {
		t.Errorf("the series leaves out a record that nothing accounts for: %v", strangers(got))
	}

	all := base.copy(t)
	end := all.batches[len(all.batches)-1].Received()
	var care []entry
	for n := range at {
		care = append(care, attended(all, n, reader, stranger(n), at[n])...)
	}
	all.add(end.Add(time.Hour), care...)
	all.add(end.Add(time.Hour), tick(end.Add(time.Hour)))
	if got := series(all); got.State != v1.AlertState_ALERT_STATE_RETRACTED {
		t.Fatalf("the series is %s: the test would see nothing", got.State)
	}
	all.add(end.Add(2*time.Hour), enteredInError(all, 5, reader, stranger(5), at[5])...)
	all.add(end.Add(2*time.Hour), tick(end.Add(2*time.Hour)))
	if got := series(all); got.State != v1.AlertState_ALERT_STATE_UPDATED || !got.Shown || strangers(got)["5"] == 0 ||
		!strings.HasPrefix(got.Because, "What explained it was withdrawn") {
		t.Errorf("the series is %s, shown: %t, because %q", got.State, got.Shown, got.Because)
	}
}
