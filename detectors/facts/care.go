package facts

import "strings"

func (s *State) applyCare(f *fact, typ string) {
	s.dropTickets(f.n)
	s.dropConsents(f.n)
	s.dropCare(f.n)
	if f.GetDeleted() || ignored[typ] {
		return
	}
	d := f.doc
	shape, listed := careShapes[typ]
	if !listed {
		shape = fallback
	}
	if d.field(0, "status") == "entered-in-error" || d.concept(d.get(0, "verificationStatus")) == "entered-in-error" {
		return
	}
	if typ == "Consent" && d.refused() {
		return
	}
	patients := s.subjects(f, typ)
	switch typ {
	case "Task":
		if len(patients) > 0 { // it stands with their care
			break
		}
		fallthrough
	case "Ticket", "VendorTicket", "Contract":
		s.applyTicket(f, s.ticketPatients(f, patients))
		return
	}
	if len(patients) == 0 {
		return
	}
	base := row{from: 0, until: Forever, reason: s.reason(f, typ)}
	base.from, base.until, base.doubt = s.careTime(f, &shape)
	if leavesOpen(d.field(0, "status")) {
		base.doubt |= DoubtHappened
	}
	switch {
	case typ == "Encounter":
		base.class = s.textPlain(s.encounterClass(d))
	case IsOrder(typ) && d.isGiven() && base.doubt&(DoubtBegin|DoubtEnd) == 0:
		base.class = s.textPlain("order")
	}
	for _, n := range patients {
		s.addActors(f, n, &shape, base)
	}
	if typ == "Consent" {
		s.applyConsents(f, patients, Period{base.from, base.until})
	}
}

// refused reports whether a Consent permits nothing: it was not given, or it says no (R4 provision and policy, R5 decision).
func (d *document) refused() bool {
	switch d.field(0, "status") {
	case "rejected", "draft", "proposed", "not-done":
		return true
	}
	rule := d.concept(d.get(0, "policyRule"))
	return d.field(d.first(0, "provision"), "type") == "deny" || d.field(0, "decision") == "deny" || rule == "optout" || rule == "opt-out"
}

// subjects are the nodes of the patients that a resource is about.
func (s *State) subjects(f *fact, typ string) []ID {
	d := f.doc
	var out []ID
	add := func(i int, must bool) {
		t := d.target(i, f.local)
		if t.typ != "" && t.typ != "Patient" || must && t.typ == "" {
			return
		}
		if n := s.patientNode(f, &t); n != 0 {
			out = insertID(out, n)
		}
	}
	for _, member := range [...]string{"subject", "patient", "for"} {
		for i := range d.walk(0, member) {
			add(i, false)
		}
	}
	if typ == "Appointment" {
		for i := range d.walk(0, "participant", "actor") {
			add(i, true)
		}
	}
	return out
}

// careTime is the time of a resource as stated: a period, or the moment or moments that it names. What lasts and has no end
// goes on, unless its status says that it is over; then it held until the version that says so, at least.
func (s *State) careTime(f *fact, shape *careShape) (from, until int64, doubt Doubt) {
	d := f.doc
	from, until, doubt = Forever, 0, DoubtBegin|DoubtEnd
	ends := false // an end is stated
	for _, element := range shape.times {
		i := d.get(0, element)
		var p Period
		var of Doubt
		switch d.kindOf(i) {
		case kindString:
			at, ok := instant(d.string(i), s.cfg.Zone)
			if !ok {
				continue
			}
			if p = at; element == "end" {
				p.Until, ends = endOf(at), true
			}
			if !toTheDay(d.string(i)) {
				of = DoubtBegin | DoubtEnd
			}
		case kindObject:
			if p = s.period(d, i); p == (Period{0, Forever}) {
				continue
			}
			of = d.doubtOf(i)
			if p.Until == Forever {
				p.Until = p.From + 1
				if of&DoubtBegin != 0 { // which is the end as well
					of |= DoubtEnd
				}
			} else {
				ends = true
			}
		default:
			continue
		}
		if element == "requestedPeriod" || element == "onsetDateTime" { // of neither is it said that somebody cared then
			of = DoubtBegin | DoubtEnd
		}
		if p.From < from {
			from, doubt = p.From, doubt&^DoubtBegin|of&DoubtBegin
		}
		if p.Until > until {
			until, doubt = p.Until, doubt&^DoubtEnd|of&DoubtEnd
		}
	}
	effective := max(f.GetEffectiveUs(), 0)
	over := isOver(d.field(0, "status"))
	lasting := shape.lasting || shape.untilDone && d.isGiven() && !over
	goesOn := lasting && !ends && !over
	switch {
	case from == Forever && effective == 0: // no time is stated
		return 0, Forever, doubt
	case from == Forever:
		from, until = effective, effective+1
	case lasting && !ends:
		until, doubt = max(until, effective), doubt|DoubtEnd // at least until this version said so
	}
	if goesOn {
		return from, Forever, doubt &^ DoubtEnd
	}
	if until < from {
		doubt |= DoubtBegin | DoubtEnd
	}
	return from, max(until, from+1), doubt
}

// toTheDay reports whether a date or time is no year or month alone.
func toTheDay(text string) bool { return len(text) >= len("2006-01-02") }

// doubtOf is what a Period does not state to the day, of an end only where there is one.
func (d *document) doubtOf(period int) (doubt Doubt) {
	if !toTheDay(d.field(period, "start")) {
		doubt |= DoubtBegin
	}
	if end := d.field(period, "end"); end != "" && !toTheDay(end) {
		doubt |= DoubtEnd
	}
	return doubt
}

func isOver(status string) bool {
	switch status {
	case "finished", "completed", "discharged", "cancelled", "canceled", "inactive", "revoked", "stopped", "rejected", "ended",
		"discontinued", "failed", "noshow", "fulfilled":
		return true
	}
	return false
}

// leavesOpen reports whether the status of a resource, or of somebody or of a place in it, does not say that what it tells of took place.
func leavesOpen(status string) bool {
	switch status {
	case "cancelled", "canceled", "noshow", "revoked", "rejected", "failed", "not-done", "planned", "proposed", "draft", "pending", "waitlist",
		"requested", "received", "preparation", "declined", "tentative", "needs-action", "reserved", "unknown":
		return true
	}
	return false
}

// isGiven reports whether an order says that somebody is, or was, to carry it out: it is neither a draft nor called off (status), no mere plan or
// proposal (intent), and nothing that is not to be done (doNotPerform).
func (d *document) isGiven() bool {
	switch d.field(0, "status") {
	case "active", "on-hold", "completed", "ended", "stopped",
		"requested", "received", "accepted", "ready", "in-progress", "failed": // of a Task
	default:
		return false
	}
	switch d.field(0, "intent") {
	case "order", "original-order", "reflex-order", "filler-order", "instance-order":
		return d.scalar(d.get(0, "doNotPerform")) != "true"
	}
	return false
}

func (s *State) encounterClass(d *document) string {
	for c := range d.walk(0, "class") {
		if code := d.concept(c); code != "" {
			return code
		}
	}
	return ""
}

// reason is the first diagnosis or reason code: a text, or minus a Condition.
func (s *State) reason(f *fact, typ string) ID {
	d := f.doc
	if typ == "Condition" {
		return s.diagnosis(d, d.get(0, "code"))
	}
	for _, path := range [...][]string{{"reasonCode"}, {"reason"}, {"reason", "value"}, {"reason", "use"}, {"diagnosis", "condition"}} {
		for i := range d.walk(0, path...) {
			if d.kindOf(i) != kindObject || d.get(i, "reference") != none && d.get(i, "concept") == none {
				continue
			}
			if len(path) == 1 && (d.get(i, "value") != none || d.get(i, "use") != none) {
				continue // R5 Encounter.reason is a backbone element
			}
			if code := s.diagnosis(d, i); code != 0 {
				return code
			}
		}
	}
	for _, path := range [...][]string{
		{"diagnosis", "condition"}, {"reasonReference"}, {"reason"}, {"reason", "value"}, {"problem"},
	} {
		for i := range d.walk(0, path...) {
			t := d.target(i, f.local)
			if strings.HasPrefix(t.value, "Condition/") && t.system == f.local {
				return -s.factNumber(f.GetSource(), "Condition", t.value[len("Condition/"):])
			}
		}
	}
	if typ == "Consent" {
		if i := d.first(0, "provision", "purpose"); i != none {
			return s.concept(d, i)
		}
		if part2(d) { // to disclosure, which is no study
			return s.textPlain(fold(categoryPart2, "._-"))
		}
	}
	return 0
}

// diagnosis is the code of a diagnosis, an ICD-10 code cut to its category. ICD codes come first where there are several.
func (s *State) diagnosis(d *document, i int) ID {
	first := ""
	if inner := d.get(i, "concept"); inner != none {
		i = inner
	}
	for c := range d.walk(i, "coding") {
		code := d.scalar(d.get(c, "code"))
		if strings.Contains(strings.ToLower(d.field(c, "system")), "icd-10") {
			code, _, _ = strings.Cut(code, ".")
			if len(code) > 3 {
				code = code[:3]
			}
			return s.textPlain(fold(code, "._-"))
		}
		if first == "" {
			first = code
		}
	}
	if first != "" {
		return s.textPlain(fold(first, "._-"))
	}
	return s.textPlain(d.concept(i))
}

// addActors adds a row for each member of staff and department that a resource names, or one for nobody in particular when
// there is a reason to keep: a diagnosis.
func (s *State) addActors(f *fact, n ID, shape *careShape, base row) {
	d := f.doc
	added := false
	for i := range shape.actors {
		a := &shape.actors[i]
		parent := a.path[:len(a.path)-1]
		for p := range d.walk(0, parent...) {
			r := base
			r.kind = a.kind
			if len(parent) > 0 {
				own := d.get(p, "period")
				if own == none {
					own = d.get(p, "coveragePeriod") // CareTeam.participant of R5; a Timing bounds nobody
				}
				if own != none {
					s.ownPeriod(d, own, &r)
				}
				if leavesOpen(d.field(p, "status")) {
					r.doubt |= DoubtHappened
				}
			}
			for ref := range d.items(d.get(p, a.path[len(a.path)-1])) {
				added = s.addCare(f, n, ref, r, a.department) || added
			}
		}
	}
	if !added && base.reason > 0 {
		base.kind = CareOther
		s.putCare(f, n, base)
	}
}

// ownPeriod narrows a row to the period of a participant or location.
func (s *State) ownPeriod(d *document, i int, r *row) {
	p, doubt := s.period(d, i), d.doubtOf(i)
	if p.From > 0 {
		r.from, r.doubt = p.From, r.doubt&^DoubtBegin|doubt&DoubtBegin
	}
	if p.Until < Forever {
		r.until, r.doubt = p.Until, r.doubt&^DoubtEnd|doubt&DoubtEnd
	}
	if r.until < r.from {
		r.doubt |= DoubtBegin | DoubtEnd
	}
	r.until = max(r.until, r.from+1)
}

// addCare adds a row for whom a reference names.
func (s *State) addCare(f *fact, n ID, ref int, r row, department bool) bool {
	t := f.doc.target(ref, f.local)
	if t.isZero() {
		return false
	}
	kind := kindOfTarget(&t)
	if kind == isUnknown && department {
		kind = isDepartment
	}
	switch kind {
	case isStaff, isUnknown:
		r.who = s.staffNode(f, &t)
	case isDepartment:
		r.who = -s.departmentNode(f, &t)
	case isOther:
	}
	if r.who == 0 {
		return false
	}
	s.putCare(f, n, r)
	return true
}

// putCare stores a row where it belongs in the order of beginnings. A row that only repeats another of its fact is left out.
func (s *State) putCare(f *fact, n ID, r row) {
	r.fact, r.typ = f.n, s.texts.number(0, f.GetResourceType())
	rec := s.record(n)
	care, count := s.forms.insert(rec.care, &r)
	if count == 0 {
		return
	}
	if rec.care = care; count > s.cfg.MaxCare {
		rec.care = s.forms.evict(rec.care, &r)
		s.evicted++
	}
	s.changes.patient(n)
	s.isAbout(f.n, n)
}

// isAbout notes one of the patients whom a resource is about.
func (s *State) isAbout(fact, n ID) {
	switch a := s.about[fact]; {
	case a == 0:
		s.about[fact] = n
	case a != n:
		s.spread[fact] = insertID(s.spread[fact], n)
	}
}

// dropCare removes what the version before said.
func (s *State) dropCare(fact ID) {
	n := s.about[fact]
	if n == 0 {
		return
	}
	for _, m := range append([]ID{n}, s.spread[fact]...) {
		if int(m) >= len(s.records) || s.records[m] == nil {
			continue
		}
		rec := s.records[m]
		rec.care = s.forms.filter(rec.care, func(r *row) bool { return r.fact != fact })
		s.changes.patient(m)
	}
	delete(s.spread, fact)
	s.about[fact] = 0
}
