package detectors

import (
	"math"
	"time"
)

// calendar tells local days and hours. It asks the zone once between two changes of its clocks, not for each access. One goroutine
// uses it; a copy is a calendar of its own.
type calendar struct {
	zone *time.Location
	// offset is what local clocks are ahead, in microseconds, from <= t < until.
	offset, from, until int64
}

const (
	hourMicros = 3_600_000_000
	dayMicros  = 24 * hourMicros
	// epochHour is the hour of the week in which 1970 began, a Thursday.
	epochHour = 4 * 24
)

// local is what the site's clocks show at a time, in microseconds since they showed the beginning of 1970.
func (c *calendar) local(us int64) int64 {
	if us < c.from || us >= c.until {
		t := time.UnixMicro(us).In(c.zone)
		_, offset := t.Zone()
		c.offset, c.from, c.until = int64(offset)*1_000_000, math.MinInt64, math.MaxInt64
		start, end := t.ZoneBounds()
		if !start.IsZero() {
			c.from = start.UnixMicro()
		}
		if !end.IsZero() {
			c.until = end.UnixMicro()
		}
	}
	return us + c.offset
}

// day is the local day of a time.
func (c *calendar) day(us int64) day { return day(floorDiv(c.local(us), dayMicros)) }

// hourOfWeek is the local hour of the week, from Sunday midnight.
func (c *calendar) hourOfWeek(us int64) int {
	hour := (floorDiv(c.local(us), hourMicros) + epochHour) % hoursOfWeek
	if hour < 0 {
		hour += hoursOfWeek
	}
	return int(hour)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
