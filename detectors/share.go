package detectors

import "sync"

// fewestShared is how many units there are at least before they are shared out: a handful is done sooner than it is given away.
const fewestShared = 64

// shareOut calls do for every number below n, in as many ranges as there are hands, at the same time. Each hand is a judge of its own
// that shares everything but scratch, and writes only what belongs to the numbers it was given; so the result is the same for any
// number of hands.
func (j *judge) shareOut(n int, do func(hand *judge, i int)) {
	if j.hands <= 1 || n < fewestShared {
		for i := range n {
			do(j, i)
		}
		return
	}
	for len(j.workers) < j.hands {
		j.workers = append(j.workers, &judge{})
	}
	var all sync.WaitGroup
	for k, hand := range j.workers {
		hand.lend(j)
		from, until := n*k/j.hands, n*(k+1)/j.hands
		all.Go(func() {
			for i := from; i < until; i++ {
				do(hand, i)
			}
		})
	}
	all.Wait()
	for _, hand := range j.workers {
		for key := range j.spreads {
			j.spreads[key].with(hand.spreads[key])
			for i, n := range hand.credits[key] {
				j.credits[key][i] += n
			}
		}
	}
}

// with adds what was counted elsewhere.
func (s *spread) with(other *spread) {
	for i, n := range other.bins {
		s.bins[i] += n
	}
	s.total += other.total
}

// lend makes a judge see what another one sees. Scratch stays its own, and what it counts is counted apart.
func (j *judge) lend(of *judge) {
	own := j.scratch
	*j = *of
	j.workers, j.scratch = nil, own
	j.spreads, j.credits = [3]*spread{{}, {}, {}}, j.noCredits()
}

// forgetWholes has the departments asked again whether they are the hospital as such.
func (j *judge) forgetWholes() {
	clear(j.wholes)
	for _, w := range j.workers {
		clear(w.wholes)
	}
}
