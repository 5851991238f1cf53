package detectors_test

import (
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

// What one unit was counted says nothing about itself: without it, it is weighed as if it had never been counted.
func TestOwnCount(t *testing.T) {
	for _, odd := range []bool{false, true} { // also where its group is the one that does it most
		everyday := func() *detectors.Counting {
			c := detectors.NewCounting(3)
			c.Add(1, 0, 5000)
			c.Add(2, 0, 3000)
			if !odd {
				c.Add(2, 3, 40)
			}
			return c
		}
		with, without := everyday(), everyday()
		with.Add(1, 3, 1)
		if got, want := with.Usual(1, 3, true), without.Usual(1, 3, false); got != want {
			t.Errorf("with itself left out, %d of a million; never counted, %d", got, want)
		}
		if got, want := with.Usual(1, 3, false), without.Usual(1, 3, false); got <= want {
			t.Errorf("counted, it is no more usual: %d, %d", got, want)
		}
	}
}

// What is the work of one department is no custom of the others; for itself it is.
func TestWorkOfOneDepartment(t *testing.T) {
	with, without := detectors.NewCounting(3), detectors.NewCounting(3)
	for _, c := range []*detectors.Counting{with, without} {
		c.Add(1, 0, 2000)
		c.Add(2, 0, 2000)
	}
	with.Add(3, 0, 100)
	with.Add(3, 3, 900)
	if got, want := with.Usual(1, 3, false), without.Usual(1, 3, false); got != want {
		t.Errorf("others: %d of a million, without that department %d", got, want)
	}
	if got := with.Usual(3, 3, false); got < 500_000 {
		t.Errorf("the department itself: %d of a million, want most", got)
	}
}

// A grade that is seldom counted is no more telling than one that is worse.
func TestGradesRise(t *testing.T) {
	c := detectors.NewCounting(3)
	c.Add(1, 0, 10_000)
	c.Add(1, 1, 1)
	c.Add(1, 2, 200)
	if low, high := c.Usual(1, 1, false), c.Usual(1, 2, false); low < high {
		t.Errorf("grade 1 is told as rarer (%d of a million) than grade 2 (%d)", low, high)
	}
}

// Shares go to what is found, and are held by what is configured.
func TestShares(t *testing.T) {
	for _, c := range []struct {
		found     [2]uint64
		low, high uint64
	}{
		{[2]uint64{0, 0}, 499, 501},
		{[2]uint64{3, 0}, 510, 600},
		{[2]uint64{300, 0}, 930, 970},
		{[2]uint64{100, 100}, 499, 501},
	} {
		got := detectors.Shares(c.found)
		if got < c.low || got > c.high {
			t.Errorf("found %v: the first has %d of a thousand, want %d to %d", c.found, got, c.low, c.high)
		}
	}
}
