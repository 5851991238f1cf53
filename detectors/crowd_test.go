package detectors_test

import (
	"testing"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
)

// TestACrowdIsHeldAgainstItsUnit: how many readers without a reason a record has is held against what is usual where its patient is, the record
// itself left out; of a department of which little is known, and of who is in nobody's care, against the hospital.
func TestACrowdIsHeldAgainstItsUnit(t *testing.T) {
	t.Parallel()
	hospital := detectors.Rate{Looked: 1_000_000, Alone: 10_000}
	wards := map[facts.ID]detectors.Rate{1: {Looked: 50_000, Alone: 5_000}, 2: {Looked: 50_000, Alone: 50}, 3: {Looked: 40, Alone: 30}}
	for _, tt := range []struct {
		name            string
		ward            facts.ID
		readers, others int
		least, most     uint64
	}{
		{"nobody's care", 0, 0, 0, 9_900, 10_100},
		{"a department of which nothing is known", 9, 0, 0, 9_900, 10_100},
		{"an emergency department", 1, 0, 0, 98_000, 100_000},
		{"a quiet ward", 2, 0, 0, 1_000, 1_200},
		{"few looks are drawn to the hospital", 3, 0, 0, 70_000, 80_000},
		{"the record's own looks are left out", 3, 30, 10, 9_900, 10_100},
	} {
		if got := detectors.UsualThere(hospital, wards, tt.ward, tt.readers, tt.others); got < tt.least || got > tt.most {
			t.Errorf("%s: %d of a million, want %d to %d", tt.name, got, tt.least, tt.most)
		}
	}
}
