package detectors

import (
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// day is the number of a local day: days since 1970-01-01 in the site's zone.
type day = int32

// Pair is a reader and a record on one local day: the unit in which people think about snooping, and the one in which
// relational detectors grade.
type Pair struct {
	Reader, Patient facts.ID
	Day             day
	// Accesses are the pair's, by time; Others all of the reader's that day, by time.
	Accesses, Others []Access
	// Signs are those of all accesses; looks how many were looks, objects how many kinds of object were opened.
	Signs  Sign
	Looks  int
	Kinds  int
	Labels facts.Label

	Staff   *facts.Staff
	Record  *facts.Patient
	Kin     facts.Kinship
	Post    post
	History pairHistory
	// Reasons are the explanations that hold; Tried those that were looked for in vain, Blind those whose context is missing.
	Reasons, Tried, Blind reasons
	// document says that the strongest of the reasons holds.
	document document
	// share is how usual it is, in ten thousandths, that the reader's department opens such records.
	share int32
	// window: their department had or will have the patient within the window, whether or not that is a reason here.
	window bool
	// seated: at a workstation of a department that has the patient now.
	seated bool
	// inCare: somebody has or had the patient within the window; kind is the first department or, negative, diagnosis that says so.
	inCare bool
	kind   facts.ID
	// near is what is documented of the patient's care near the first access.
	near careSet
	// Base is what is usual for the reader.
	Base *baseline
	// Of is the day of the reader that the pair is part of.
	Of *ReaderDay

	// counted: the pair was counted at an earlier closing of its day.
	counted bool

	grades grades
	// Weight is how much more likely the pair's grades are in misuse than in everyday work; scenario is the kind that fits best.
	Weight   Weight
	scenario int
}

// First and Last are the times of the pair's first and last access.
func (p *Pair) First() int64 { return p.Accesses[0].Occurred }

// Last is the time of the pair's last access.
func (p *Pair) Last() int64 { return p.Accesses[len(p.Accesses)-1].Occurred }

// Explained reports whether a documented or learned reason accounts for the pair.
func (p *Pair) Explained() bool { return p.Reasons != 0 }

func (p *Pair) situation() situation {
	at := situation{p.Of.group(), tieNone}
	switch {
	case p.Reasons&personal != 0:
		at.tie = tieNamed
	case p.Explained():
		at.tie = tieDepartment
	}
	return at
}

// post is where somebody works, as far as it is known at a time.
type post struct {
	// Department and Role as employment says, else as the event said.
	Department, Role facts.ID
	// Employed: 1 employed at the time, -1 not (any more, or not yet), 0 not known.
	Employed int8
	// OnDuty: 1 on the roster at the time, -1 not although a roster covers it, 0 not known. ByHours: no roster says so, but the usual hours
	// of their work.
	OnDuty  int8
	ByHours bool
	// DutyDepartment is where the roster puts them.
	DutyDepartment facts.ID
	Vendor         bool
}

// at is the department that somebody works in on the day; 0: none is known.
func (p *post) at() facts.ID {
	if p.DutyDepartment != 0 {
		return p.DutyDepartment
	}
	return p.Department
}

// postAt finds where a reader works at the time of an access.
func (j *judge) postAt(staff *facts.Staff, a *Access) post {
	s := j.state
	p := post{Department: a.Department, Role: a.Role}
	if r, ok := s.RoleAt(a.Reader, a.Occurred); ok {
		p.Employed, p.Vendor = 1, r.Vendor
		if r.Department != 0 {
			p.Department = r.Department
		}
		if r.Code != 0 {
			p.Role = r.Code
		}
	} else if len(staff.Roles) > 0 {
		p.Employed = -1
		last := staff.Roles[len(staff.Roles)-1]
		p.Vendor = last.Vendor
		if p.Department == 0 {
			p.Department = last.Department
		}
		if p.Role == 0 {
			p.Role = last.Code
		}
	}
	if d, ok := s.DutyAt(a.Reader, a.Occurred, time.Duration(j.numbers[dutyMinutes])*time.Minute); ok {
		p.OnDuty, p.DutyDepartment = 1, d.Department
	} else if len(staff.Duties) > 0 && s.RosterCovers(a.Occurred) {
		p.OnDuty = -1
	} else if s.StatesHours(a.Reader, a.Occurred) {
		p.OnDuty, p.ByHours = -1, true
	}
	return p
}
