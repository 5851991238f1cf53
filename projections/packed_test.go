package projections_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/readtrail/readtrail/projections"
)

// FuzzPack checks that fields come back to the byte, whatever is in them.
func FuzzPack(f *testing.F) {
	f.Add("urn:mrn", "1", "")
	f.Add("", "", "")
	f.Add("a\x1fb", "\x1e", "\x1eu\x1f\x1er")
	f.Add("DOMAIN\\ws", "\x1e\x1e\x1f\x1f", "u\x1er")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		text := projections.Pack(a, b, c)
		if diff := cmp.Diff([]string{a, b, c}, projections.Unpack(text)); diff != "" {
			t.Errorf("fields (-) and unpacked (+): %s", diff)
		}
		if n := strings.Count(text, "\x1f"); n != 2 {
			t.Errorf("%d separators stand between 3 fields", n)
		}
	})
}

// TestUnpackNothing: an empty column has no fields.
func TestUnpackNothing(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string(nil), projections.Unpack(""), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestCodes checks that no code touches another one.
func TestCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []projections.Codes{
		{},
		{Action: 255},
		{Outcome: 255},
		{Mode: 255},
		{ReaderType: 255},
		{BreakGlass: true},
		{Patients: math.MaxUint16},
		{Action: 1, Outcome: 2, Mode: 3, ReaderType: 4, BreakGlass: true, Patients: 5},
	} {
		if diff := cmp.Diff(c, projections.CodesOf(c.Number())); diff != "" {
			t.Errorf("codes (-) and read back (+): %s", diff)
		}
	}
}
