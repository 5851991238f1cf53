package detectors_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

// apart are times with so many seconds between them, the first one not a whole minute.
func apart(seconds ...float64) []int64 {
	out := []int64{1_000_000}
	for _, s := range seconds {
		out = append(out, out[len(out)-1]+int64(s*1e6))
	}
	return out
}

// TestPace: how quickly records followed each other is told by half of five gaps or more, rounded up, where times have seconds.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		opened []int64
		want   string
	}{
		{"five gaps", apart(9, 12, 7, 9, 53), "nine seconds: three of five"},
		{"four gaps", apart(9, 12, 7, 9), ""},
		{"six gaps: half of them", apart(1, 2, 3, 50, 60, 70), "three seconds: three of six"},
		{"more than half", apart(3, 3, 3, 3, 60, 70), "three seconds: four of six"},
		{"in any order", []int64{5_000_000, 1, 2_000_000, 1_000_000, 4_000_000, 3_000_000}, "one second: five of five"},
		{"a part of a second is a whole one", apart(8.2, 8.2, 8.2, 8.9, 9.1), "nine seconds: four of five"},
		{"less than a second", apart(0.9, 0.9, 0.9, 0.9, 0.9), "one second: five of five"},
		{"all at once", apart(0, 0, 0, 0, 5), "one second: four of five"},
		{"two minutes", apart(120, 120, 120, 120, 1), "120 seconds: five of five"},
		{"a second more", apart(121, 121, 121, 121, 181), "three minutes: four of five"},
		{"ten minutes", apart(600, 600, 600, 600, 1), "ten minutes: five of five"},
		{"a second more is slow", apart(601, 601, 601, 601, 1), ""},
		{"two of eight are whole minutes", apart(59, 60, 7, 8, 9, 10, 11), "ten seconds: four of seven"},
		{"two of seven", apart(59, 60, 7, 8, 9, 10), ""},
		{"two thousand", apart(make([]float64, 2000)...), "one second: 2000 of 2000"},
		{"nothing", nil, ""},
	} {
		if got := detectors.Pace("%s: %s of %s", tt.opened); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestPaceIsTrue: whatever is told holds of the gaps, each counted, and of half of them at least.
func TestPaceIsTrue(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 27))
	told := 0
	for range 2000 {
		seconds := make([]float64, 5+random.IntN(30))
		for i := range seconds {
			seconds[i] = float64(random.IntN(1_300_000)) / float64(int(1)<<random.IntN(14)*1000)
		}
		opened := apart(seconds...)
		got := detectors.Pace("%s: %s of %s", opened)
		if got == "" {
			continue
		}
		told++
		holds := false
		for noun, us := range map[string]int64{"second": 1e6, "minute": 60e6} {
			for units := range int64(121) {
				within := 0
				for i := range seconds {
					if opened[i+1]-opened[i] <= units*us {
						within++
					}
				}
				said := fmt.Sprintf("%s: %s of %s", detectors.Count(int(units), noun), detectors.Exactly(within), detectors.Exactly(len(seconds)))
				holds = holds || said == got && 2*within >= len(seconds)
			}
		}
		if !holds {
			t.Fatalf("%q does not hold of gaps of %v seconds", got, seconds)
		}
	}
	if told < 500 {
		t.Fatalf("only %d are told", told)
	}
}
