package detectors

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Reason is one kind of explanation: a documented or learned relation that accounts for an access. It is evidence, not a
// judgement that the access was proper.
type Reason uint8

// Reasons, the strongest first. Set E of the catalogue: Fabbri and LeFevre (PVLDB 2011, JAMIA 2012), Epic's break-the-glass
// exemptions as Salem Health publishes them.
const (
	ReasonPatient     Reason = iota // the patient reads their own record, or somebody who acts for them
	ReasonSystem                    // no human looked
	ReasonAttending                 // takes part in an encounter of the patient
	ReasonTeam                      // stands in the care team
	ReasonOrdered                   // requested or performs an order
	ReasonCharted                   // wrote a note, a result, a medication given
	ReasonAppointment               // has an appointment with the patient
	ReasonGeneral                   // is the patient's general practitioner
	ReasonWrote                     // worked on the record: created or changed something around the access
	ReasonTicket                    // a vendor with a task at the time
	ReasonUnit                      // the reader's department has the patient now
	ReasonRouted                    // an order is routed to the reader's department
	ReasonUnitWindow                // the reader's department had or will have the patient within the window
	ReasonResearch                  // a study that the patient consented to
	ReasonWorksWith                 // learned: the department serves those who care for the patient
	ReasonResponsible               // learned: the department is responsible for the diagnosis
	ReasonRequested                 // each look names an order for the patient
	reasonCount
)

// String is what people read.
func (r Reason) String() string {
	return [...]string{
		"the patient themself", "a system, no person", "takes part in an encounter", "in the care team", "ordered or performed",
		"charted", "has an appointment", "general practitioner", "worked on the record", "vendor's task",
		"the department has the patient",
		"an order is routed to the department", "the department had or will have the patient", "research with consent",
		"the department works with those who care", "the department is responsible for the diagnosis", "the request that it names",
	}[r]
}

// Reasons are all kinds of explanations, the strongest first.
func Reasons() []Reason {
	out := make([]Reason, reasonCount)
	for i := range out {
		out[i] = Reason(i)
	}
	return out
}

// reasonNeeds names the context without which a reason abstains. What is documented of a department can be any document of care, and
// the reader's department has to be known, which events say as well. Where a reason needs nothing, the events say it.
var reasonNeeds = [reasonCount]Needs{
	ReasonAttending:   NeedsEncounters,
	ReasonTeam:        NeedsTeams,
	ReasonOrdered:     NeedsOrders,
	ReasonCharted:     NeedsCharting,
	ReasonAppointment: NeedsAppointments,
	ReasonGeneral:     NeedsPatients,
	ReasonTicket:      NeedsTickets,
	ReasonUnit:        NeedsCare,
	ReasonRouted:      NeedsOrders,
	ReasonUnitWindow:  NeedsCare,
	ReasonResearch:    NeedsConsents,
	ReasonWorksWith:   NeedsCare,
	ReasonResponsible: NeedsCare,
	ReasonRequested:   NeedsOrders,
}

// Needs is the context without which it abstains.
func (r Reason) Needs() Needs { return reasonNeeds[r] }

// abstaining are the reasons that cannot be tried with what there is.
func abstaining(have Needs) (out reasons) {
	for r, needed := range reasonNeeds {
		if needed&^have != 0 {
			out.add(Reason(r))
		}
	}
	return out
}

// reasons is a set of reasons.
type reasons uint32

func (r reasons) has(one Reason) bool { return r&(1<<one) != 0 }

func (r *reasons) add(one Reason) { *r |= 1 << one }

// strongest is the first reason of the set; false when there is none.
func (r reasons) strongest() (Reason, bool) {
	if r == 0 {
		return 0, false
	}
	return Reason(bits.TrailingZeros32(uint32(r))), true
}

// Bonds are how close the documented relation of a reader to a record is: the grade that everything else is weighed
// against.
const (
	bondUnknown  = iota // not assessable: no context about care, or about the reader's department
	bondPersonal        // the reader by name
	bondUnit            // the reader's department, now
	bondWindow          // the reader's department, within the window
	bondStrong          // learned, usual
	bondWeak            // learned, happens; or seated at a workstation of those who have the patient
	bondNone            // nothing at all
	bondCount
)

// careSet is what is documented about a patient's care near a time.
type careSet struct {
	departments []phased // who has or had the patient within the window
	reasons     []phased // diagnoses
}

// during reports whether a department has the patient now.
func (c *careSet) during(department facts.ID) bool {
	for _, d := range c.departments {
		if d.id == department && d.phase == phaseDuring {
			return true
		}
	}
	return false
}

// phased is a department or a diagnosis, and how the time relates to it: coders come after a stay, the pharmacy during it.
type phased struct {
	id    facts.ID
	phase phase
}

// phase of care, the closest first.
type phase int32

const (
	phaseDuring phase = iota // from a day before to a day after
	phaseAfter               // up to a week after
	phaseLong                // up to the window after
	phaseBefore              // before
	phaseCount
)

func phaseOf(p facts.Period, at int64) phase {
	const daily = 24 * 3600 * 1_000_000
	switch {
	case at < p.From-daily:
		return phaseBefore
	case p.Until == facts.Forever || at <= p.Until+daily:
		return phaseDuring
	case at <= p.Until+7*daily:
		return phaseAfter
	}
	return phaseLong
}

// explain tries every explanation of a pair.
func (j *judge) explain(p *Pair) {
	first := &p.Accesses[0]
	const inPortal = SignPatient | SignLook | SignPrint | SignListed | SignWrite | SignExport | SignRefused
	if p.Signs&SignPatient != 0 && p.Signs&^inPortal == 0 {
		p.because(ReasonPatient, document{})
	}
	if p.Signs&SignSystem != 0 && p.Looks == 0 {
		p.because(ReasonSystem, document{})
	}
	window := j.numbers.days(careDays)
	j.care = j.state.AppendCareNear(j.care[:0], p.Patient, facts.Period{From: first.Occurred - window, Until: first.Occurred + window})
	j.fromCare(p, j.care, first.Occurred)
	p.near = j.near()
	if d, ok := j.worked(p); ok {
		p.because(ReasonWrote, d)
	}
	if d, ok := j.withinTasks(p); ok {
		p.because(ReasonTicket, d)
	}
	if d, ok := j.requested(p); ok {
		p.because(ReasonRequested, d)
	}
	p.bond(j)
	if j.coverage.lacks(NeedsCare) {
		p.Blind |= documented
	}
	if p.Post.Department == 0 {
		p.Blind |= departmental
	}
	p.Tried = allReasons &^ p.Reasons &^ p.Blind &^ j.coverage.abstaining
}

// withinTasks reports whether a vendor had a task at the time of each of the pair's accesses, and returns that of the first.
func (j *judge) withinTasks(p *Pair) (first document, within bool) {
	if !p.Post.Vendor {
		return first, false
	}
	for i := range p.Accesses {
		d, ok := j.taskAt(p, p.Accesses[i].Occurred)
		if !ok {
			return first, false
		}
		if i == 0 {
			first = d
		}
	}
	return first, true
}

// taskAt is the task that accounts for an access at a time: a ticket about the patient, or about none in particular, or a Task for the patient,
// which is documented with their care.
func (j *judge) taskAt(p *Pair, at int64) (document, bool) {
	for i := range p.Staff.Tickets {
		if t := &p.Staff.Tickets[i]; j.counts(p, t, at) && (t.Patient == 0 || j.state.Canonical(t.Patient) == p.Patient) {
			return document{period: t.Period, resource: t.Resource}, true
		}
	}
	for i := range j.care {
		if c := &j.care[i]; j.isTaskFor(c) && c.Period.Holds(at) && (c.Staff == p.Reader || c.Department != 0 && c.Department == p.Post.Department) {
			return documentOf(c), true
		}
	}
	return document{}, false
}

// isTaskFor tells a Task for a patient, which holds from when it was written until its end: of a vendor it is a ticket, and no order.
func (j *judge) isTaskFor(c *facts.Care) bool {
	return c.Kind == facts.CarePerformer && c.Type == j.taskType
}

// counts reports whether a ticket is one at a time, whomever it is about.
func (j *judge) counts(p *Pair, t *facts.Ticket, at int64) bool {
	return t.Holds(at) && (j.isTask(*t) || !slices.ContainsFunc(p.Staff.Tickets, j.isTask))
}

// isTask tells a task from a contract: who has both needs a task.
func (j *judge) isTask(t facts.Ticket) bool { return t.Until-t.From <= j.numbers.days(contractDays) }

const (
	allReasons   = reasons(1<<reasonCount - 1)
	departmental = reasons(1<<ReasonUnit | 1<<ReasonRouted | 1<<ReasonUnitWindow | 1<<ReasonWorksWith | 1<<ReasonResponsible)
	documented   = departmental | reasons(1<<ReasonAttending|1<<ReasonTeam|1<<ReasonOrdered|1<<ReasonCharted|1<<ReasonAppointment|1<<ReasonRequested)
	// personal are those that name the reader.
	personal = reasons(1<<ReasonPatient | 1<<ReasonSystem | 1<<ReasonAttending | 1<<ReasonTeam | 1<<ReasonOrdered | 1<<ReasonCharted |
		1<<ReasonAppointment | 1<<ReasonGeneral | 1<<ReasonWrote | 1<<ReasonTicket)
)

// fromCare tries what context says of the patient's care near the time, and collects the departments and diagnoses for what is learned.
func (j *judge) fromCare(p *Pair, care []facts.Care, at int64) {
	j.set.departments, j.set.reasons = j.set.departments[:0], j.set.reasons[:0]
	for i := range care {
		c := &care[i]
		if c.Kind == facts.CareGeneral {
			if c.Staff != 0 && c.Staff == p.Reader {
				p.because(ReasonGeneral, documentOf(c))
			}
			if c.Department != 0 && c.Department == p.Post.Department {
				p.because(ReasonUnitWindow, documentOf(c))
			}
			continue
		}
		if c.Type == j.consent {
			if j.toResearch(c) && (p.Signs&SignResearch != 0 || j.researcher(p.Post.Role)) {
				p.because(ReasonResearch, documentOf(c))
			}
			continue // a consent is no care
		}
		if p.Post.Vendor && j.isTaskFor(c) && (c.Staff == p.Reader || c.Staff != 0 && j.home(c.Staff, at) == p.Post.Department ||
			c.Department != 0 && c.Department == p.Post.Department) {
			continue // nor is what a vendor, or their firm, has to do
		}
		if c.Staff != 0 && c.Staff == p.Reader {
			p.because(personalReason(c.Kind), documentOf(c))
		}
		if c.Department != 0 && !j.whole(c.Department) {
			j.unit(p, c, at)
			j.set.departments = with(j.set.departments, c.Department, phaseOf(c.Period, at))
		} else if c.Staff != 0 {
			if d := j.home(c.Staff, at); d != 0 {
				if d == p.Post.Department && c.Kind != facts.CareRequester && !j.whole(d) {
					j.unitWindow(p, c, d, phaseOf(c.Period, at))
				}
				j.set.departments = with(j.set.departments, d, phaseOf(c.Period, at))
			}
		}
		if c.Reason != 0 {
			j.set.reasons = with(j.set.reasons, c.Reason, phaseDuring) // a diagnosis does not pass with the visit that wrote it down
		}
		p.inCare = true
	}
	switch {
	case len(j.set.reasons) > 0:
		p.kind = -j.set.reasons[0].id
	case len(j.set.departments) > 0:
		p.kind = j.set.departments[0].id
	}
}

// near keeps what is documented near a pair, in memory that the pairs of a day share.
func (j *judge) near() careSet {
	if cap(j.kept)-len(j.kept) < len(j.set.departments)+len(j.set.reasons) {
		j.kept = make([]phased, 0, 4096+len(j.set.departments)+len(j.set.reasons))
	}
	put := func(of []phased) []phased {
		from := len(j.kept)
		j.kept = append(j.kept, of...)
		return j.kept[from:len(j.kept):len(j.kept)]
	}
	return careSet{put(j.set.departments), put(j.set.reasons)}
}

// toResearch reports whether a consent is to research, or does not say to what.
func (j *judge) toResearch(consent *facts.Care) bool {
	return consent.Reason == 0 || purposeSign(j.state.Text(consent.Reason)) == SignResearch
}

// researcher reports whether a role is that of research.
func (j *judge) researcher(role facts.ID) bool {
	return role != 0 && strings.Contains(j.state.Text(role), "research")
}

// whole reports whether a department is the hospital as such, which says nothing about who cares.
func (j *judge) whole(department facts.ID) bool {
	for int(department) >= len(j.wholes) {
		j.wholes = append(j.wholes, notAsked)
	}
	if j.wholes[department] == notAsked {
		j.wholes[department] = answerNo
		if j.state.WholeDepartment(department) {
			j.wholes[department] = answerYes
		}
	}
	return j.wholes[department] == answerYes
}

// unit says what it means that a department has the patient.
func (j *judge) unit(p *Pair, c *facts.Care, at int64) {
	if c.Department != p.Post.Department && (p.Post.DutyDepartment == 0 || c.Department != p.Post.DutyDepartment) {
		return
	}
	near := j.numbers.days(unitDays)
	switch now := at >= c.Period.From-near && (c.Period.Until == facts.Forever || at <= c.Period.Until+near); {
	case c.Kind == facts.CarePerformer:
		if at >= c.Period.From-near && (c.Period.Until == facts.Forever || at <= c.Period.Until+j.numbers.days(orderDays)) {
			p.because(ReasonRouted, documentOf(c))
		}
	case now:
		p.because(ReasonUnit, documentOf(c))
	default:
		j.unitWindow(p, c, c.Department, phaseOf(c.Period, at))
	}
}

// unitWindow says what it means that a department had or will have the patient within the window: a reason, unless it is known of the
// department that its people leave such records alone. Where they all but never look back, the one who does is not at work.
func (j *judge) unitWindow(p *Pair, c *facts.Care, department facts.ID, at phase) {
	p.window = true
	if !j.tables.leavesAlone(phased{department, at}) {
		p.because(ReasonUnitWindow, documentOf(c))
	}
}

// byWindow reports whether nothing but the window of their department accounts for the pair, if that does.
func (p *Pair) byWindow() bool {
	return p.window && p.Reasons&^(1<<ReasonUnitWindow|1<<ReasonWorksWith|1<<ReasonResponsible) == 0 && p.Signs&SignWrite == 0
}

func personalReason(k facts.CareKind) Reason {
	switch k {
	case facts.CareTeam:
		return ReasonTeam
	case facts.CareRequester, facts.CarePerformer:
		return ReasonOrdered
	case facts.CareAuthor:
		return ReasonCharted
	case facts.CareAppointment:
		return ReasonAppointment
	}
	return ReasonAttending
}

// with adds a number to a set of a handful, or brings it closer.
func with(set []phased, id facts.ID, at phase) []phased {
	for i := range set {
		if set[i].id == id {
			set[i].phase = min(set[i].phase, at)
			return set
		}
	}
	return append(set, phased{id, at})
}

// home is the department in which somebody works at a time.
func (j *judge) home(staff facts.ID, at int64) facts.ID {
	return j.state.DepartmentAt(staff, at)
}

// bond grades how close the relation is.
func (p *Pair) bond(j *judge) {
	if p.Reasons != 0 || p.Post.Department == 0 {
		return
	}
	usual, diagnosis := j.tables.serves(p.Post.Department, &j.set)
	if learned := p.Signs&SignExport == 0; learned { // a habit of looking does not account for taking a copy out of the house
		if usual.share >= usualShare {
			j.learned(p, ReasonWorksWith, usual.phased)
		}
		if diagnosis.share >= usualShare {
			j.learned(p, ReasonResponsible, diagnosis.phased)
		}
	}
	p.share = max(usual.share, diagnosis.share)
	// Who sits at a workstation of the department that has the patient may well work there for a while (Salem Health exempts them
	// from breaking the glass). Not a reason, but a bond.
	home := j.homeOf(p.Accesses[0].Workstation)
	p.seated = home != 0 && j.set.during(home)
}

// Bond is the grade of the relation. An order that the looks name is none: it may name neither the reader nor their department.
func (p *Pair) Bond() int {
	relations := p.Reasons &^ (1 << ReasonRequested)
	switch {
	case relations&personal != 0:
		return bondPersonal
	case relations.has(ReasonUnit) || relations.has(ReasonRouted):
		return bondUnit
	case relations.has(ReasonUnitWindow) || relations.has(ReasonResearch), relations == 0 && p.window:
		return bondWindow
	case relations != 0:
		return bondStrong
	case p.Blind != 0:
		return bondUnknown
	case p.share >= rareShare, p.seated:
		return bondWeak
	}
	return bondNone
}
