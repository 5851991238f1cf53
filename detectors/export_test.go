package detectors

import "slices"

// What the tests of this package reach inside.
var (
	Log2           = log2
	Exp2           = exp2
	Chance         = chance
	Walk           = walk
	MeansSomething = meansSomething
	RecordNumber   = recordNumber
)

// Prior finds the prior of weights.
func Prior(weights []int32) int32 {
	var s spread
	for _, w := range weights {
		s.add(Weight(w))
	}
	return int32(s.prior())
}

// ScenarioFaults says what is wrong with the scenarios that are built in: a detector that there is none of at their key, a grade
// too many, more than all.
func ScenarioFaults() []string {
	var out []string
	set := allDetectors()
	check := func(scales []Scale, all []Scenario) {
		for _, s := range all {
			for name, grades := range s.Grades {
				i := slices.IndexFunc(scales, func(x Scale) bool { return x.Name == name })
				if i < 0 {
					out = append(out, s.Name+": no detector "+name)
					continue
				}
				sum := 0
				for _, g := range grades {
					sum += g
				}
				if len(grades) > len(scales[i].Words) || sum > 1000 {
					out = append(out, s.Name+": grades of "+name)
				}
			}
		}
	}
	check(scalesOf(set.pairs, func(d pairDetector) Scale { return d.Scale }), pairScenarios())
	check(scalesOf(set.readers, func(d readerDetector) Scale { return d.Scale }), readerScenarios())
	check(scalesOf(set.records, func(d recordDetector) Scale { return d.Scale }), recordScenarios())
	return out
}
