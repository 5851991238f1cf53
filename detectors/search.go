package detectors

import (
	"fmt"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// longStay is the longest that is told from one event to the next: who does nothing for so long has gone away. Ours.
const longStay = 10 * time.Minute

// nameSearch (D20): searched for somebody by name, opened the record and did no work on it. At a registration desk that is the
// job, so peers decide what it weighs.
func nameSearch() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "NameSearch", Catalogue: "D20", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"searched for by name, then opened", "searched for by name, opened and soon left"},
		},
		grade: func(j *judge, p *Pair) Grade {
			first := int64(0)
			for i := range p.Accesses {
				if p.Accesses[i].Any(SignLook | SignBreakGlass) {
					first = p.Accesses[i].Occurred
					break
				}
			}
			if first == 0 || p.Signs&SignWrite != 0 {
				return Quiet
			}
			for i := p.Of.until(first); i > 0; i-- {
				a := &p.Others[i-1]
				if first-a.Occurred > j.numbers.minutes(openMinutes) {
					break
				}
				if a.Any(SignNameSearch) {
					if stayed, known := p.stayed(); known && stayed.Microseconds() <= j.numbers.minutes(stayMinutes) {
						return 2
					}
					return 1
				}
			}
			return Quiet
		},
		tell: func(t *teller, _ *Pair, g Grade) string {
			if g == 2 {
				return "The reader searched for the patient by name, opened the record right after it and left it within " +
					t.judge.numbers.inWords(stayMinutes, "minute") + ", without any work."
			}
			return "The reader searched for the patient by name and opened the record right after it, rather than coming from a work list."
		},
	}
}

// stayed is how long the record was open on the day: from a look until the reader's next event that is about something else, or that they
// signed out. It is not known when the last look is the end of the reader's day.
func (p *Pair) stayed() (stayed time.Duration, known bool) {
	if p.Of.opened == nil {
		p.Of.opened, p.Of.stillOpen = howLong(p.Of.Accesses)
	}
	return p.Of.opened[p.Patient], p.Of.stillOpen != p.Patient
}

// howLong is how long each record was open on a day, and which is at its end; 0: none is. What opens a record leaves the one before.
func howLong(all []Access) (opened map[facts.ID]time.Duration, open facts.ID) {
	opened, since := map[facts.ID]time.Duration{}, int64(0)
	for i := range all {
		a := &all[i]
		if a.Any(SignSystem) || open != 0 && a.Patient == open {
			continue
		}
		if open != 0 {
			opened[open] += min(time.Duration(a.Occurred-since)*time.Microsecond, longStay)
			open = 0
		}
		if a.Patient != 0 && a.Any(SignLook|SignBreakGlass) {
			open, since = a.Patient, a.Occurred
		}
	}
	return opened, open
}

// printed: took something of the record away.
func printed() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "Printed", Catalogue: "D13", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"printed or exported from it"},
		},
		grade: func(_ *judge, p *Pair) Grade {
			if p.Signs&(SignPrint|SignExport) != 0 {
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, _ *Pair, _ Grade) string {
			return "Pages of the record were printed or exported, so they left the system."
		},
		normal: "A request for a copy would have made it normal.",
	}
}

// onlyRead: looked at several parts of the record and did nothing on it.
func onlyRead() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "OnlyRead", Catalogue: "D20", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"read one part and did no work", "read several parts and did no work", "read many parts and did no work"},
		},
		grade: func(j *judge, p *Pair) Grade {
			switch {
			case p.Signs&SignWrite != 0:
				return Quiet
			case int64(p.Looks) >= j.numbers[manyLooks]:
				return 3
			case int64(p.Looks) >= j.numbers[severalLooks]:
				return 2
			}
			return 1
		},
		tell: func(_ *teller, p *Pair, _ Grade) string {
			return fmt.Sprintf("The reader looked %s and did no work on the record.", times(p.Looks))
		},
	}
}
