package csv

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Flags of an event whose time was not plain.
const (
	flagAmbiguous   = "occurred_ambiguous"
	flagNonexistent = "occurred_nonexistent"
	flagToTheMinute = "occurred_to_the_minute"
	flagMissing     = "occurred_missing"
)

// Layouts that are no Go layout: seconds, milliseconds and microseconds since 1970-01-01T00:00:00Z.
const (
	layoutUnix      = "unix"
	layoutUnixMilli = "unix_ms"
	layoutUnixMicro = "unix_us"
)

var errTime = errors.New("the text fits none of the layouts")

// clock reads times as one column has them. It remembers the last day, so it belongs to one goroutine.
type clock struct {
	layouts     []layout
	zone        *time.Location
	ambiguous   string
	nonexistent string
	// day is the local day (since 1970) for which offset holds from beginning to end.
	day    int64
	offset int64
	plain  bool
}

type layout struct {
	text    string
	unit    int64 // of the unix layouts, in microseconds
	zoned   bool
	seconds bool
}

// instant is a time as read.
type instant struct {
	us    int64
	flag  string
	exact bool // false: no seconds
}

func newClock(t Time, zone *time.Location) (*clock, error) {
	c := &clock{zone: zone, ambiguous: t.Ambiguous, nonexistent: t.Nonexistent}
	var errs []error
	for _, text := range t.Layouts {
		l := layout{text: text}
		switch text {
		case layoutUnix:
			l.unit, l.zoned, l.seconds = 1e6, true, true
		case layoutUnixMilli:
			l.unit, l.zoned, l.seconds = 1e3, true, true
		case layoutUnixMicro:
			l.unit, l.zoned, l.seconds = 1, true, true
		default:
			l.zoned = strings.Contains(text, "Z07") || strings.Contains(text, "-07")
			l.seconds = strings.Contains(text, "05")
			if !strings.Contains(text, "06") {
				errs = append(errs, fmt.Errorf("time.layouts: %q has no year (2006)", text))
			}
			if strings.Contains(text, "MST") {
				errs = append(errs, fmt.Errorf("time.layouts: %q has a zone's abbreviation, which names no zone for certain", text))
			}
			if !l.seconds && t.MissingSeconds != "allow" {
				errs = append(errs, fmt.Errorf("time.layouts: %q has no seconds: say missing_seconds: allow", text))
			}
		}
		c.layouts = append(c.layouts, l)
	}
	return c, errors.Join(errs...)
}

// parse reads one time. Errors do not repeat the text.
func (c *clock) parse(text string) (instant, error) {
	for i := range c.layouts {
		l := &c.layouts[i]
		if l.unit != 0 {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n > 1<<62/l.unit || n < -(1<<62/l.unit) {
				continue
			}
			return instant{us: n * l.unit, exact: true}, nil
		}
		t, ok := fastParse(l.text, text)
		if !ok {
			var err error
			if t, err = time.Parse(l.text, text); err != nil {
				continue
			}
		}
		if l.zoned {
			return instant{us: t.UnixMicro(), exact: l.seconds}, nil
		}
		at, err := c.local(t)
		at.exact = l.seconds
		return at, err
	}
	return instant{}, errTime
}

// local finds the instant of a wall time, given as that time in UTC. Where clocks are turned back a wall time happens
// twice, where they are turned on it never does: the policy decides, and a flag stays on the event.
func (c *clock) local(wall time.Time) (instant, error) {
	seconds, micros := wall.Unix(), int64(wall.Nanosecond()/1000)
	day := floorDiv(seconds, 86400)
	if !c.plain || day != c.day {
		// Offsets a day before and a day after: equal, and equal within, when nothing happens in between. No zone has
		// changed its clocks twice within two days.
		before, after := c.offsetAt(day*86400-86400), c.offsetAt(day*86400+2*86400)
		c.day, c.offset, c.plain = day, before, before == after
		if !c.plain {
			return c.turned(seconds, micros, before, after)
		}
	}
	return instant{us: (seconds-c.offset)*1e6 + micros}, nil
}

func (c *clock) turned(seconds, micros, before, after int64) (instant, error) {
	first, second := seconds-before, seconds-after
	firstHolds, secondHolds := c.offsetAt(first) == before, c.offsetAt(second) == after
	at := instant{us: first*1e6 + micros}
	switch {
	case firstHolds && secondHolds:
		if c.ambiguous == "refuse" {
			return at, errors.New("the local time happens twice, the clocks are turned back in it")
		}
		if c.ambiguous == "later" {
			at.us = second*1e6 + micros
		}
		at.flag = flagAmbiguous
	case secondHolds:
		at.us = second*1e6 + micros
	case !firstHolds:
		if c.nonexistent == "refuse" {
			return at, errors.New("the local time does not exist, the clocks are turned on over it")
		}
		at.flag = flagNonexistent
	}
	return at, nil
}

func (c *clock) offsetAt(seconds int64) int64 {
	_, offset := time.Unix(seconds, 0).In(c.zone).Zone()
	return int64(offset)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// fastParse reads the layouts that exports mostly use: digits at fixed places. Whatever is not plain is left to
// time.Parse; what it does read it reads as time.Parse does.
func fastParse(layout, text string) (time.Time, bool) {
	rest, fraction, ok := cutFraction(layout, text)
	if !ok {
		return time.Time{}, false
	}
	var year, month, day, hour, minute, second int
	switch layout {
	case "2006-01-02T15:04:05Z07:00":
		if len(rest) == 0 || rest[len(rest)-1] != 'Z' {
			return time.Time{}, false
		}
		rest = rest[:len(rest)-1]
	case "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04":
	default:
		return time.Time{}, false
	}
	separator, length := byte('T'), 19
	if strings.Contains(layout, " ") {
		separator = ' '
	}
	if layout == "2006-01-02 15:04" {
		length = 16
	}
	if len(rest) != length || rest[4] != '-' || rest[7] != '-' || rest[10] != separator || rest[13] != ':' ||
		(length == 19 && rest[16] != ':') {
		return time.Time{}, false
	}
	valid := true
	number := func(from, to int) (n int) {
		for _, c := range []byte(rest[from:to]) {
			valid = valid && c >= '0' && c <= '9'
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day, hour, minute = number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16)
	if length == 19 {
		second = number(17, 19)
	}
	if !valid || month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, fraction, time.UTC), true
}

// cutFraction takes ".123456" out of a text whose layout has seconds at the end, or before Z: time.Parse accepts a
// fraction there that the layout does not name.
func cutFraction(layout, text string) (rest string, nanoseconds int, ok bool) {
	i := strings.IndexByte(text, '.')
	if i < 0 {
		return text, 0, true
	}
	if !strings.Contains(layout, "05") {
		return "", 0, false
	}
	end := i + 1
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	digits := text[i+1 : end]
	if len(digits) == 0 || len(digits) > 9 || i != 19 {
		return "", 0, false
	}
	for k := range 9 {
		nanoseconds *= 10
		if k < len(digits) {
			nanoseconds += int(digits[k] - '0')
		}
	}
	return text[:i] + text[end:], nanoseconds, true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
