package simulate

import "iter"

// chartedFrom is the first day whose charts are told: what is older explains nothing that the encounters do not.
const chartedFrom = -2

// charts tells who wrote what on a day: each note, and of vital signs and drugs given what a nurse first charted for a
// patient. Rows that follow from the same nurse say nothing new about who cares for whom.
func (f *facts) charts(p *plan) {
	seen := map[uint64]bool{}
	first := func(kind uint64, x uint64) bool {
		k := mix(kind<<60 ^ x)
		was := seen[k]
		seen[k] = true
		return !was
	}
	for i := range p.accesses {
		a := &p.accesses[i]
		pair := uint64(uint32(a.staff))<<32 | uint64(uint32(a.patient))
		switch {
		case f.done:
			return
		case a.outcome != success || a.app || a.encounter == 0:
		case a.kind == writeNote && first(1, a.object):
			f.note(a)
		case a.kind == writeVitals && first(2, pair) && first(4, a.object):
			f.vitals(a)
		case a.kind == writeMedication && first(3, pair) && first(5, a.object):
			f.given(a)
		}
	}
}

func (f *facts) chart(typ, prefix string, a *access) {
	f.begin(typ)
	f.put(prefix)
	f.block = f.h.appendObject(f.block, a.object)
}

func (f *facts) refEncounter(enc uint64) {
	f.put(`{"reference":"Encounter/`)
	f.of("enc-", enc)
	f.put(`"}`)
}

func (f *facts) note(a *access) {
	f.chart("DocumentReference", "dn-", a)
	f.put(`","status":"current","type":{"coding":[{"system":"http://loinc.org","code":"11506-3","display":"Progress note"}]}`)
	f.refPatient("subject", a.patient)
	f.instant("date", a.at)
	f.put(`,"author":[{"reference":"Practitioner/`)
	f.block = f.h.appendStaffID(f.block, a.staff)
	f.put(`"}],"content":[{"attachment":{"contentType":"text/plain"}}],"context":{"encounter":[`)
	f.refEncounter(a.encounter)
	f.put(`]}`)
	f.end()
}

func (f *facts) vitals(a *access) {
	f.chart("Observation", "ob-", a)
	f.put(`","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],` +
		`"code":{"coding":[{"system":"http://loinc.org","code":"85353-1","display":"Vital signs panel"}]}`)
	f.refPatient("subject", a.patient)
	f.put(`,"encounter":`)
	f.refEncounter(a.encounter)
	f.instant("effectiveDateTime", a.at)
	f.put(`,"performer":[{"reference":"Practitioner/`)
	f.block = f.h.appendStaffID(f.block, a.staff)
	f.put(`"}]`)
	f.end()
}

func (f *facts) given(a *access) {
	f.chart("MedicationAdministration", "ma-", a)
	f.put(`","status":"completed","medicationCodeableConcept":{"text":"as prescribed"}`)
	f.refPatient("subject", a.patient)
	f.put(`,"context":`)
	f.refEncounter(a.encounter)
	f.instant("effectiveDateTime", a.at)
	f.put(`,"performer":[{"actor":{"reference":"Practitioner/`)
	f.block = f.h.appendStaffID(f.block, a.staff)
	f.put(`"}}]`)
	f.end()
}

// histories tells of nearly everybody when they were last there before the time that is told day by day.
func (f *facts) histories() {
	for i := range f.h.patients {
		if f.done {
			return
		}
		v, ok := f.h.lastVisit(int32(i))
		if !ok {
			continue
		}
		start, by, dept := v.start, v.attending, v.department
		f.begin("Encounter")
		f.of("enc-", kept(int32(i)))
		f.put(`","status":"finished","class":{"system":"`, actCode, `","code":"AMB"}`)
		f.refPatient("subject", int32(i))
		if by >= 0 {
			f.put(`,"participant":[{`)
			f.refStaff("individual", by)
			f.put(`}]`)
		}
		f.period(start, start+visitLength, start+24*hour)
		f.reason(f.h.patients[i].condition)
		f.put(`,"location":[{`)
		f.refDepartment("location", "Location", dept)
		f.put(`}],`)
		f.refDepartment("serviceProvider", "Organization", dept)
		f.end()
	}
}

// historyMissing is how many in a thousand have not been there for a year.
const historyMissing = 14

// lastVisit is when a patient was last there before the days that are told.
func (h *Hospital) lastVisit(i int32) (stage, bool) {
	d := h.roll(forHistory, uint64(uint32(i)), 0)
	day := -horizon - 1 - d.n(330)
	if d.chance(historyMissing) || int(h.patients[i].died) <= day {
		return stage{}, false
	}
	all := h.byUnit[clinic]
	dept := uint16(all[d.n(len(all))])
	by := h.attending(dept, &d)
	start := h.at(day, 8*60+d.n(22)*20)
	return stage{department: dept, attending: by, start: start, end: start + visitLength}, true
}

// ahead returns the appointments of the two weeks after a day.
func (h *Hospital) ahead(last int) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		f := &facts{h: h, yield: yield}
		for day := last + 1; day <= last+booked; day++ {
			for i := range h.begins(day) {
				e, ok := h.episode(day, i)
				if ok && e.stages[0].booked && !f.done {
					f.appointment(&e, &e.stages[0], e.encounter(e.stages[0].encounter), false)
				}
			}
		}
		// Visits that follow a stay are booked when it ends.
		h.active(last, func(e *episode) {
			for i := range e.n {
				s := &e.stages[i]
				if s.booked && s.start >= h.at(last+1, 0) && e.day <= last && !f.done {
					f.appointment(e, s, e.encounter(s.encounter), false)
				}
			}
		})
	}
}
