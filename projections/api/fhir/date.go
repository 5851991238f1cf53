package fhir

import (
	"strings"
	"time"

	"github.com/readtrail/readtrail/projections/api"
)

// dateLayouts are what a date may be written as, with how far each reaches. What names an hour names the minute too (R4
// section 3.1.1.4.4).
var dateLayouts = []struct {
	layout string
	until  func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05", nil},
	{"2006-01-02T15:04:05Z07:00", nil},
}

// parseDate reads a date with its prefix as the stretch of instants that it asks for. A value names all of its last unit: a
// day, a minute, a second, a millisecond. Without an offset it is told in the site's zone. What it refuses it explains.
func parseDate(text string, zone *time.Location) (api.Span, string) {
	prefix := ""
	if len(text) > 2 && text[0] >= 'a' && text[0] <= 'z' {
		prefix, text = text[:2], text[2:]
	}
	from, until, ok := dateRange(text, zone)
	if !ok {
		return api.Span{}, "write it as FHIR does: 2026-03-01, 2026-03-01T08:00:00Z"
	}
	lower, upper := from.UnixMicro(), until.UnixMicro()
	if lower <= 0 || upper <= 0 {
		return api.Span{}, "a year from 1971 on"
	}
	switch prefix {
	case "", "eq":
		return api.Span{From: lower, Until: upper}, ""
	case "gt", "sa":
		return api.Span{From: upper}, ""
	case "ge":
		return api.Span{From: lower}, ""
	case "lt", "eb":
		return api.Span{Until: lower}, ""
	case "le":
		return api.Span{Until: upper}, ""
	}
	return api.Span{}, "of prefixes, eq, gt, ge, lt, le, sa and eb are supported"
}

// dateRange is the stretch that a date names.
func dateRange(text string, zone *time.Location) (from, until time.Time, ok bool) {
	// A plus that a client did not encode arrives as a blank.
	if at := len(text) - len(" 01:00"); at > 0 && text[at] == ' ' {
		text = text[:at] + "+" + text[at+1:]
	}
	for _, form := range dateLayouts {
		at, err := time.ParseInLocation(form.layout, text, zone)
		if err != nil {
			continue
		}
		if form.until != nil {
			return at, form.until(at), true
		}
		return at, at.Add(unitOf(text)), true
	}
	return from, until, false
}

// unitOf is how long the last unit of a time with seconds is: a second, or a decimal of one; microseconds at the least, for
// events are told apart no finer.
func unitOf(text string) time.Duration {
	unit := time.Second
	dot := strings.IndexByte(text, '.')
	if dot < 0 {
		return unit
	}
	for i := dot + 1; i < len(text) && text[i]-'0' <= 9 && unit > time.Microsecond; i++ {
		unit /= 10
	}
	return unit
}

// meet is what two stretches have in common; ok is false when that is nothing.
func meet(a, b api.Span) (api.Span, bool) {
	out := api.Span{From: max(a.From, b.From), Until: a.Until}
	if out.Until == 0 || b.Until != 0 && b.Until < out.Until {
		out.Until = b.Until
	}
	return out, out.Until == 0 || out.From < out.Until
}
