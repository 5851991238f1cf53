package words_test

import (
	"testing"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestMeasures: each measure has a name of its own, and a figure that is not known is not zero.
func TestMeasures(t *testing.T) {
	seen := map[string]bool{}
	for n := range v1.ProfileMeasure_name {
		m := v1.ProfileMeasure(n)
		name := words.Measure(m)
		if seen[name] || m != v1.ProfileMeasure_PROFILE_MEASURE_UNSPECIFIED && (name == "" || name[0] < 'A' || name[0] > 'Z') {
			t.Errorf("%v is called %q", m, name)
		}
		seen[name] = true
		zero := 0.0
		if words.Measured(m, nil) == words.Measured(m, &zero) {
			t.Errorf("%v: none reads like zero", m)
		}
	}
	half, rank := 0.125, uint32(0)
	for want, got := range map[string]string{
		"12.5 %": words.Measured(v1.ProfileMeasure_PROFILE_MEASURE_SENSITIVE, &half), "0.1": words.Measured(v1.ProfileMeasure_PROFILE_MEASURE_ACCESSES_A_DAY, &half),
		"above 0 % of 7": words.Rank(&v1.ProfileFigure{Rank: &rank, Peers: 7}), "": words.Rank(&v1.ProfileFigure{}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
