package facts

import "time"

// instant reads a FHIR date, dateTime or instant as the stretch of time that it names: "2026-03" is the whole of March in the
// zone, a full instant is one microsecond.
func instant(text string, zone *time.Location) (Period, bool) {
	s := scanner{text: text}
	year, ok := s.digits(4)
	if !ok || year == 0 {
		return Period{}, false
	}
	if s.done() {
		return dates(year, 1, 1, year+1, 1, 1, zone), true
	}
	month, ok := s.after('-', 2)
	if !ok || month < 1 || month > 12 {
		return Period{}, false
	}
	if s.done() {
		return dates(year, month, 1, year, month+1, 1, zone), true
	}
	day, ok := s.after('-', 2)
	if !ok || day < 1 || day > daysIn(year, month) {
		return Period{}, false
	}
	if s.done() {
		return dates(year, month, day, year, month, day+1, zone), true
	}
	return s.clock(year, month, day, zone)
}

// clock reads the time of day and the offset.
func (s *scanner) clock(year, month, day int, zone *time.Location) (Period, bool) {
	if s.text[s.pos] != 'T' && s.text[s.pos] != ' ' {
		return Period{}, false
	}
	s.pos++
	hour, ok1 := s.digits(2)
	minute, ok2 := s.after(':', 2)
	if !ok1 || !ok2 || hour > 24 || minute > 59 {
		return Period{}, false
	}
	second, micro := 0, 0
	if !s.done() && s.text[s.pos] == ':' {
		var ok bool
		if second, ok = s.after(':', 2); !ok || second > 60 {
			return Period{}, false
		}
		if micro, ok = s.fraction(); !ok {
			return Period{}, false
		}
	}
	at := civil(year, month, day)*86400 + int64(hour*3600+minute*60+second)
	switch offset, stated, ok := s.offset(); {
	case !ok:
		return Period{}, false
	case stated:
		at -= int64(offset)
	default:
		at = time.Date(year, time.Month(month), day, hour, minute, second, 0, zone).Unix()
	}
	at = at*1e6 + int64(micro)
	return Period{at, at + 1}, true
}

type scanner struct {
	text string
	pos  int
}

func (s *scanner) done() bool { return s.pos >= len(s.text) }

func (s *scanner) digits(n int) (int, bool) {
	if s.pos+n > len(s.text) {
		return 0, false
	}
	out := 0
	for range n {
		c := s.text[s.pos] - '0'
		if c > 9 {
			return 0, false
		}
		out = out*10 + int(c)
		s.pos++
	}
	return out, true
}

func (s *scanner) after(sign byte, n int) (int, bool) {
	if s.done() || s.text[s.pos] != sign {
		return 0, false
	}
	s.pos++
	return s.digits(n)
}

// fraction reads what stands behind the seconds, as microseconds; finer digits are cut off.
func (s *scanner) fraction() (int, bool) {
	if s.done() || s.text[s.pos] != '.' {
		return 0, true
	}
	s.pos++
	out, n := 0, 0
	for ; !s.done() && s.text[s.pos]-'0' <= 9; s.pos++ {
		if n < 6 {
			out = out*10 + int(s.text[s.pos]-'0')
		}
		n++
	}
	for i := n; i < 6; i++ {
		out *= 10
	}
	return out, n > 0
}

// offset reads "Z", "+02:00" or nothing.
func (s *scanner) offset() (seconds int, stated, ok bool) {
	if s.done() {
		return 0, false, true
	}
	sign := s.text[s.pos]
	s.pos++
	if sign == 'Z' {
		return 0, true, s.done()
	}
	if sign != '+' && sign != '-' {
		return 0, false, false
	}
	hours, ok1 := s.digits(2)
	if !s.done() && s.text[s.pos] == ':' {
		s.pos++
	}
	minutes, ok2 := s.digits(2)
	if !ok1 || !ok2 || hours > 14 || minutes > 59 || !s.done() {
		return 0, false, false
	}
	seconds = hours*3600 + minutes*60
	if sign == '-' {
		seconds = -seconds
	}
	return seconds, true, true
}

func dates(y1, m1, d1, y2, m2, d2 int, zone *time.Location) Period {
	return Period{
		time.Date(y1, time.Month(m1), d1, 0, 0, 0, 0, zone).UnixMicro(),
		time.Date(y2, time.Month(m2), d2, 0, 0, 0, 0, zone).UnixMicro(),
	}
}

// civil is the number of days from 1970-01-01 to a date of the Gregorian calendar.
func civil(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	ofEra := year - era*400
	ofYear := (153*(month-3)+2)/5 + day - 1
	return int64(era)*146097 + int64(ofEra*365+ofEra/4-ofEra/100+ofYear) - 719468
}

func daysIn(year, month int) int {
	return int(civil(year+month/12, month%12+1, 1) - civil(year, month, 1))
}

// dayOf reads a birth date as days since 1970; NoDay for a partial one: a year in common says nothing.
func dayOf(text string) int32 {
	s := scanner{text: text}
	year, ok1 := s.digits(4)
	month, ok2 := s.after('-', 2)
	day, ok3 := s.after('-', 2)
	if !ok1 || !ok2 || !ok3 || year == 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return NoDay
	}
	return int32(civil(year, month, day))
}
