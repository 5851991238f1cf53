package coverage

import (
	"maps"
	"math/bits"
	"slices"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	windowUs = quarterUs
	// windowEvents is how many live events a window needs to be judged.
	windowEvents = 20
	// baselineWindows are what is usual: the last day of quarters that had events; baselineMin of them are needed.
	baselineWindows, baselineMin = 96, 8
	// lateFloorMs is how much later than usual is late at least.
	lateFloorMs = int64(5 * time.Minute / time.Millisecond)
	// acceptAfter is after how many late windows, a week of them, the new delay is the usual one.
	acceptAfter = 7 * 96
	// aheadMs: nothing is recorded after it was received, but clocks differ by seconds.
	aheadMs = int64(30 * time.Second / time.Millisecond)
	// behindMs and spreadMs: a clock that is behind delays everything by the same.
	behindMs, spreadMs = lateFloorMs, int64(30 * time.Second / time.Millisecond)
	// skewWindows is how many windows in a row it takes to call a clock off, or right again.
	skewWindows = 2
)

// clock is how long a source's live events take, and what its clock says.
type clock struct {
	// StartUs begins the window at hand; 0: none.
	StartUs int64 `json:"start_us"`
	// Delays count received - occurred, Offsets received - recorded, by bucket.
	Delays  map[int32]uint32 `json:"delays,omitempty"`
	Offsets map[int32]uint32 `json:"offsets,omitempty"`
	// Usual holds the median delays of the last windows in milliseconds, oldest first.
	Usual []int64 `json:"usual,omitempty"`
	// LateUs and SkewUs are since when it is late or off; 0: it is not.
	LateUs    int64 `json:"late_us"`
	LateCount int   `json:"late_count"`
	SkewUs    int64 `json:"skew_us"`
	SkewMs    int64 `json:"skew_ms"`
	// Streak counts windows in a row that contradict the present state of the clock; StreakUs begins the first.
	Streak   int   `json:"streak"`
	StreakUs int64 `json:"streak_us"`
}

// event takes a live event in. One that waited for Readtrail to come back says nothing of its source.
func (c *clock) event(facts []*v1.CoverageFact, s *source, down outages, e *v1.AccessEvent, at int64) []*v1.CoverageFact {
	facts = c.roll(facts, s, at)
	if c.StartUs == 0 {
		c.StartUs = floorDiv(at, windowUs) * windowUs
		c.Delays, c.Offsets = map[int32]uint32{}, map[int32]uint32{}
	}
	if e.OccurredUs != 0 && !down.hold(e.OccurredUs) {
		c.Delays[bucket((at-e.OccurredUs)/1000)]++
	}
	if e.RecordedUs != 0 && !down.hold(e.RecordedUs) {
		c.Offsets[bucket((at-e.RecordedUs)/1000)]++
	}
	return facts
}

// roll judges the window once time is beyond it.
func (c *clock) roll(facts []*v1.CoverageFact, s *source, now int64) []*v1.CoverageFact {
	if c.StartUs == 0 || now < c.StartUs+windowUs {
		return facts
	}
	start := c.StartUs
	delays, offsets := c.Delays, c.Offsets
	c.StartUs, c.Delays, c.Offsets = 0, nil, nil
	skewed := false
	if count(offsets) >= windowEvents {
		facts, skewed = c.judgeSkew(facts, s, start, offsets)
	}
	if count(delays) >= windowEvents && !skewed && c.SkewUs == 0 {
		facts = c.judgeDelay(facts, s, start, quantile(delays, 50))
	}
	return facts
}

// judgeDelay compares a window with what is usual.
func (c *clock) judgeDelay(facts []*v1.CoverageFact, s *source, start, median int64) []*v1.CoverageFact {
	late := false
	if len(c.Usual) >= baselineMin {
		sorted := slices.Sorted(slices.Values(c.Usual))
		usual := max(sorted[len(sorted)/2], 0)
		late = median > max(4*usual, usual+lateFloorMs)
	}
	if late {
		if c.LateCount++; c.LateUs == 0 {
			c.LateUs = start
			return append(facts, s.fact(v1.CoverageFact_KIND_LATENESS, start, 0, median/1000))
		}
		if c.LateCount < acceptAfter {
			return facts
		}
		c.Usual = nil
	}
	if c.Usual = append(c.Usual, median); len(c.Usual) > baselineWindows {
		c.Usual = c.Usual[1:]
	}
	if c.LateUs != 0 {
		facts = append(facts, s.fact(v1.CoverageFact_KIND_LATENESS, c.LateUs, start, median/1000))
		c.LateUs, c.LateCount = 0, 0
	}
	return facts
}

// judgeSkew looks for a clock that is off: ahead, when most events were recorded after they were received; behind, when
// all of them took equally long, which a queue does not do. The amount is positive for ahead, in seconds.
func (c *clock) judgeSkew(facts []*v1.CoverageFact, s *source, start int64, offsets map[int32]uint32) ([]*v1.CoverageFact, bool) {
	median := quantile(offsets, 50)
	spread := quantile(offsets, 90) - quantile(offsets, 10)
	off := median < -aheadMs || (median > behindMs && spread <= max(spreadMs, median/8))
	if off == (c.SkewUs != 0) {
		c.Streak = 0
		return facts, off
	}
	if c.Streak == 0 {
		c.StreakUs = start
	}
	if c.Streak++; c.Streak < skewWindows {
		return facts, off
	}
	c.Streak = 0
	if off {
		c.SkewUs, c.SkewMs = c.StreakUs, -median
		return append(facts, s.fact(v1.CoverageFact_KIND_CLOCK_SKEW, c.SkewUs, 0, c.SkewMs/1000)), off
	}
	facts = append(facts, s.fact(v1.CoverageFact_KIND_CLOCK_SKEW, c.SkewUs, c.StreakUs, c.SkewMs/1000))
	c.SkewUs, c.SkewMs = 0, 0
	return facts, off
}

// bucket groups milliseconds by sixteenths of a power of two, without floating point: the error is below 7 percent.
func bucket(ms int64) int32 {
	if ms < 0 {
		return -bucket(-ms)
	}
	if ms < 16 {
		return int32(ms)
	}
	e := bits.Len64(uint64(ms)) - 5
	return int32(16*e) + int32(ms>>e)
}

// middle is the time that a bucket stands for.
func middle(b int32) int64 {
	if b < 0 {
		return -middle(-b)
	}
	if b < 32 {
		return int64(b)
	}
	e := b/16 - 1
	return int64(b-16*e)<<e + int64(1)<<e/2
}

func count(h map[int32]uint32) (n uint64) {
	for _, c := range h {
		n += uint64(c)
	}
	return n
}

// quantile returns the given percentile in milliseconds.
func quantile(h map[int32]uint32, percent uint64) int64 {
	rank := (count(h)*percent + 99) / 100
	for _, b := range slices.Sorted(maps.Keys(h)) {
		if n := uint64(h[b]); n < rank {
			rank -= n
			continue
		}
		return middle(b)
	}
	return 0
}
