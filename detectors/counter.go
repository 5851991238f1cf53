package detectors

import (
	"fmt"
	"slices"
	"time"
)

// Counter is a number that a custom detector may ask for about an access: how much with the same key fits a condition of the counter's own, in the
// stretch of time that ends with that access, which is counted if it fits.
type Counter struct {
	// Name is how expressions call it: small letters, digits and underscores.
	Name string
	// Of is what is counted, Per whose accesses are looked at: those of the same reader, record, or both.
	Of  Counted
	Per Key
	// Over is how long the stretch is, both ends included; 0: it begins with the local day. It never begins before that.
	Over time.Duration
	// All: it has no condition. Verdict: its condition asks whether an access is explained, so one of which that cannot be assessed is left out.
	All, Verdict bool
}

const (
	// MaxCounters are the counters of a detector, maxCountersInAll those of all of them. While a day is at work, a counter holds 4 bytes for each access
	// that it was asked about, at the most: 8 MB of two million.
	MaxCounters      = 4
	maxCountersInAll = 16
	maxCounterName   = 30
)

// Validate reports everything that is wrong with a counter, each a *Fault.
func (c *Counter) Validate() []error {
	var out []error
	fault := func(field, format string, args ...any) {
		out = append(out, &Fault{field, fmt.Sprintf(format, args...)})
	}
	if !counterName(c.Name) {
		fault("name", "%q is not a name of a counter; want one like opened_at_night: small letters, digits and underscores, at most %d", c.Name, maxCounterName)
	}
	if of := c.Per.countable(); !slices.Contains(of, c.Of) {
		fault("of", "%s cannot be counted per %s; want %s", c.Of, c.Per, listed(of))
	}
	if c.Over < 0 || c.Over > wholeDay {
		fault("over", "want a duration of at most 24h: counters begin anew with each local day")
	}
	return out
}

// validateCounters reports what is wrong with the counters of a detector, by fields like counters.opened.of.
func validateCounters(all []Counter) []error {
	var out []error
	if len(all) > MaxCounters {
		out = append(out, &Fault{"counters", fmt.Sprintf("%d counters; want at most %d", len(all), MaxCounters)})
	}
	for i := range all {
		c := &all[i]
		if slices.ContainsFunc(all[:i], func(other Counter) bool { return other.Name == c.Name }) {
			out = append(out, &Fault{"counters." + c.Name, "stands there twice"})
		}
		for _, err := range c.Validate() {
			f := err.(*Fault) //nolint:errorlint,forcetypeassert // Validate says so
			out = append(out, &Fault{"counters." + c.Name + "." + f.Field, f.Text})
		}
	}
	return out
}

func counterName(name string) bool {
	if name == "" || len(name) > maxCounterName || name[0] < 'a' || name[0] > 'z' || slices.Contains([]string{"in", "true", "false", "null"}, name) {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
