package detectors

import (
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	// habitDays is how many days before are asked for whether somebody badges. Ours.
	habitDays = 14
	// habitOf of habitIn such days must have a stay: who comes in by side doors and behind others as a rule, of them the badges tell
	// nothing. Ours.
	habitOf, habitIn = 3, 4
)

// Grades of BadgedOut and AccountBadgedOut. A whole day without the badge is often a badge that was left at home or a door that was held
// open, so it says less than an absence between two stays.
const (
	outAllDay Grade = 1 + iota
	outThen
)

// badgedOut (D17): at work at a workstation in the house while its owner was not in the building, by the door badges.
func badgedOut() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "BadgedOut", Catalogue: "D17", Key: KeyPair, Peers: PeersGroup, Needs: NeedsBadges,
			Words: []string{"badged out all that day", "badged out"},
		},
		grade: func(j *judge, p *Pair) Grade {
			g, _ := j.badgedOut(p)
			return g
		},
		tell: func(t *teller, p *Pair, g Grade) string {
			_, a := t.judge.badgedOut(p)
			return "By the door badges the reader " + t.outside(p.Of, a.Occurred, g) + ". The workstation is one of " +
				t.judge.state.DepartmentName(t.judge.homeOf(a.Workstation)) + "."
		},
		normal: "A badge at the door before it would have made it normal.",
	}
}

// accountBadgedOut (D17): the same of an account on a whole day. Who uses an account together with its owner, or instead of them, uses it
// when the owner is out as well.
func accountBadgedOut() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "AccountBadgedOut", Catalogue: "D17", Key: KeyReader, Peers: PeersGroup, Needs: NeedsBadges,
			Words: []string{"badged out all that day", "badged out"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			worst := Quiet
			for k := range d.Pairs {
				if p := &d.Pairs[k]; p.Looks > 0 {
					g, _ := j.badgedOut(p)
					worst = max(worst, g)
				}
			}
			return worst
		},
		tell: func(t *teller, d *ReaderDay, _ Grade) string {
			n := 0
			for k := range d.Pairs {
				if g, _ := t.judge.badgedOut(&d.Pairs[k]); g != Quiet && d.Pairs[k].Looks > 0 {
					n++
				}
			}
			return "By the door badges the owner of the account was not in the building while it opened " + count(n, "record") +
				" at workstations in the house."
		},
		normal: "Work from outside the house would have made it normal.",
	}
}

// badgedOut finds the first access of a pair at a workstation in the house at which its owner was not there by the badges.
func (j *judge) badgedOut(p *Pair) (Grade, *Access) {
	for i := range p.Accesses {
		a := &p.Accesses[i]
		if j.placeOf(a) == 0 || j.inside(p.Of, a.Occurred) || j.state.PresentAt(p.Reader, a.Occurred, time.Duration(j.numbers[badgeMinutes])*time.Minute) != facts.Absent {
			continue
		}
		if !j.badges(p.Of) {
			return Quiet, nil
		}
		if slices.ContainsFunc(j.stays(p.Of), func(s facts.Stay) bool { return j.touches(s, p.Day) }) {
			return outThen, a
		}
		return outAllDay, a
	}
	return Quiet, nil
}

// stays are the reader's stays near the day. They are read once a day: nearly all accesses are within one.
func (j *judge) stays(d *ReaderDay) []facts.Stay {
	if !d.staysRead {
		near := facts.Period{From: d.Accesses[0].Occurred - dayMicros, Until: d.Accesses[len(d.Accesses)-1].Occurred + dayMicros}
		d.stays, d.staysRead = j.state.AppendStays(d.stays, d.Reader, near), true
	}
	return d.stays
}

func (j *judge) inside(d *ReaderDay, at int64) bool {
	return slices.ContainsFunc(j.stays(d), func(s facts.Stay) bool { return s.From <= at && at <= s.Until })
}

// touches reports whether some of a stay is on a local day.
func (j *judge) touches(s facts.Stay, d day) bool {
	return j.calendar.day(s.From) <= d && d <= j.calendar.day(s.Until)
}

// badges reports whether the reader badges as a rule on days on which they work at workstations in the house. In a study the days after
// count as well, as they do for everything that is usual.
func (j *judge) badges(d *ReaderDay) bool {
	first := d.Accesses[0].Occurred
	near := facts.Period{From: first - (habitDays+1)*dayMicros, Until: first + (habitDays+2)*dayMicros}
	stays := j.state.AppendStays(nil, d.Reader, near)
	seated, badged := 0, 0
	for of := d.Day - habitDays; of <= d.Day+habitDays; of++ {
		if of == d.Day || !d.Base.seatedOn(of) {
			continue
		}
		seated++
		if slices.ContainsFunc(stays, func(s facts.Stay) bool { return j.touches(s, of) }) {
			badged++
		}
	}
	return int64(seated) >= j.numbers[badgeDays] && badged*habitIn >= seated*habitOf
}

// seated reports whether the reader was at a workstation in the house.
func (j *judge) seated(d *ReaderDay) bool {
	return slices.ContainsFunc(d.Accesses, func(a Access) bool { return j.placeOf(&a) != 0 })
}

// outside says where the reader was at a time, as the badges have it.
func (t *teller) outside(d *ReaderDay, at int64, g Grade) string {
	if g == outAllDay {
		return "was not in the building on that day"
	}
	var left, back int64
	for _, s := range t.judge.stays(d) {
		switch {
		case !t.judge.touches(s, d.Day):
		case s.Until < at && s.Until > left && !s.Open:
			left = s.Until
		case s.From > at && (back == 0 || s.From < back):
			back = s.From
		}
	}
	switch {
	case left != 0 && back != 0:
		return "was out of the building between " + t.clock(left) + " and " + t.clock(back)
	case left != 0:
		return "had left the building at " + t.clock(left)
	case back != 0:
		return "came into the building only at " + t.clock(back)
	}
	return "was not in the building at " + t.clock(at)
}
