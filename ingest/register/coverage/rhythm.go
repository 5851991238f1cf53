package coverage

import (
	"math/bits"
	"slices"
	"time"
)

const (
	hoursOfWeek = 7 * 24
	// weeksKept is over how many weeks an hour of the week is learned: two months.
	weeksKept = 8
	// quarterUs is the step in which silence is weighed: all zones are whole quarters of an hour from UTC.
	quarterUs = int64(15 * time.Minute / time.Microsecond)
	minuteUs  = int64(time.Minute / time.Microsecond)
)

// rhythm is when a source usually speaks, by hour of the week in its own zone: for each of the last weeks, a bit for
// each minute in which it said anything. Minutes and not events, because a burst says no more than a word.
type rhythm struct {
	// First and Last are the first and last local hour that was seen, counted from a Monday.
	First int64           `json:"first"`
	Last  int64           `json:"last"`
	Seen  bool            `json:"seen"`
	Weeks [weeksKept]week `json:"weeks"`

	// minute is that of the last event, in UTC: most events are of the same minute as the one before.
	minute  int64
	trained bool
}

type week struct {
	// Number counts weeks; 0: none.
	Number int64               `json:"number"`
	Hours  [hoursOfWeek]uint64 `json:"hours"`
}

func (r *rhythm) forgetCache() { r.trained = false }

// local returns the minute of the local clock, counted from the Monday before 1970-01-01.
func local(zone *time.Location, us int64) int64 {
	_, offset := time.UnixMicro(us).In(zone).Zone()
	return floorDiv(floorDiv(us, 1e6)+int64(offset), 60) + 3*24*60
}

// train notes that the source spoke.
func (r *rhythm) train(zone *time.Location, us int64) {
	utc := floorDiv(us, minuteUs)
	if r.trained && utc == r.minute {
		return
	}
	r.minute, r.trained = utc, true
	minute := local(zone, us)
	hour := floorDiv(minute, 60)
	number := floorDiv(hour, hoursOfWeek)
	w := &r.Weeks[number&(weeksKept-1)]
	if number <= 0 || number < w.Number {
		return
	}
	if number > w.Number {
		*w = week{Number: number}
	}
	w.Hours[hour-number*hoursOfWeek] |= 1 << uint(minute-hour*60)
	if !r.Seen {
		r.First, r.Last, r.Seen = hour, hour, true
	}
	r.First, r.Last = min(r.First, hour), max(r.Last, hour)
}

// usual is in how many minutes of an hour of the week the source speaks in the lower median of the weeks that saw the
// hour from beginning to end; 0 with fewer weeks than that takes. A holiday or an outage among them moves it little.
// A week without a word is no week: the source was not there.
func (r *rhythm) usual(hourOfWeek int64, minWeeks int) int {
	var counts [weeksKept]int
	n := 0
	for i := range r.Weeks {
		w := &r.Weeks[i]
		hour := w.Number*hoursOfWeek + hourOfWeek
		if w.Number > 0 && hour > r.First && hour < r.Last {
			counts[n] = bits.OnesCount64(w.Hours[hourOfWeek])
			n++
		}
	}
	if n < minWeeks {
		return 0
	}
	seen := counts[:n]
	slices.Sort(seen)
	return seen[(n-1)/2]
}

// missed reports whether so many minutes in which the source usually speaks, and Readtrail listened, have passed.
func (r *rhythm) missed(zone *time.Location, from, now int64, by judge) bool {
	// In units of a minute times a microsecond, so that nothing is rounded.
	want := int64(by.MissedMinutes) * 60 * minuteUs
	sum := int64(0)
	for at := from; at < now; {
		end := min(now, (floorDiv(at, quarterUs)+1)*quarterUs)
		hour := floorDiv(local(zone, at), 60)
		sum += int64(r.usual(hour-floorDiv(hour, hoursOfWeek)*hoursOfWeek, by.MinWeeks)) * (end - at - by.outages.within(at, end))
		if sum >= want {
			return true
		}
		at = end
		if at-from > 5*hoursOfWeek*60*minuteUs {
			return false // over a month of hours in which nothing is ever said
		}
	}
	return false
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
