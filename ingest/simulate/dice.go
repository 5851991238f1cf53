package simulate

import (
	"math/bits"
	"math/rand/v2"
)

// purpose separates the streams of chance, so that a change in one part of the model leaves the others as they were.
type purpose uint64

const (
	forTown purpose = iota + 1
	forStaff
	forPatients
	forRoster
	forEpisode
	forOrders
	forCare
	forDesk
	forMisuse
	forStory
	forIDs
	forContext
	forTies
	forPlans
	forHistory
	forBadges
	forNotice
	forFailures
)

// dice is one stream of chance. Its integers are the same on every processor: nothing here touches a floating point.
type dice struct{ pcg rand.PCG }

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): a
// bijection, so different inputs never meet.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// roll starts the stream of one purpose for one thing (a, b): an episode on a day, a reader in a week.
func (h *Hospital) roll(p purpose, a, b uint64) dice {
	var d dice
	s := mix(h.seed ^ mix(uint64(p)))
	d.pcg.Seed(mix(s^mix(a)), mix(s+mix(b^0x5851f42d4c957f2d)))
	return d
}

// n returns 0 <= x < k; 0 for k < 1.
func (d *dice) n(k int) int {
	if k < 1 {
		return 0
	}
	hi, _ := bits.Mul64(d.pcg.Uint64(), uint64(k))
	return int(hi)
}

// chance is true in perMille of a thousand cases.
func (d *dice) chance(perMille int) bool { return d.n(1000) < perMille }

// between returns lo <= x <= hi.
func (d *dice) between(lo, hi int) int { return lo + d.n(hi-lo+1) }

// bell returns lo <= x <= hi, most often near the middle (the mean of three throws).
func (d *dice) bell(lo, hi int) int {
	k := hi - lo + 1
	return lo + (d.n(k)+d.n(k)+d.n(k))/3
}

// times returns how often something happens whose mean is perMille / 1000.
func (d *dice) times(perMille int) int {
	n := perMille / 1000
	if d.chance(perMille % 1000) {
		n++
	}
	return n
}

// pick returns an index, in proportion to the weights.
func (d *dice) pick(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	x := d.n(sum)
	for i, w := range weights {
		if x < w {
			return i
		}
		x -= w
	}
	return len(weights) - 1
}

// permutation returns the numbers below n in some order.
func (d *dice) permutation(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		j := d.n(i + 1)
		p[i], p[j] = p[j], int32(i)
	}
	return p
}

// minutes returns a time of lo to hi minutes, in milliseconds.
func (d *dice) minutes(lo, hi int) int64 { return int64(d.between(lo*60_000, hi*60_000)) }
