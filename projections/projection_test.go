package projections_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections/store/storetest"
)

// TestProjectionIsTheFold: whatever the journal holds, the tables hold its fold, and a second run changes nothing.
func TestProjectionIsTheFold(t *testing.T) {
	for seed := range uint64(4) {
		s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(seed)
		g.fill(t, j, 40, 30, time.Date(2024, 12, 31, 23, 40, 0, 0, time.UTC))
		p := newProjector(t, s, j)
		project(t, p, j)
		checkTables(t, s, j, 1)
		g.fill(t, j, 5, 3, time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC))
		project(t, p, j)
		checkTables(t, s, j, 1)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
