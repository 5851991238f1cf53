package detectors

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// lastCare (D23) is care of a patient that was over before a look, the latest that is documented: that which names the reader, else their
// department as such. It is no reason, but who looks at the record of a former patient is another one than who looks at a stranger's.
type lastCare struct {
	facts.Care
	// named: it names the reader.
	named bool
	// day is the last one of it that is stated; open: its end is not, and day is the first one.
	day  day
	open bool
}

// lastCareOf looks for what was over by a time in what is documented when the note is written; nil: there is none. Care whose resource does not state
// when it was, or does not say that it took place, is none that could be told.
func (t *teller) lastCareOf(p *Pair, by int64) (last *lastCare) {
	j := t.judge
	j.care = j.state.AppendCareNear(j.care[:0], p.Patient, facts.Period{From: math.MinInt64, Until: by})
	for i := range j.care {
		c := &j.care[i]
		if c.Period.Until > by || c.Kind == facts.CareGeneral || c.Type == j.consent || c.Doubt&facts.DoubtHappened != 0 || p.Post.Vendor && j.isTaskFor(c) {
			continue
		}
		one := lastCare{Care: *c, named: c.Staff != 0 && c.Staff == p.Reader}
		if !one.named && !j.ofDepartment(p, c) || !one.stated(t.zone) {
			continue
		}
		if last == nil || one.after(last) {
			last = &one
		}
	}
	return last
}

// ofDepartment reports whether care names one of the reader's departments as such, and not somebody of it. Orders that are near are told with the
// reasons that were tried; see staleOrders.
func (j *judge) ofDepartment(p *Pair, c *facts.Care) bool {
	near := c.Kind == facts.CarePerformer && c.Period.Until >= p.First()-j.numbers.days(careDays)
	return c.Staff == 0 && c.Kind != facts.CareOther && j.isOwn(p, c.Department) && !near
}

// isOwn reports whether a department is where the reader works at the time, or is on duty, and not the hospital as such; see unit.
func (j *judge) isOwn(p *Pair, department facts.ID) bool {
	return department != 0 && (department == p.Post.Department || department == p.Post.DutyDepartment) && !j.whole(department)
}

// lasts reports whether it is a stretch of care, and no document of one.
func (l *lastCare) lasts() bool {
	return l.Kind == facts.CareAttending || l.Kind == facts.CareTeam || l.Kind == facts.CareUnit
}

// stated finds the day that may be told; false: there is none.
func (l *lastCare) stated(zone *time.Location) bool {
	l.day = localDay(l.Period.Until-1, zone)
	switch {
	case l.Doubt&facts.DoubtEnd == 0:
		return l.lasts() || l.Doubt == 0
	case l.lasts() && l.Doubt&facts.DoubtBegin == 0:
		l.day, l.open = localDay(l.Period.From, zone), true
		return true
	}
	return false
}

// after reports whether it is to be told rather than another one.
func (l *lastCare) after(other *lastCare) bool {
	switch {
	case l.named != other.named:
		return l.named
	case l.day != other.day:
		return l.day > other.day
	case l.lasts() != other.lasts():
		return l.lasts()
	}
	return l.Kind < other.Kind
}

// lastCare says when a patient whose record was opened without a reason was last cared for by the reader, or else by their department; nothing where
// that is not documented. It names the record: notes of several are joined.
func (t *teller) lastCare(p *Pair) []string {
	last := t.lastCareOf(p, p.First())
	if last == nil {
		return nil
	}
	said := t.subject(p, last) + t.did(last) + t.record(p.Patient) + " " + t.when(last)
	if first := p.History.first(); p.History.aloneDays() > 1 && last.day < first {
		said += fmt.Sprintf(", %s the first of %s on which the reader opened that record without a known reason",
			longBefore(last.day, first), count(p.History.aloneDays(), "day"))
	} else {
		said += ", " + t.longBefore(p, last)
	}
	if last.open {
		said += "; on which day that ended is not stated"
	}
	return []string{said + "."}
}

// subject is whom the care names.
func (t *teller) subject(p *Pair, last *lastCare) string {
	if last.named {
		return "The reader"
	}
	return capital(t.department(p, last.Department))
}

// did says what somebody whom care names did, up to the patient.
func (t *teller) did(last *lastCare) string {
	_, typ := t.judge.state.Source(last.Resource)
	switch {
	case typ == "EpisodeOfCare":
		return " is named by an episode of care of "
	case last.Kind == facts.CareUnit:
		return " cared for "
	case last.named && last.Kind == facts.CareAttending:
		return " took part in an encounter of "
	case last.named && last.Kind == facts.CareTeam:
		return " was in the care team of "
	case last.named && last.Kind == facts.CareAppointment:
		return " had an appointment with "
	}
	return " is named by " + documentNoun(last.Kind, typ)
}

// documentNoun is what documents care, up to the patient.
func documentNoun(kind facts.CareKind, typ string) string {
	switch kind {
	case facts.CareAttending:
		return "an encounter of "
	case facts.CareTeam:
		return "a care team of "
	case facts.CareRequester, facts.CarePerformer:
		if typ == "Task" {
			return "a task for "
		}
		return "an order for "
	case facts.CareAuthor:
		return "what was charted on "
	case facts.CareAppointment:
		return "an appointment of "
	}
	return "a document of "
}

// when says of the stated days which they are: "until 12 March 2026".
func (t *teller) when(last *lastCare) string {
	from, date := localDay(last.Period.From, t.zone), t.dateOf(last.day)
	switch {
	case last.open:
		return "from " + date
	case from == last.day && last.Doubt == 0:
		return "on " + date
	case last.lasts():
		return "until " + date
	}
	return "between " + t.dateOf(from) + " and " + date
}

// lastCares says of several pairs without a reason how many of them care connects that was over before the window of reasons. The text takes the window,
// how many, and when that was.
func (t *teller) lastCares(text string, pairs []*Pair) []string {
	n, one, when := 0, lastCare{}, ""
	for _, p := range pairs {
		if last := t.lastCareOf(p, p.First()-t.judge.numbers.days(careDays)-1); last != nil {
			if n++; n == 1 || last.after(&one) {
				one, when = *last, t.when(last)+", "+t.longBefore(p, last)
			}
		}
	}
	if n == 0 {
		return nil
	}
	if n > 1 {
		when = "in one case " + when
	}
	return []string{fmt.Sprintf(text, t.judge.numbers.inWords(careDays, "day"), number(n), when)}
}

// staleOrders says which orders to the reader's department are near a look and no reason, because they are one for fewer days than other care; nothing
// where there are none.
func (t *teller) staleOrders(p *Pair) string {
	j, at := t.judge, p.First()
	window := j.numbers.days(careDays)
	j.care = j.state.AppendCareNear(j.care[:0], p.Patient, facts.Period{From: at - window, Until: at + window})
	var nearest lastCare
	var orders []facts.ID
	for i := range j.care {
		c := &j.care[i]
		if c.Kind != facts.CarePerformer || !j.isOwn(p, c.Department) || p.Post.Vendor && j.isTaskFor(c) {
			continue
		}
		if len(orders) == 0 || distance(c.Period, at) < distance(nearest.Period, at) {
			nearest.Care = *c
		}
		if !slices.Contains(orders, c.Resource) {
			orders = append(orders, c.Resource)
		}
	}
	if len(orders) == 0 {
		return ""
	}
	_, typ := j.state.Source(nearest.Resource)
	which, when := documentNoun(nearest.Kind, typ)+t.record(p.Patient), ""
	if nearest.stated(t.zone) {
		when = t.when(&nearest)
	}
	switch n := len(orders); {
	case n > 1 && when != "":
		which = count(n, "order") + " for " + t.record(p.Patient) + ", the nearest " + when + ","
	case n > 1:
		which = count(n, "order") + " for " + t.record(p.Patient)
	case when != "":
		which += " " + when
	}
	return fmt.Sprintf(onlyOrders, j.numbers.inWords(careDays, "day"), which, t.department(p, nearest.Department), j.numbers.inWords(unitDays, "day"),
		j.numbers.inWords(orderDays, "day"))
}

// longBefore says how long before a look care was over, by days. What just missed the window of reasons was so long before, and more.
func (t *teller) longBefore(p *Pair, last *lastCare) string {
	days, said := t.judge.numbers[careDays], longBefore(last.day, p.Day)
	if int64(p.Day-last.day) == days && p.First()-last.Period.Until > t.judge.numbers.days(careDays) {
		return "more than " + said
	}
	return said
}

// longBefore says how long before a day another one is: in days, from two months on in months, from two years on in years.
func longBefore(d, today day) string {
	from, until := time.Unix(int64(d)*86_400, 0).UTC(), time.Unix(int64(today)*86_400, 0).UTC()
	months := 12*(until.Year()-from.Year()) + int(until.Month()-from.Month())
	if until.Day() < from.Day() {
		months--
	}
	switch {
	case d == today:
		return "on the same day"
	case months >= 24:
		return count(months/12, "year") + " before"
	case months >= 2:
		return count(months, "month") + " before"
	}
	return count(int(today-d), "day") + " before"
}
