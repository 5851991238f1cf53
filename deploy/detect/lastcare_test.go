package detect_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestANoteTellsFormerCare: what is known of care that ended months ago when a day is closed stands in the note; what comes later changes no
// version that was told.
func TestANoteTellsFormerCare(t *testing.T) {
	t.Parallel()
	const sentence = "The reader took part in an encounter of "
	w := fortnightWritten()
	var of *v1.AlertVersion
	for _, a := range w.versions {
		if a.Shown && !a.Hard && a.Shape == v1.Shape_SHAPE_PAIR && a.State == v1.AlertState_ALERT_STATE_RAISED &&
			slices.ContainsFunc(a.Note.Tried, func(s string) bool { return strings.HasPrefix(s, "No encounter") }) {
			of = a
		}
	}
	reader, patient, at := of.Readers[0].Identifier, of.Patients[0].Identifier, time.UnixMicro(of.Accesses[0].OccurredUs)
	told := func(came time.Time) (versions []*v1.AlertVersion) {
		h := fortnight().copy(t)
		n := len(h.batches)
		h.after(came, attended(h, 1, reader, patient, at.AddDate(0, 0, -200))...)
		got := judged(t, h)
		must(t, got.same(restoredOften(t, h, n-40)))
		for _, a := range got.versions {
			if bytes.Equal(a.AlertId, of.AlertId) {
				versions = append(versions, a)
			}
		}
		return versions
	}
	ended := at.AddDate(0, 0, -200).Add(time.Hour)
	for _, a := range told(at.Add(time.Hour)) {
		i := slices.IndexFunc(a.Note.Tried, func(s string) bool { return strings.HasPrefix(s, sentence) })
		if i < 0 || !strings.HasSuffix(a.Note.Tried[i], " on "+ended.In(fortnight().zone).Format("2 January 2006")+", six months before.") {
			t.Errorf("version %d tells of the care that was known: %q", a.Version, a.Note.Tried)
		}
		if a.Score != of.Score || a.Chance != of.Chance || a.Rank != of.Rank || !slices.Equal(a.Note.What, of.Note.What) {
			t.Errorf("version %d is not the alert as it is without that care", a.Version)
		}
	}
	if after := told(time.UnixMicro(of.AtUs).Add(time.Hour)); len(after) != 1 || !slices.Equal(after[0].Note.Tried, of.Note.Tried) {
		t.Errorf("what came later changed what was told: %d versions", len(after))
	}
}
