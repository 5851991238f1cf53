package fhir

import (
	"time"
)

// stamp is a time as a source wrote it.
type stamp struct {
	at time.Time
	// partial: a date, a month or a year without a time of day; at is its beginning.
	partial bool
	// zoneless: no offset was stated and the source's zone was taken.
	zoneless bool
}

// parseInstant reads FHIR's instant and dateTime (R4 section 2.24.0.1) and what real senders make of them: offsets
// with and without colon, one to nine digits of fraction (cut to microseconds by the caller), a blank for the T, no
// seconds, no zone (then zone is the source's), a date, month or year alone. ok is false for everything else.
func parseInstant(s string, zone *time.Location) (out stamp, ok bool) {
	year, s, ok := digits(s, 4)
	if !ok || year == 0 {
		return out, false
	}
	month, day := 1, 1
	if s != "" {
		if month, s, ok = after(s, '-', 2); !ok || month < 1 || month > 12 {
			return out, false
		}
	} else {
		out.partial = true
	}
	if s != "" {
		if day, s, ok = after(s, '-', 2); !ok || day < 1 || day > daysIn(year, month) {
			return out, false
		}
	} else {
		out.partial = true
	}
	if s == "" {
		out.partial, out.zoneless = true, true
		out.at = time.Date(year, time.Month(month), day, 0, 0, 0, 0, zone)
		return out, true
	}
	hour, minute, second, nanos, rest, ok := parseClock(s)
	if !ok {
		return out, false
	}
	if zone, out.zoneless, ok = parseZone(rest, zone); !ok {
		return out, false
	}
	out.at = time.Date(year, time.Month(month), day, hour, minute, second, nanos, zone)
	return out, true
}

// parseClock reads "T09:49:00.123" up to the zone. A leap second counts as the next second.
func parseClock(s string) (hour, minute, second, nanos int, rest string, ok bool) {
	if s[0] != 'T' && s[0] != 't' && s[0] != ' ' {
		return 0, 0, 0, 0, "", false
	}
	if hour, s, ok = digits(s[1:], 2); !ok || hour > 23 {
		return 0, 0, 0, 0, "", false
	}
	if minute, s, ok = after(s, ':', 2); !ok || minute > 59 {
		return 0, 0, 0, 0, "", false
	}
	if s != "" && s[0] == ':' {
		if second, s, ok = digits(s[1:], 2); !ok || second > 60 {
			return 0, 0, 0, 0, "", false
		}
	}
	if s != "" && (s[0] == '.' || s[0] == ',') {
		i, scale := 1, 100_000_000
		for ; i < len(s) && s[i]-'0' <= 9; i++ {
			nanos += int(s[i]-'0') * scale
			scale /= 10
		}
		if i == 1 {
			return 0, 0, 0, 0, "", false
		}
		s = s[i:]
	}
	return hour, minute, second, nanos, s, true
}

// parseZone reads "Z", "+01:00", "+0100", "+01" or nothing.
func parseZone(s string, zone *time.Location) (_ *time.Location, zoneless, ok bool) {
	switch {
	case s == "":
		return zone, true, true
	case s == "Z" || s == "z" || s == "+00:00" || s == "-00:00":
		return time.UTC, false, true
	case s[0] != '+' && s[0] != '-':
		return nil, false, false
	}
	hours, rest, ok := digits(s[1:], 2)
	minutes := 0
	if ok && rest != "" {
		if rest[0] == ':' {
			rest = rest[1:]
		}
		minutes, rest, ok = digits(rest, 2)
	}
	if !ok || rest != "" || hours > 18 || minutes > 59 {
		return nil, false, false
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), false, true
}

// digits reads exactly n digits.
func digits(s string, n int) (value int, rest string, ok bool) {
	if len(s) < n {
		return 0, "", false
	}
	for i := range n {
		c := s[i] - '0'
		if c > 9 {
			return 0, "", false
		}
		value = value*10 + int(c)
	}
	return value, s[n:], true
}

// after reads a separator and exactly n digits.
func after(s string, separator byte, n int) (value int, rest string, ok bool) {
	if s == "" || s[0] != separator {
		return 0, "", false
	}
	return digits(s[1:], n)
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
