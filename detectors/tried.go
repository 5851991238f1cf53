package detectors

import (
	"fmt"
	"slices"
)

// What is said when every reason was tried in vain. Where a text has a verb, it takes how far was looked: "30 days".
const (
	noConnection = "No encounter, appointment, order, note or care team connects the reader or their department with the " +
		"patient within %s, and the department does not usually see such patients."
	// nothingButWindow: the department had or will have the patient, and that is no reason there.
	nothingButWindow = "The reader's department had or will have the patient within %s, but its people leave such records alone, " +
		"so that is no reason here. No encounter, appointment, order, note or care team names the reader."
	// noConnections is for several patients, or several readers.
	noConnections = "Encounters, appointments, orders, notes, care teams and tasks within %s were tried, and what " +
		"each department usually sees. None of them connects reader and patient where it says that no reason is known."
)

// within says how far was looked.
func (t *teller) within(text string) string {
	return fmt.Sprintf(text, t.judge.numbers.inWords(careDays, "day"))
}

// What is said of reasons that could not be tried. That nothing was found is no sign against anybody where nothing could be looked for.
const (
	noCareKnown = "What is documented of patients' care is missing here, or too old. Encounters, appointments, orders, notes and care teams " +
		"could not be tried, so whether there was such a reason is not known."
	nobodyNamed = "No encounter, appointment, order, note or care team within %s names the reader."
	noWorkplace = "It is not known in which department the reader works, so what depends on that could not be tried."
)

// tried lists the reasons that were looked for, and those that could not be.
func (t *teller) tried(n *Note, p *Pair) {
	if r, ok := p.Reasons.strongest(); ok {
		n.Tried = append(n.Tried, fmt.Sprintf("A reason is known: %s. It does not answer what is said above.", r))
		if len(n.Normal) == 0 {
			n.Normal = append(n.Normal, "A task that needs exactly this, which somebody wrote down, would have made it normal.")
		}
		return
	}
	switch {
	case p.Blind&^departmental != 0:
		n.Tried = append(n.Tried, noCareKnown)
	case p.Blind != 0:
		n.Tried = append(n.Tried, t.within(nobodyNamed), noWorkplace)
	case p.window:
		n.Tried = append(n.Tried, t.within(nothingButWindow))
	default:
		n.Tried = append(n.Tried, t.within(noConnection))
	}
	if i := p.typed(); i >= 0 {
		n.Tried = append(n.Tried, fmt.Sprintf("At %s the reader gave a reason for breaking the glass, which stands with that event. It is their own "+
			"word, and nothing that is documented bears it out.", t.clock(p.Accesses[i].Occurred)))
	}
	n.Normal = append(n.Normal, "An appointment, an order, a note or an assignment that connects them would have made it normal.")
}

// typed is the first access at which the glass was broken with a reason that says something; -1: there is none.
func (p *Pair) typed() int {
	return slices.IndexFunc(p.Accesses, func(a Access) bool { return a.Any(SignBreakGlass) && !a.Any(SignNoReason) })
}

// known says for how many of the day's records a reason is known.
func (d *ReaderDay) known() string {
	explained := d.Records - d.Unexplained - d.Blind
	switch {
	case d.Blind == d.Records:
		return "whether there was a reason cannot be assessed"
	case d.Blind > 0 && d.Unexplained == 0:
		return fmt.Sprintf("a reason is known for %s of them, and whether there is one for the others cannot be assessed", number(explained))
	case d.Blind > 0:
		return fmt.Sprintf("no reason is known for %s of them, and whether there is one for %s more cannot be assessed",
			number(d.Unexplained), number(d.Blind))
	case explained == 0:
		return "no reason is known for any of it"
	case d.Unexplained == 0:
		return "a reason is known for all of it"
	}
	return fmt.Sprintf("no reason is known for %s of them", number(d.Unexplained))
}

// triedOfDay lists the same for the records of a reader's day.
func (t *teller) triedOfDay(d *ReaderDay) (tried []string) {
	if d.Unexplained > 0 {
		tried = append(tried, t.within(noConnections))
		if slices.ContainsFunc(d.Pairs, func(p Pair) bool { return p.Looks > 0 && p.Reasons == 0 && p.window }) {
			tried = append(tried, "Where the reader's department had or will have the patient, its people leave such records alone.")
		}
	}
	switch {
	case d.Unexplained == 0 && d.Blind == 0:
		tried = append(tried, "For each of the records a reason is known. They do not answer what is said above.")
	case d.Blind > 0 && !t.judge.coverage.care:
		tried = append(tried, noCareKnown)
	case d.Blind > 0:
		tried = append(tried, noWorkplace)
	}
	return tried
}

// triedOf are the reasons that were tried for several records. What holds for all that are told is said once; else it is said of which
// record it holds.
func triedOf(notes []*Note) (tried []string) {
	told := notes[:min(len(notes), mostTold)]
	for _, one := range told {
		for _, s := range one.Tried {
			if slices.ContainsFunc(told, func(other *Note) bool { return !slices.Contains(other.Tried, s) }) {
				s = one.record + ": " + s
			}
			tried = added(tried, []string{s})
		}
	}
	return tried
}

// added are sentences with those of others that are not among them.
func added(to, sentences []string) []string {
	for _, s := range sentences {
		if !slices.Contains(to, s) {
			to = append(to, s)
		}
	}
	return to
}

// looked are the times of the pair's first and last look; where there was none, of its first and last access.
func (p *Pair) looked() (first, last int64) {
	for i := range p.Accesses {
		if !p.Accesses[i].Any(SignLook) {
			continue
		}
		if first == 0 {
			first = p.Accesses[i].Occurred
		}
		last = p.Accesses[i].Occurred
	}
	if first == 0 {
		return p.First(), p.Last()
	}
	return first, last
}
