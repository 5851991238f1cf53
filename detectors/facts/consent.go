package facts

import "slices"

// consent is what a Consent says of somebody and of protected parts of a patient's record: R4 and R5 Consent.provision.
type consent struct {
	Period
	fact ID
	// who is a node of staff, or minus a node of departments.
	who    ID
	labels Label
	// denies: they may not see these parts, which is an exception from what else is said.
	denies bool
}

// provision is what the elements around a provision say, which it goes on with where it says nothing itself.
type provision struct {
	Period
	labels Label
	// labelled: it is said which parts it is about, else it is about all.
	labelled, denies bool
	actors           []ID // as consent.who
}

// applyConsents reads whom a patient's consent names for protected parts of the record. A consent under 42 CFR Part 2, which is one by
// its category, is to records of substance use where it names no label.
func (s *State) applyConsents(f *fact, patients []ID, holds Period) {
	d := f.doc
	all := provision{Period: holds.within(s.period(d, d.get(0, "period")))}
	if d.field(0, "status") == "inactive" && all.Until == Forever { // it held until the version that says so, at least
		all.Until = max(all.From+1, f.GetEffectiveUs())
	}
	if part2(d) {
		all.labels, all.labelled = LabelSubstance, true
	}
	var out []consent
	for i := range d.walk(0, "provision") {
		out = s.provisions(f, i, all, out)
	}
	if len(out) == 0 {
		return
	}
	if len(out)*len(patients) > maxNamed { // what denies may be beyond
		s.evicted++
		return
	}
	for _, n := range patients {
		if len(s.consents[n])+len(out) > maxNamed {
			s.evicted++
			continue
		}
		s.consents[n] = append(s.consents[n], out...)
		slices.SortStableFunc(s.consents[n], func(a, b consent) int { return int(a.fact) - int(b.fact) })
		s.isAbout(f.n, n)
		s.changes.patient(n)
	}
}

// categoryPart2 is the form of written consent of 42 CFR Part 2 (http://terminology.hl7.org/CodeSystem/consentcategorycodes).
const categoryPart2 = "42-CFR-2"

// part2 reports whether a consent has that category.
func part2(d *document) bool {
	for c := range d.walk(0, "category", "coding") {
		if d.field(c, "code") == categoryPart2 {
			return true
		}
	}
	return false
}

// within is what two periods have in common.
func (p Period) within(other Period) Period {
	return Period{max(p.From, other.From), min(p.Until, other.Until)}
}

// provisions adds what a provision and those in it say. One of R4 says itself whether it permits or denies; of R5 the outer ones say what
// Consent.decision permits, and one within another is an exception from that.
func (s *State) provisions(f *fact, i int, of provision, out []consent) []consent {
	d := f.doc
	of.Period = of.within(s.period(d, d.get(i, "period")))
	switch d.field(i, "type") {
	case "permit":
		of.denies = false
	case "deny":
		of.denies = true
	}
	labels, labelled := Label(0), false
	for l := range d.walk(i, "securityLabel") {
		labels, labelled = labels|LabelOf(d.field(l, "code")), true
	}
	switch {
	case labels == LabelRestricted: // how confidential it is says not what it is about
		of.labels, of.labelled = of.labels|labels, true
	case labelled:
		of.labels, of.labelled = labels, true
	}
	if actors, named := s.recipients(f, i); named {
		of.actors = actors
	}
	if (of.labels != 0 || of.denies && !of.labelled) && of.From < of.Until && (of.denies || d.first(i, "data") == none) {
		for _, who := range of.actors {
			if len(out) > maxNamed {
				return out
			}
			c := consent{Period: of.Period, fact: f.n, who: who, labels: of.labels, denies: of.denies}
			if of.denies && !of.labelled {
				c.labels = ^Label(0)
			}
			out = append(out, c)
		}
	}
	inner := of
	inner.denies = !of.denies
	for j := range d.walk(i, "provision") {
		out = s.provisions(f, j, inner, out)
	}
	return out
}

// recipients are the people and departments that a provision names, but for those whose data it is about: authors and custodians. named
// is false where it names nobody at all.
func (s *State) recipients(f *fact, i int) (out []ID, named bool) {
	d := f.doc
	for a := range d.walk(i, "actor") {
		role := d.concept(d.get(a, "role"))
		if role == "aut" || role == "cst" {
			continue
		}
		named = true
		t := d.target(d.get(a, "reference"), f.local)
		switch kindOfTarget(&t) {
		case isStaff, isUnknown:
			if n := s.staffNode(f, &t); n != 0 {
				out = append(out, n)
			}
		case isDepartment:
			if n := s.departmentNode(f, &t); n != 0 {
				out = append(out, -n)
			}
		case isOther:
		}
	}
	return out, named
}

// dropConsents removes what the version before said.
func (s *State) dropConsents(fact ID) {
	n := s.about[fact]
	if n == 0 || len(s.consents) == 0 {
		return
	}
	for _, m := range append([]ID{n}, s.spread[fact]...) {
		kept := s.consents[m][:0:0]
		for _, c := range s.consents[m] {
			if c.fact != fact {
				kept = append(kept, c)
			}
		}
		if len(kept) < len(s.consents[m]) {
			s.changes.patient(m)
		}
		if s.consents[m] = kept; len(kept) == 0 {
			delete(s.consents, m)
		}
	}
}

// Consented are the protected parts of a record that the patient's consents let somebody see at a time, by naming them or one of their
// departments (0 is none), but for those of which one of these consents says that they may not. A consent that is no more than a refusal is none.
func (s *State) Consented(patient, staff ID, departments [2]ID, at int64) Label {
	if patient <= 0 || patient > s.patients.size() || len(s.consents) == 0 {
		return 0
	}
	permitted, denied := Label(0), Label(0)
	for _, m := range s.patients.members(patient) {
		for _, c := range s.consents[m] {
			switch {
			case !c.Holds(at):
			case c.who > 0 && s.staff.canon[c.who] != staff:
			case c.who < 0 && !slices.Contains(departments[:], s.departments.canon[-c.who]):
			case c.denies:
				denied |= c.labels
			default:
				permitted |= c.labels
			}
		}
	}
	return permitted &^ denied
}
