package facts_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/readtrail/readtrail/detectors/block"
	"github.com/readtrail/readtrail/detectors/facts"
)

// TestRestoreRefusesWhatPackDoesNotWrite: a number in more bytes than it needs is measured in one way and read in another, past the end. Whoever
// can write a snapshot can give it a right sum.
func TestRestoreRefusesWhatPackDoesNotWrite(t *testing.T) {
	for name, entry := range map[string][]byte{
		"written": {0, 0, 1, 'x'},
		"longer":  {0x80, 0, 5, 0x7f, 0, 0, 0, 0},
	} {
		var out bytes.Buffer
		e := block.NewEncoder(&out, "readtrail facts\n", 8)
		table := func(pages ...[]byte) {
			e.Count(1) // no pattern
			e.Count(len(pages))
			for _, p := range pages {
				e.Bytes(p)
			}
		}
		table(entry) // texts
		for range 3 {
			table()
			e.Count(0) // keys of nodes
		}
		table() // facts
		for range 5 {
			e.Count(0)
		}
		e.Count(1) // a compound name: text 1
		e.ID(1)
		for range 7 { // forms, evicted, evicted stays, coverage, records, people, units
			e.Count(0)
		}
		table()       // schedules
		for range 5 { // rosters, watches, consents, payers, kin
			e.Count(0)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		err := newState(t).Restore(&out)
		if name == "written" && err != nil || name != "written" && !errors.Is(err, facts.ErrSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
