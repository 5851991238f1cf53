package simulate

func (f *facts) patients() {
	for i := range f.h.patients {
		if f.done {
			return
		}
		f.patient(int32(i), false)
		if f.h.patients[i].duplicate > 0 {
			f.patient(int32(i), true)
		}
	}
}

// patient writes a patient, or the second record that they once got by mistake and that was merged into the first.
func (f *facts) patient(i int32, second bool) {
	pt := &f.h.patients[i]
	p := &f.h.persons[pt.person]
	hh := &f.h.households[p.household]
	d := f.record(ofPatient, uint64(i)<<1|b2u(second))
	f.begin("Patient")
	f.patientID(i, second)
	f.put(`"`)
	f.security(pt, p)
	f.put(`,"identifier":[{"use":"`, either(second, "old", "usual"), `","type":{"coding":[{"system":"`, v2Type, `","code":"MR"}]},"system":"`, MRNSystem, `","value":"`)
	if second {
		f.block = f.h.appendOldMRN(f.block, i)
	} else {
		f.block = f.h.appendMRN(f.block, i)
	}
	f.put(`"}],"active":`, either(second, "false", "true"), `,`)
	f.names(p, &d)
	if d.chance(930) {
		f.put(`,"telecom":[`)
		f.phone(hh.phone, d.pick([]int{60, 30, 10}))
		f.put(`]`)
	}
	f.born(p)
	if pt.died < int32(f.h.cfg.Days) {
		f.instant("deceasedDateTime", f.h.at(int(pt.died), 400+int(i)%900))
	}
	old := f.h.moved(&d)
	if t, ok := f.h.exTo(i); ok && t.trace == formerHome {
		old = former{&f.h.households[f.h.persons[f.h.staff[t.staff].person].household], t.ended}
	}
	f.homes(&d, hh, old, d.chance(950))
	f.contacts(&d, i)
	if pt.physician >= 0 {
		f.put(`,"generalPractitioner":[{"reference":"Practitioner/`)
		f.block = f.h.appendStaffID(f.block, pt.physician)
		f.put(`"}]`)
	}
	f.put(`,"managingOrganization":{"reference":"Organization/millbrook"}`)
	if pt.duplicate > 0 {
		f.put(`,"link":[{"other":{"reference":"Patient/`)
		f.patientID(i, !second)
		f.put(`"},"type":"`, either(second, "replaced-by", "replaces"), `"}]`)
	}
	f.end()
}

func (f *facts) patientID(i int32, second bool) {
	f.block = f.h.appendPatientID(f.block, i)
	if second {
		f.put(`-2`)
	}
}

// security writes what is sensitive about a record (HL7 v3 ActCode). Of the colleagues, two in three are marked.
func (f *facts) security(pt *patient, p *person) {
	comma := `,"meta":{"security":[`
	label := func(code, display string) {
		f.put(comma)
		f.block = appendCoding(f.block, actCode, code, display)
		comma = ","
	}
	if pt.sensitive > 0 {
		label(sensitivities[pt.sensitive].code, sensitivities[pt.sensitive].display)
	}
	if pt.vip {
		label("CEL", "celebrity information sensitivity")
	}
	if p.staff >= 0 && p.staff%3 > 0 {
		label("EMP", "employee information sensitivity")
	}
	if comma == "," {
		f.put(`]}`)
	}
}

// contacts name somebody of the household for six in ten, and the story's reader with the end of it all.
func (f *facts) contacts(d *dice, i int32) {
	own := f.h.patients[i].person
	if t, ok := f.h.exTo(i); ok && (t.trace == namedContact || t.trace == homeAndContact) {
		r := &f.h.persons[f.h.staff[t.staff].person]
		f.put(`,"contact":[{"relationship":[{"text":"former spouse"}],"name":{"family":"`, r.family(), `","given":["`, r.given(), `"]},"telecom":[`)
		f.phone(f.h.households[r.household].phone, d.pick([]int{60, 30, 10}))
		f.put(`],"period":{`)
		f.ended(t.ended)
		f.put(`}}]`)
		return
	}
	other := f.h.trusted(d, own)
	if other < 0 {
		return
	}
	f.put(`,"contact":[`)
	f.contact(d, other)
	if kin := f.h.elsewhere(own); kin >= 0 && kin != other && d.chance(900) {
		f.put(`,`)
		f.contact(d, kin)
	}
	f.put(`]`)
}

func (f *facts) contact(d *dice, other int32) {
	o := &f.h.persons[other]
	f.put(`{"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0131","code":"C","display":"Emergency Contact"}]}],"name":{"family":"`,
		o.family(), `","given":["`, o.given(), `"]},"telecom":[`)
	f.phone(f.h.households[o.household].phone, d.pick([]int{60, 30, 10}))
	f.put(`]}`)
}

// trusted is whom somebody names as a contact: in six of ten cases one of the household, else one of the family elsewhere
// or nobody (-1).
func (h *Hospital) trusted(d *dice, own int32) int32 {
	hh := &h.households[h.persons[own].household]
	if hh.size > 1 && d.chance(600) {
		if hh.first == own {
			return own + 1
		}
		return hh.first
	}
	if !d.chance(700) {
		return -1
	}
	return h.elsewhere(own)
}

// elsewhere is somebody of the family in another household: a child, else a parent, else nobody (-1).
func (h *Hospital) elsewhere(own int32) int32 {
	hh := &h.households[h.persons[own].household]
	for _, k := range [2]int32{hh.child - 1, hh.parents - 1} {
		if k >= 0 {
			return h.households[k].first
		}
	}
	return -1
}

// names are the present one and, for half of those who had another before they married, that one.
func (f *facts) names(p *person, d *dice) {
	f.put(`"name":[{"use":"official","family":"`, p.family(), `","given":["`, p.given(), `"]}`)
	if p.maiden > 0 && d.chance(500) {
		f.put(`,{"use":"maiden","family":"`, surnames[p.maiden-1], `"}`)
	}
	f.put(`]`)
}

// relatedPersons are on file for three in ten of those who live with somebody.
func (f *facts) relatedPersons() {
	for i := range f.h.patients {
		if f.done {
			return
		}
		own := f.h.patients[i].person
		p := &f.h.persons[own]
		hh := &f.h.households[p.household]
		d := f.record(ofRelated, uint64(i))
		if t, ok := f.h.exTo(int32(i)); ok && t.trace == related {
			f.relatedPerson(int32(i), &d, f.h.staff[t.staff].person, "FMRSPS", "former spouse")
			continue
		}
		if kin := f.h.elsewhere(own); kin >= 0 && d.chance(330) {
			code, display := "PRN", "parent"
			if f.h.persons[kin].birthDay > p.birthDay {
				code, display = "CHILD", "child"
			}
			f.relatedPerson(int32(i), &d, kin, code, display)
			continue
		}
		if hh.size < 2 || !d.chance(300) {
			continue
		}
		other := hh.first + int32(d.n(int(hh.size)))
		if other == own {
			continue
		}
		code, display := kinship(p, &f.h.persons[other])
		f.relatedPerson(int32(i), &d, other, code, display)
	}
}

func (f *facts) relatedPerson(i int32, d *dice, other int32, code, display string) {
	o := &f.h.persons[other]
	f.begin("RelatedPerson")
	f.put(`rel-`)
	f.num(int64(i))
	f.put(`","active":true`)
	f.refPatient("patient", i)
	f.put(`,"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"`, code, `","display":"`, display, `"}]}],`)
	f.name(o)
	f.put(`,"telecom":[`)
	f.phone(f.h.households[o.household].phone, d.pick([]int{60, 30, 10}))
	f.put(`]`)
	f.born(o)
	f.end()
}

// kinship names what b is to a.
func kinship(a, b *person) (code, display string) {
	switch {
	case a.place < 2 && b.place < 2:
		return "SPS", "spouse"
	case a.place < 2:
		return "CHILD", "child"
	case b.place < 2:
		return "PRN", "parent"
	}
	return "SIB", "sibling"
}

// linkedPersons say who is both patient and staff; for three in ten of them nobody has noticed.
func (f *facts) linkedPersons() {
	for i := range f.h.staff {
		if f.done {
			return
		}
		p := &f.h.persons[f.h.staff[i].person]
		d := f.record(ofPerson, uint64(i))
		if p.patient < 0 || !d.chance(700) {
			continue
		}
		f.begin("Person")
		f.put(`person-`)
		f.num(int64(firstStaff + i))
		f.put(`",`)
		f.name(p)
		f.born(p)
		f.put(`,"active":true,"link":[{"target":{"reference":"Patient/`)
		f.block = f.h.appendPatientID(f.block, p.patient)
		f.put(`"},"assurance":"level3"},{`)
		f.refStaff("target", int32(i))
		f.put(`,"assurance":"level3"}]`)
		f.end()
	}
}

const consentPerMille = 65

// consents reports whether a patient has agreed to research.
func (h *Hospital) consents(patient int32) bool {
	d := h.roll(forContext, ofConsent, uint64(patient))
	return d.chance(consentPerMille)
}

// consents to research are on file for one in fifteen.
func (f *facts) consents() {
	for i := range f.h.patients {
		if f.done {
			return
		}
		d := f.record(ofConsent, uint64(i))
		if !d.chance(consentPerMille) {
			continue
		}
		f.begin("Consent")
		f.put(`consent-`)
		f.num(int64(i))
		f.put(`","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"research"}]},` +
			`"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}]`)
		f.refPatient("patient", int32(i))
		f.instant("dateTime", f.h.at(-d.between(30, 900), 600))
		f.put(`,"organization":[{"reference":"Organization/millbrook"}],"policyRule":{"coding":[{"system":"`, actCode, `","code":"OPTIN"}]},`+
			`"provision":{"type":"permit","purpose":[{"system":"`, actReason, `","code":"HRESCH"}]}`)
		f.end()
	}
}
