package detectors

import (
	"fmt"
	"slices"
	"time"
)

// leastGaps is how many gaps between records say how quickly they followed each other: of fewer, one that is long or short says too much. Ours.
const leastGaps = 5

// pace (D12) says how quickly records followed each other, by when each was opened, in microseconds: the text takes a time within which half of the gaps
// or more were over, in how many of them, and how many there are. Nothing where records are few, where it was slow, or where more than a quarter of the
// times are whole minutes: of a source that has no seconds.
func pace(text string, opened []int64) string {
	const second, minute = int64(time.Second / time.Microsecond), int64(time.Minute / time.Microsecond)
	whole := 0
	for _, us := range opened {
		if us%minute == 0 {
			whole++
		}
	}
	if len(opened) <= leastGaps || whole*4 > len(opened) {
		return ""
	}
	opened = slices.Sorted(slices.Values(opened))
	gaps := make([]int64, len(opened)-1)
	for i := range gaps {
		gaps[i] = opened[i+1] - opened[i]
	}
	slices.Sort(gaps)
	half := max(gaps[(len(gaps)-1)/2], 1) // half of the gaps, or one more, are no longer
	unit, noun := second, "second"
	switch {
	case half > longStay.Microseconds():
		return ""
	case half > 2*minute:
		unit, noun = minute, "minute"
	}
	units := (half + unit - 1) / unit
	within := 0
	for within < len(gaps) && gaps[within] <= units*unit {
		within++
	}
	return fmt.Sprintf(text, count(int(units), noun), exactly(within), exactly(len(gaps)))
}

// exactly is a number of which every digit counts.
func exactly(n int) string {
	if n < 1000 {
		return number(n)
	}
	return fmt.Sprint(n)
}
