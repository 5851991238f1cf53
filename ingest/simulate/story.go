package simulate

import (
	"fmt"
	"time"
)

// story is the planted one: a clerk of a clinic who keeps opening the record of someone they used to live with.
type story struct {
	reader  int32
	patient int32
	days    []int
}

// Identifier names somebody: the system that assigned the value, and the value.
type Identifier struct{ System, Value string }

// Story is what a demonstration shows: who looked, at whose record, and which events say so.
type Story struct {
	// Reader is the staff number of who looked, and Patient the record number of whom.
	Reader, Patient         Identifier
	ReaderName, PatientName string
	Department              string
	// EventIDs are the AuditEvent ids of the looks at the record, in order of time; the searches that led there are in
	// labels.csv as well.
	EventIDs    []string
	First, Last time.Time
	// Text tells it in two or three sentences.
	Text string
}

const storyDays = 6

// plant picks the two. The patient is in care in the last two weeks, in departments that are not the reader's, and the
// reader's clinic has not seen them for weeks before and after.
func (h *Hospital) plant() *story {
	d := h.roll(forStory, 0, 0)
	for try := range 20_000 {
		dept := h.byUnit[clinic][d.n(len(h.byUnit[clinic]))]
		desk := h.departments[dept].staff[clerk]
		if len(desk) == 0 {
			continue
		}
		reader := desk[d.n(len(desk))]
		day := h.cfg.Days - 9 - d.n(6)
		e, ok := h.episode(day, d.n(h.begins(day)))
		if !ok || !h.fits(reader, &e, try) {
			continue
		}
		s := &story{reader: reader, patient: e.patient}
		for first := max(0, day+1); len(s.days) < storyDays; first++ {
			left := h.cfg.Days - first
			if left <= 0 {
				break
			}
			if need := storyDays - len(s.days); left <= need || d.n(left) < need {
				s.days = append(s.days, first)
			}
		}
		return s
	}
	return nil
}

func (h *Hospital) fits(reader int32, e *episode, try int) bool {
	m := &h.staff[reader]
	a, b := &h.persons[m.person], &h.persons[h.patients[e.patient].person]
	settled := m.hired < -400 && m.left == never && a.household != b.household && a.surname != b.surname && b.staff < 0
	ages := h.age(b, 0) >= 24 && absolute(h.age(a, 0)-h.age(b, 0)) <= 9 && a.female != b.female
	grave := e.kind == psychiatricCare || e.kind == emergencyAdmission || try > 10_000
	before, known := h.lastVisit(e.patient)
	if !settled || !ages || !grave || h.patients[e.patient].vip || known && before.department == m.department || h.staffKin(e.patient) == reader {
		return false
	}
	for day := e.day - 2*horizon; day <= e.day+horizon; day++ {
		for i := range h.begins(day) {
			o, ok := h.episode(day, i)
			if !ok || o.patient != e.patient {
				continue
			}
			for k := range o.n {
				s := &o.stages[k]
				if s.department == m.department || s.booked && h.referral(&o, s) == m.department {
					return false
				}
			}
		}
	}
	return true
}

// tell adds the story's accesses of the day.
func (p *plan) tell() {
	s := p.h.story
	if s == nil {
		return
	}
	for n, day := range s.days {
		if day != p.day {
			continue
		}
		p.dice = p.h.roll(forStory, uint64(n)+1, 0)
		p.incidents = append(p.incidents, incident{ScenarioExPartner, fmt.Sprintf("story-%d", n+1)})
		p.tellDay(s, n)
	}
}

func (p *plan) tellDay(s *story, n int) {
	d := &p.dice
	m := &p.h.staff[s.reader]
	t := p.in(21*60+40, 23*60+10)
	duty, ok := p.h.shift(s.reader, p.day)
	late := n%3 == 1 || !ok
	if late {
		p.add(access{at: t - minute, staff: s.reader, department: m.department, patient: -1, kind: logIn, remote: true})
	} else {
		t = duty.start + hour + int64(d.n(int(duty.end-duty.start-2*hour)))
	}
	l, _ := p.look(t, s.reader, m.department, s.patient, 0)
	l.client, l.remote, l.incident = false, late, int32(len(p.incidents))
	l.search()
	l.do(openChart, 0)
	for k := range d.between(1, 3) {
		l.do(readNote, object(kept(s.patient), k))
	}
	if d.chance(500) {
		l.do(readResults, object(kept(s.patient), 0))
	}
	if n == len(s.days)/2 {
		l.do(printNote, object(kept(s.patient), 0))
	}
}

// Story returns the planted story; the zero Story when there is none.
func (h *Hospital) Story() Story {
	s := h.story
	if s == nil {
		return Story{}
	}
	reader, patient := &h.persons[h.staff[s.reader].person], &h.persons[h.patients[s.patient].person]
	out := Story{
		Reader:     Identifier{StaffSystem, string(h.appendStaffNumber(nil, s.reader))},
		Patient:    Identifier{MRNSystem, string(h.appendMRN(nil, s.patient))},
		ReaderName: reader.name(), PatientName: patient.name(),
		Department: h.departments[h.staff[s.reader].department].name,
	}
	late, printed := 0, 0
	for _, day := range s.days {
		p := &plan{h: h, day: day, from: h.at(day, 0), to: h.at(day+1, 0)}
		p.tell()
		evening := false
		for i := range p.accesses {
			a := &p.accesses[i]
			if a.patient != s.patient {
				continue
			}
			at := time.UnixMilli(a.at).In(h.cfg.Zone)
			if out.First.IsZero() {
				out.First = at
			}
			out.Last, evening = at, evening || at.Hour() >= 21
			if a.kind == printNote {
				printed++
			}
			out.EventIDs = append(out.EventIDs, string(h.appendEventID(nil, day, 0, a)))
		}
		if evening {
			late++
		}
	}
	when := "on " + out.First.Format("2 January 2006")
	if len(s.days) > 1 {
		when = fmt.Sprintf("on %d days between %s and %s", len(s.days), out.First.Format("2 January"), out.Last.Format("2 January 2006"))
	}
	out.Text = fmt.Sprintf("%s, a clerk in the %s, opened the record of %s (MRN %s) %s: %s, %s after nine in the evening, and %s "+
		"printed. %s has had no appointment, order or encounter in the %s; until a year before they lived at the same address.",
		out.ReaderName, out.Department, out.PatientName, out.Patient.Value, when, plural(int64(len(out.EventIDs)), "access", "accesses"),
		evenings(late, len(s.days)), plural(int64(printed), "document", "documents"), out.PatientName, out.Department)
	return out
}

// evenings says on how many of the days somebody was at it in the evening.
func evenings(n, days int) string {
	switch {
	case n == 0:
		return "none"
	case days == 1:
		return "some"
	}
	return "on " + plural(int64(n), "day", "days")
}
