package detectors

// spread counts units by their Weight: what expectation maximisation needs, in constant memory.
type spread struct {
	bins  [spreadBins]uint64
	total uint64
}

const (
	// spreadBins of a quarter of a bit, from -32 to +32 bits.
	spreadBins = 257
	spreadStep = 64
)

func (s *spread) add(w Weight) {
	i := (int(w) + 32*int(bit)) / spreadStep
	s.bins[min(max(i, 0), spreadBins-1)]++
	s.total++
}

const (
	// startPrior is one unit in ten thousand, the order of magnitude of what privacy officers confirm.
	startPrior = -13 * bit
	// firstPrior is what the first refinement takes out of what is usual by.
	firstPrior = -9 * bit
	// beforehand is how common misuse is believed to be before anything is seen, and belief how many of the units that is worth, in
	// per cent. A hospital in which nothing is wrong still has somebody look.
	beforehand, belief = 60, 25
	leastPrior         = -24 * bit
	mostPrior          = -6 * bit
	rounds             = 40
)

// prior finds how common misuse is among units, from their weights alone: expectation maximisation over a mixture of
// everyday work and misuse (Dempster, Laird, Rubin 1977), in integers. In a hospital in which nothing is wrong it falls to what
// is believed beforehand, about one unit in a hundred thousand: then next to nothing is likely enough to be shown.
func (s *spread) prior() Weight {
	p := startPrior
	if s.total == 0 {
		return p
	}
	for range rounds {
		sum := uint64(0) // in millionths of units
		for i, n := range s.bins {
			w := Weight(i*spreadStep) - 32*bit
			sum += n * fine(p+w)
		}
		sum += s.total * belief / 100 * beforehand
		p = min(max(ratio(sum, s.total*million/100*(100+belief)), leastPrior), mostPrior)
	}
	return p
}

// fine is chance in millionths.
func fine(w Weight) uint64 {
	if w >= 20*bit {
		return million
	}
	odds := exp2(w)
	return odds * million / (odds + 65536)
}
