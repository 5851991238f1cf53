package detectors

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
