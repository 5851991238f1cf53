package facts_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
)

// packed are values and how many bytes they take with their system.
var packed = []struct {
	name, value string
	bytes       int
}{
	{"nothing", "", 3},
	{"a word", "Encounter", 12},
	{"unicode", "Zoë 12 漢字", 2},
	{"unicode in pieces", "\xc3 7 \xff", 2},
	{"control characters", "a\x01b\x0412", 9},
	{"a number", "2400031", 5},
	{"zero", "0", 2},
	{"leading zeros", "00042", 4},
	{"zeros", "00", 2},
	{"the longest number", "999999999999999999", 10},
	{"a longer one", "1000000000000000000", 11},
	{"a pattern", "ob-20511-93-1-27905", 9},
	{"a date", "2026-03-02", 5},
	{"UUID", "0b5e9a3c-1f2d-4e5f-8a9b-0c1d2e3f4a5b", 17},
	{"UUID in upper case", "0B5E9A3C-1F2D-4E5F-8A9B-0C1D2E3F4A5B", 17},
	{"UUID in both", "0b5e9a3c-1f2d-4e5f-8a9b-0C1D2E3F4A5B", 17},
	{"UUID of decimal digits", "00000000-0000-0000-0000-000000000000", 17},
	{"URN", "urn:uuid:0b5e9a3c-1f2d-4e5f-8a9b-0c1d2e3f4a5b", 17},
	{"UUID cut off", "0b5e9a3c-1f2d-4e5f-8a9b-0c1d2e3f4a5", 17},
	{"nearly UUID", "0b5e9a3c-1f2d-4e5f-8a9b+0c1d2e3f4a5b", 17},
	{"two UUIDs", strings.Repeat("0b5e9a3c-1f2d-4e5f-8a9b-0c1d2e3f4a5b", 2), 75},
	{"hexadecimal", "pt-0afa3768e", 6},
	{"few hexadecimal digits", "afa376", 3},
	{"base 64", "eM5CWtq15N0WJeuCet5bJlQ3", 27},
	{"as long as a pattern may be", strings.Repeat("1", 64), 33},
	{"longer", strings.Repeat("1", 65), 68},
	{"much longer", strings.Repeat("x", 300), 304},
}

func TestPack(t *testing.T) {
	var p facts.Packer
	for _, c := range packed {
		if got := p.Pack(7, c.value, true); len(got) != c.bytes {
			t.Errorf("%s: %d bytes, want %d: % x", c.name, len(got), c.bytes, got)
		}
		checkPack(t, &p, 7, c.value)
	}
}

// checkPack asserts that a pair is written in one way, ends by itself and is read as it was.
func checkPack(t *testing.T, p *facts.Packer, system facts.ID, value string) {
	t.Helper()
	unknown, data := p.Pack(system, value, false), p.Pack(system, value, true)
	if again := p.Pack(system, value, false); !bytes.Equal(again, data) {
		t.Fatalf("%q is % x, then % x", value, data, again)
	}
	for _, data := range [][]byte{unknown, data} {
		gotSystem, got, length := p.Unpack(append(bytes.Clone(data), 0xff, 0x00, 0x31))
		if gotSystem != system || got != value || length != len(data) {
			t.Fatalf("%q of %d as % x is %q of %d, %d bytes", value, system, data, got, gotSystem, length)
		}
	}
}

// TestPackFull shows what becomes of values whose patterns are too many: they stand as they are, before and after.
func TestPackFull(t *testing.T) {
	var p facts.Packer
	early := p.Pack(1, "early-12", true)
	for i := range 2 * facts.MaxPatterns {
		checkPack(t, &p, facts.ID(i), "n-12")
	}
	if again := p.Pack(1, "early-12", true); !bytes.Equal(again, early) {
		t.Errorf("% x, then % x", early, again)
	}
	if late := p.Pack(1, "late-12", true); len(late) != 10 {
		t.Errorf("% x is packed", late)
	}
}

func FuzzPack(f *testing.F) {
	for i, c := range packed {
		f.Add(int32(i), c.value, "")
		f.Add(int32(1)<<30, "x"+c.value, c.value+"1")
	}
	for n := range 40 {
		f.Add(int32(n), strings.Repeat("0", n), fmt.Sprint("a", strings.Repeat("f", n)))
	}
	f.Fuzz(func(t *testing.T, system int32, a, b string) {
		if system < 0 {
			return
		}
		var p facts.Packer
		checkPack(t, &p, system, a)
		checkPack(t, &p, system, b)
		checkPack(t, &p, system, a+b)
		if x, y := p.Pack(system, a, false), p.Pack(system, b, false); a != b && (bytes.HasPrefix(x, y) || bytes.HasPrefix(y, x)) {
			t.Fatalf("%q is % x, %q is % x", a, x, b, y)
		}
	})
}
