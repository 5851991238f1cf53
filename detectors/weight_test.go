package detectors_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

// Logarithms are integers, so that scores are the same on every processor; they must still be logarithms.
func TestLog2(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	last := detectors.Log2(1)
	for n := uint64(1); n < 1<<20; n += 1 + n/500 {
		got, want := detectors.Log2(n), 256*math.Log2(float64(n))
		if math.Abs(float64(got)-want) > 2 {
			t.Fatalf("log2(%d) is %d, want %.1f", n, got, want)
		}
		if got < last {
			t.Fatalf("log2(%d) falls", n)
		}
		last = got
	}
	for range 1000 {
		n := random.Uint64() >> random.IntN(60)
		if got, want := detectors.Log2(n), 256*math.Log2(float64(max(n, 1))); math.Abs(float64(got)-want) > 2 {
			t.Fatalf("log2(%d) is %d, want %.1f", n, got, want)
		}
	}
}

func TestExp2AndChance(t *testing.T) {
	for w := -13 * 256; w < 30*256; w += 7 {
		want := math.Exp2(float64(w)/256) * 65536
		got := float64(detectors.Exp2(detectorsWeight(w)))
		if math.Abs(got-want) > want/200+1 {
			t.Fatalf("2^(%d/256) is %.0f, want %.0f", w, got, want)
		}
		p := 1000 * math.Exp2(float64(w)/256) / (1 + math.Exp2(float64(w)/256))
		if got := float64(detectors.Chance(detectorsWeight(w))); math.Abs(got-p) > 2 {
			t.Fatalf("chance(%d/256) is %.0f per mille, want %.1f", w, got, p)
		}
	}
	if got := detectors.Exp2(-40 * 256); got != 0 {
		t.Errorf("2^-40 is %d, want 0", got)
	}
}

// The prior is found from weights alone: near the truth where there is misuse; where there is none, no more
// than what is believed beforehand, which is next to nothing.
func TestPrior(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	draw := func(n, bad int) []int32 {
		out := make([]int32, 0, n+bad)
		for range n {
			out = append(out, int32((-4+2*random.NormFloat64())*256))
		}
		for range bad {
			out = append(out, int32((14+2*random.NormFloat64())*256))
		}
		return out
	}
	some := math.Exp2(float64(detectors.Prior(draw(100_000, 50))) / 256)
	if some < 0.0003 || some > 0.0008 {
		t.Errorf("prior of 50 in 100,000 is %.6f", some)
	}
	none := math.Exp2(float64(detectors.Prior(draw(100_000, 0))) / 256)
	if none > 0.000016 || none > some/20 {
		t.Errorf("prior of nothing in 100,000 is %.7f, of 50 it is %.7f", none, some)
	}
}

// A scenario that names a detector by a name that there is none of would weigh nothing, in silence.
func TestScenarios(t *testing.T) {
	for _, fault := range detectors.ScenarioFaults() {
		t.Error(fault)
	}
}
