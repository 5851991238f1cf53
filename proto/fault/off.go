//go:build !faults

package fault

import "time"

// Point marks a commit point by its name.
func Point(string) {}

// Clock is the journal's clock and how often it ticks: the machine's, and as often as the journal chooses.
func Clock() (now func() time.Time, tickEvery time.Duration) { return time.Now, 0 }
