package main

import (
	"math"
	"slices"
	"time"
)

// quantile is the smallest measurement that a share q of all does not exceed (nearest rank), so it is always one that
// was measured. It sorts all; 0 for none.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	rank := int(math.Ceil(q * float64(len(all))))
	return all[min(max(rank, 1), len(all))-1]
}

// median is the middle of a few repeated values; 0 for none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func perSecond(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
