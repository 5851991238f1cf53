package detectors_test

import (
	"slices"
	"testing"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
)

// TestSpill asserts that a day that waited in a file is the day that was written, whatever the parts: none, fewer than a block, just a
// block, several and a bit.
func TestSpill(t *testing.T) {
	var all []detectors.Access
	for i := range 25_000 {
		all = append(all, detectors.Access{
			Position: proto.At(uint64(i/100)+1, i%100), Occurred: int64(i) * 1_000_003, Number: int64(-i), Signs: detectors.Sign(i),
			Count: uint32(i * 7), Reader: int32(i), Patient: int32(i + 1), Department: int32(i + 2), Role: int32(i + 3), Workstation: int32(i + 4),
			Network: int32(i + 5), Object: int32(i + 6), Site: int32(i + 7), Request: uint32(i + 8), Action: uint8(i), Nth: uint16(i),
			Why: detectors.Why(i % 8), BasedOn: uint32(i + 9), Labels: facts.Label(i + 10),
		})
	}
	for _, cuts := range [][]int{{0}, {1}, {4096}, {4097}, {100, 8192}, {100, 100, 20_000}, {25_000}} {
		var parts [][]detectors.Access
		from := 0
		for _, until := range cuts {
			parts = append(parts, all[from:until])
			from = until
		}
		got, err := detectors.Spilled(t.TempDir(), parts, all[from:])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, all) {
			t.Errorf("cut at %v: read %d accesses, wrote %d, not the same", cuts, len(got), len(all))
		}
	}
}
