package detectors

import "math/bits"

// afterHours (D10): at an hour at which the reader never works, and off the roster where there is one.
func afterHours() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "AfterHours", Catalogue: "D10", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"at an hour unusual for them", "off duty by the roster", "off duty, at an hour unusual for them"},
		},
		grade: func(j *judge, p *Pair) Grade {
			g := Grade(0)
			hour := j.calendar.hourOfWeek(p.First())
			if j.known(p.Base) && p.Base.near(hour)-j.ownHours(p) <= max(int(int64(p.Base.days)/j.numbers[oneDayIn])-1, 0) {
				g |= 1
			}
			if p.Post.OnDuty < 0 {
				g |= 2
			}
			return g
		},
		tell: func(_ *teller, _ *Pair, g Grade) string {
			return [...]string{
				"It was at an hour at which this reader hardly ever works.", "By the roster the reader was off duty.",
				"By the roster the reader was off duty, and it was at an hour at which they hardly ever work.",
			}[g-1]
		},
	}
}

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

// near is how often the reader was active within an hour of an hour of any day of the week: shifts rotate over the week, not over
// the clock, except that the same hour of the same weekday is asked first.
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
