package coverage

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// grace is how long a number may be late before it is missing: events overtake one another on the way.
	grace = int64(10 * time.Minute / time.Microsecond)
	// denseSample and denseOnes: numbers are believed to be without holes once 58 of the last 64 steps were by one.
	denseSample, denseOnes = 64, 58
	// maxHole is beyond what a hole is a counter that began elsewhere.
	maxHole = 1_000_000
	// maxHoles bounds the memory: the oldest is told or forgotten.
	maxHoles = 256
	// restartAfter is how many rising numbers below the largest it takes to see that the counter began again.
	restartAfter = 16
)

// numbers watches one counter of a source.
type numbers struct {
	Max   uint64 `json:"max"`
	MaxUs int64  `json:"max_us"`
	// Steps has a bit for each of the last steps: 1 for a step by one.
	Steps   uint64 `json:"steps"`
	Sampled int    `json:"sampled"`
	Holes   []hole `json:"holes,omitempty"`
	// Stray is the last number below the largest that filled no hole, and Strays how many rose by one before it.
	Stray  uint64 `json:"stray"`
	Strays int    `json:"strays"`
}

// hole is a run of missing numbers.
type hole struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// AfterUs and BeforeUs are when its neighbours occurred, SeenUs when it was noticed.
	AfterUs  int64 `json:"after_us"`
	BeforeUs int64 `json:"before_us"`
	SeenUs   int64 `json:"seen_us"`
	// Told: a fact says it. What is left of a hole that was told is told still.
	Told bool `json:"told"`
}

// counted says when a number was seen.
type counted struct {
	when, at int64
	imported bool
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// event takes a number. Imports fill holes and do nothing else: they come in an order of their own.
func (n *numbers) event(facts []*v1.CoverageFact, s *source, number uint64, c counted) []*v1.CoverageFact {
	if number <= n.Max || c.imported {
		return n.below(facts, s, number, c)
	}
	if n.Max != 0 {
		n.Steps <<= 1
		if number == n.Max+1 {
			n.Steps |= 1
		}
		n.Sampled = min(n.Sampled+1, denseSample)
		dense := n.Sampled == denseSample && bits.OnesCount64(n.Steps) >= denseOnes
		if missing := number - n.Max - 1; missing > 0 && missing <= maxHole && dense {
			n.Holes = append(n.Holes, hole{
				From: n.Max + 1, To: number - 1, AfterUs: min(n.MaxUs, c.when), BeforeUs: max(n.MaxUs, c.when), SeenUs: c.at,
			})
		}
	}
	n.Max, n.MaxUs, n.Strays = number, c.when, 0
	if len(n.Holes) > maxHoles {
		facts = n.tell(facts, s, 0)
		n.Holes = slices.Delete(n.Holes, 0, 1)
	}
	return facts
}

// below takes a number that is not the largest: one that was missing, or a counter that began again.
func (n *numbers) below(facts []*v1.CoverageFact, s *source, number uint64, c counted) []*v1.CoverageFact {
	i, found := slices.BinarySearchFunc(n.Holes, number, func(h hole, number uint64) int {
		if number >= h.From && number <= h.To {
			return 0
		}
		return cmp.Compare(h.From, number)
	})
	if found {
		return n.fill(facts, s, i, number)
	}
	if c.imported {
		return facts
	}
	if n.Strays++; number != n.Stray+1 {
		n.Strays = 1
	}
	n.Stray = number
	if n.Strays >= restartAfter {
		for i := range n.Holes {
			facts = n.tell(facts, s, i)
		}
		*n = numbers{Max: number, MaxUs: c.when}
	}
	return facts
}

// fill takes one number out of a hole. When the last one of a hole that was told has come, that is told too.
func (n *numbers) fill(facts []*v1.CoverageFact, s *source, i int, number uint64) []*v1.CoverageFact {
	h := n.Holes[i]
	rest := make([]hole, 0, 2)
	if number > h.From {
		left := h
		left.To = number - 1
		rest = append(rest, left)
	}
	if number < h.To {
		right := h
		right.From = number + 1
		rest = append(rest, right)
	}
	n.Holes = slices.Replace(n.Holes, i, i+1, rest...)
	same := func(o hole) bool { return o.Told && o.AfterUs == h.AfterUs && o.BeforeUs == h.BeforeUs }
	if h.Told && !slices.ContainsFunc(n.Holes, same) {
		facts = append(facts, s.fact(v1.CoverageFact_KIND_SEQUENCE_GAP, h.AfterUs, h.BeforeUs, 0))
	}
	return facts
}

// ripen tells the holes that were not filled in time. What is left of one hole is told together.
func (n *numbers) ripen(facts []*v1.CoverageFact, s *source, now int64) []*v1.CoverageFact {
	for i := range n.Holes {
		if now-n.Holes[i].SeenUs >= grace {
			facts = n.tell(facts, s, i)
		}
	}
	return facts
}

// tell says that a hole is one, unless it was said before: both of its ends are known, so the fact has both.
func (n *numbers) tell(facts []*v1.CoverageFact, s *source, i int) []*v1.CoverageFact {
	h := n.Holes[i]
	if h.Told {
		return facts
	}
	missing := int64(0)
	for k := range n.Holes {
		o := &n.Holes[k]
		if !o.Told && o.AfterUs == h.AfterUs && o.BeforeUs == h.BeforeUs {
			missing += int64(o.To - o.From + 1)
			o.Told = true
		}
	}
	return append(facts, s.fact(v1.CoverageFact_KIND_SEQUENCE_GAP, h.AfterUs, h.BeforeUs, missing))
}

// open is how many holes were told and are not filled.
func (n *numbers) open() (count int) {
	for _, h := range n.Holes {
		if h.Told {
			count++
		}
	}
	return count
}
