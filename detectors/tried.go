package detectors

import (
	"fmt"
	"slices"
	"strings"
)

// What is said when every reason was tried in vain. Texts take the documents that there are ("encounter, order or note"), and how far was
// looked: "30 days".
const (
	noConnection = "No %s connects the reader or their department with the patient within %s, and the department does not usually see " +
		"such patients."
	// nothingButWindow: the department, or somebody of it, had or will have the patient, and that is no reason there.
	nothingButWindow = "The reader's department, or somebody of it, had or will have to do with the patient within %[2]s, but its people leave such " +
		"records alone, so that is no reason here. No %[1]s names the reader."
	// noConnections is for several patients, or several readers.
	noConnections = "%s within %s were tried, and what each department usually sees. None of them connects reader and patient where it " +
		"says that no reason is known."
	nobodyNamed = "No %s within %s names the reader."
	// noKnown is noConnection where a look names an order: not each order is kept, and the one that is named may be such.
	noKnown = "No %s that is known connects the reader or their department with the patient within %s, and the department does not usually see " +
		"such patients."
	// namedInVain: not each look names an order; or one is not known, another patient's, of another time, or called off.
	namedInVain = "An order is named for it. It would be a reason if each look named one, and the first that each names were known to be for this " +
		"patient and to hold then."
	// onlyOrders takes what is near, the department, and how long before and after it an order is a reason.
	onlyOrders = "Within %s nothing but %s connects %s with the patient: such an order is a reason from %s before until %s after it. The department " +
		"does not usually see such patients."
)

// What is said of patients who were cared for before; see lastCares.
const (
	formerPatients = "Care that was over more than %s before names the reader or their department for %s of the patients without a known reason, %s."
	formerReaders  = "Care of the patient that was over more than %s before names %s of these readers or their departments, %s."
)

// What is said of reasons that could not be tried. That nothing was found is no sign against anybody where nothing could be looked for.
const (
	noCareKnown = "What is documented of patients' care is missing here, or too old. %s could not be tried, so whether there was such a " +
		"reason is not known."
	// someMissing is of kinds of documents where there are others.
	someMissing = "%s are missing here, or too old, and could not be tried."
	noWorkplace = "It is not known in which department the reader works, so what depends on that could not be tried."
)

// documentNouns are the documents of each kind of care, one and all of them.
var documentNouns = [...]struct {
	kind     Needs
	one, all string
}{
	{NeedsEncounters, "encounter", "encounters"},
	{NeedsAppointments, "appointment", "appointments"},
	{NeedsOrders, "order", "orders"},
	{NeedsCharting, "note", "notes"},
	{NeedsTeams, "care team", "care teams"},
}

// documents are the kinds of documents of care that there are, or, of what is missing, are not: one of them, and all of them.
func documents(of Needs) (one, all []string) {
	for _, n := range documentNouns {
		if of&n.kind != 0 {
			one, all = append(one, n.one), append(all, n.all)
		}
	}
	return one, all
}

// within says of one document what was tried, and how far was looked.
func (t *teller) within(text string) string {
	one, _ := documents(t.judge.coverage.have)
	return fmt.Sprintf(text, enumerated(one, "or"), t.judge.numbers.inWords(careDays, "day"))
}

// amongMany says what was tried for several patients or readers, and what could not be.
func (t *teller) amongMany() []string {
	_, all := documents(t.judge.coverage.have)
	if !t.judge.coverage.lacks(NeedsTickets) {
		all = append(all, "tasks")
	}
	tried := fmt.Sprintf(noConnections, capital(enumerated(all, "and")), t.judge.numbers.inWords(careDays, "day"))
	return append([]string{tried}, t.untried()...)
}

// untried says which kinds of documents could not be tried; nothing where all could.
func (t *teller) untried() []string {
	_, all := documents(t.judge.coverage.missing())
	switch len(all) {
	case 0:
		return nil
	case len(documentNouns):
		return []string{fmt.Sprintf(noCareKnown, capital(enumerated(all, "and")))}
	}
	return []string{fmt.Sprintf(someMissing, capital(enumerated(all, "and")))}
}

// enumerated are words in a row: "encounter, order or note".
func enumerated(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

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
	case p.Blind != 0:
		n.Tried = append(n.Tried, t.within(nobodyNamed), noWorkplace)
	case p.window:
		n.Tried = append(n.Tried, t.within(nothingButWindow))
	default:
		if orders := t.staleOrders(p); orders != "" {
			n.Tried = append(n.Tried, t.within(nobodyNamed), orders)
			break
		}
		text := noConnection
		if p.namesOrder() {
			text = noKnown
		}
		n.Tried = append(n.Tried, t.within(text))
	}
	n.Tried = append(append(n.Tried, t.lastCare(p)...), t.untried()...)
	if p.namesOrder() && !t.judge.coverage.lacks(NeedsOrders) {
		n.Tried = append(n.Tried, namedInVain)
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
		tried = append(tried, t.amongMany()...)
		if slices.ContainsFunc(d.Pairs, func(p Pair) bool { return p.Looks > 0 && p.Reasons == 0 && p.window }) {
			tried = append(tried, "Where the reader's department, or somebody of it, had or will have to do with the patient, its people leave such "+
				"records alone.")
		}
		var alone []*Pair
		for k := range d.Pairs {
			if p := &d.Pairs[k]; p.Looks > 0 && p.Reasons == 0 && p.Blind == 0 {
				alone = append(alone, p)
			}
		}
		tried = append(tried, t.lastCares(formerPatients, alone)...)
	}
	switch {
	case d.Unexplained == 0 && d.Blind == 0:
		tried = append(tried, "For each of the records a reason is known. They do not answer what is said above.")
	case d.Blind > 0 && t.judge.coverage.lacks(NeedsCare):
		tried = append(tried, t.untried()...)
	case d.Blind > 0:
		tried = append(tried, noWorkplace)
	}
	return tried
}

// triedOf are the reasons that were tried for several records, or several readers. What holds for all that are told is said once; else it is said of
// which of them it holds, where the sentence does not name it.
func triedOf(notes []*Note, which func(*Note) string) (tried []string) {
	told := notes[:min(len(notes), mostTold)]
	for _, one := range told {
		for _, s := range one.Tried {
			whose := which(one)
			named := whose == one.record && strings.Contains(s, whose)
			if !named && slices.ContainsFunc(told, func(other *Note) bool { return !slices.Contains(other.Tried, s) }) {
				s = whose + ": " + s
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
