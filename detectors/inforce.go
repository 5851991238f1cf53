package detectors

import (
	"cmp"
	"maps"
	"slices"
)

// WeightsOf are the weights of one kind of misuse.
type WeightsOf struct {
	Scenario string `json:"scenario"`
	// Unit is what it is a kind of: "pair", "reader-day", "record-day".
	Unit string `json:"unit"`
	// Share is how much it is of all misuse that shows in such units, in per mille.
	Share int `json:"share"`
	// Learned: calibration put it there; Own: it is that of a custom detector of the site.
	Learned bool `json:"learned,omitempty"`
	Own     bool `json:"own,omitempty"`
	// Grades say how often each grade is seen in it; a detector that is not named weighs nothing here.
	Grades []GradesOf `json:"grades"`
}

// GradesOf is how often the grades of a detector are seen in a kind of misuse.
type GradesOf struct {
	Detector string `json:"detector"`
	// Words are the grades from 1 on, for people, and Misuse how often each is seen, in per mille; the rest is quiet.
	Words  []string `json:"words"`
	Misuse []int    `json:"misuse,omitempty"`
	// Bits are what each grade weighs, quiet first, in place of Misuse, of a detector that compares with peers by itself.
	Bits []int `json:"bits,omitempty"`
}

// WeightsInForce are the weights of all kinds of misuse by which judging with custom detectors and with what calibration learned goes,
// in its order.
func WeightsInForce(custom []CustomDetector, weights []ScenarioWeights) []WeightsOf {
	var j judge
	j.workBy(Config{Custom: custom, Weights: weights}.withDefaults())
	var out []WeightsOf
	for key, m := range [3]*model{j.pairs, j.readers, j.records} {
		for i := range m.scenarios {
			s := &m.scenarios[i]
			one := WeightsOf{
				Scenario: s.Name, Unit: [...]string{ShapePair.String(), ShapeReaderDay.String(), ShapeRecordDay.String()}[key], Share: s.Share,
				Learned: slices.ContainsFunc(weights, func(w ScenarioWeights) bool { return w.Scenario == s.Name }),
				Own:     slices.ContainsFunc(custom, func(c CustomDetector) bool { return c.Custom().Name == s.Name }),
			}
			for _, name := range slices.Sorted(maps.Keys(s.Grades)) {
				at := slices.IndexFunc(m.scales, func(scale Scale) bool { return scale.Name == name })
				g := GradesOf{Detector: name, Words: m.scales[at].Words, Misuse: s.Grades[name]}
				if direct := m.scales[at].Weights; direct != nil {
					g.Misuse = nil
					for _, w := range direct {
						g.Bits = append(g.Bits, int(w/bit))
					}
				}
				one.Grades = append(one.Grades, g)
			}
			slices.SortStableFunc(one.Grades, func(a, b GradesOf) int { return cmp.Compare(sumOf(b.Misuse), sumOf(a.Misuse)) })
			out = append(out, one)
		}
	}
	return out
}

func sumOf(all []int) (n int) {
	for _, x := range all {
		n += x
	}
	return n
}
