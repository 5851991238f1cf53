package detectors

import "math/bits"

// afterHours (D10): at an hour at which the reader never works, and off the roster where there is one.
func afterHours() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "AfterHours", Catalogue: "D10", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"at an hour unusual for them", "off duty", "off duty, at an hour unusual for them"},
		},
		grade: func(j *judge, p *Pair) Grade {
			g := Grade(0)
			if j.known(p.Base) && j.unusualHour(p) {
				g |= 1
			}
			if p.Post.OnDuty < 0 {
				g |= 2
			}
			return g
		},
		tell: func(_ *teller, p *Pair, g Grade) string {
			off := "By the roster"
			if p.Post.ByHours {
				off = "By the hours that are stated for their work"
			}
			return [...]string{
				"It was at an hour at which this reader hardly ever works.", off + " the reader was off duty.",
				off + " the reader was off duty, and it was at an hour at which they hardly ever work.",
			}[g-1]
		},
	}
}

// unusualHour reports whether the pair's first access is at an hour at which the reader hardly ever works: on any day, or on days like
// this one, where it is known on which days they work. Shifts rotate over the week, so that Saturday and Sunday are asked together, and the
// other five; two weeks of work of which no day was at a weekend say that it is none of theirs.
func (j *judge) unusualHour(p *Pair) bool {
	b, hour := p.Base, j.calendar.hourOfWeek(p.First())
	rare := func(times int, of day) bool { return times <= max(int(int64(of)/j.numbers[oneDayIn])-1, 0) }
	if rare(b.near(hour)-j.ownHours(p), b.days) {
		return true
	}
	return int64(b.days) >= j.numbers[weekDays] && rare(j.daysLike(p, hour/24), b.days)
}

// daysLike is on how many other days of the same kind the reader was active, as far as the hours tell: of each weekday the hour at which
// they were active most often.
func (j *judge) daysLike(p *Pair, weekday int) int {
	days := 0
	for other := range 7 {
		if atWeekend(other) != atWeekend(weekday) {
			continue
		}
		most := 0
		for hour, n := range p.Base.hours[other*24 : other*24+24] {
			if other == weekday && p.Base.last >= p.Day && p.Of.hours>>hour&1 != 0 {
				n = max(n, 1) - 1 // in a study the day is among the days
			}
			most = max(most, int(n))
		}
		days += most
	}
	return days
}

func atWeekend(weekday int) bool { return weekday == 0 || weekday == 6 }

// known reports whether a reader was seen on enough days for what is usual for them to mean something.
func (j *judge) known(b *baseline) bool { return int64(b.days) >= j.numbers[knownDays] }

// ownHours is how many hours of the pair's own day near its first access are counted in the baseline: in a study the day is among
// the days, and without this a reader of less than twenty days would never be unusual.
func (j *judge) ownHours(p *Pair) int {
	if p.Base.last < p.Day {
		return 0
	}
	hour := j.calendar.hourOfWeek(p.First()) % 24
	near := uint32(1)<<((hour+23)%24) | 1<<hour | 1<<((hour+1)%24)
	return bits.OnesCount32(p.Of.hours & near)
}

// near is how often the reader was active within an hour of an hour of the clock, on any day of the week.
func (b *baseline) near(hour int) int {
	n := 0
	for weekday := range 7 {
		for d := -1; d <= 1; d++ {
			h := weekday*24 + (hour%24+d+24)%24
			n += int(b.hours[h])
		}
	}
	return n
}
