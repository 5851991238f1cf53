package simulate

const (
	hospitalName = "Millbrook General Hospital"
	v2Type       = "http://terminology.hl7.org/CodeSystem/v2-0203"
)

func (f *facts) organizations() {
	f.begin("Organization")
	f.put(`millbrook","active":true,"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/organization-type","code":"prov"}]}],"name":"`, hospitalName, `"`)
	f.end()
	for i := range f.h.departments {
		f.begin("Organization")
		f.block = f.h.appendDepartmentID(f.block, uint16(i))
		f.put(`","active":true,"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/organization-type","code":"dept"}]}],"name":"`,
			f.h.departments[i].name, `","partOf":{"reference":"Organization/millbrook"}`)
		f.end()
	}
}

func (f *facts) locations() {
	for i := range f.h.departments {
		f.begin("Location")
		f.block = f.h.appendDepartmentID(f.block, uint16(i))
		f.put(`","status":"active","name":"`, f.h.departments[i].name, `","mode":"instance",`)
		f.refDepartment("managingOrganization", "Organization", uint16(i))
		f.end()
	}
}

// record is how carefully one record of a person was typed: it decides spellings and what is missing.
func (f *facts) record(kind, i uint64) dice { return f.h.roll(forContext, kind, i) }

const (
	ofPractitioner = iota + 1
	ofPatient
	ofRelated
	ofPerson
	ofConsent
	ofWatch
)

func (f *facts) name(p *person) {
	f.put(`"name":[{"use":"official","family":"`, p.family(), `","given":["`, p.given(), `"]}]`)
}

func (f *facts) born(p *person) {
	f.put(`,"gender":"`, either(p.female, "female", "male"), `"`)
	f.date("birthDate", p.birthDay)
}

// phone writes a number in one of three ways.
func (f *facts) phone(n uint32, spelling int) {
	local := [2]int64{int64(n / 10_000), int64(n % 10_000)}
	last := string(appendInt(nil, local[1]+10_000)[1:])
	middle := string(appendInt(nil, local[0]))
	f.put(`{"system":"phone","value":"`, [...]string{"+1-555-" + middle + "-" + last, "(555) " + middle + "-" + last, "555" + middle + last}[spelling], `","use":"home"}`)
}

// address writes where a household lives: the street in one of three spellings, with coordinates but for one in ten.
func (f *facts) address(d *dice, hh *household, use string) {
	f.put(`{`)
	if !d.chance(100) {
		lat, lon := f.h.position(hh)
		f.put(`"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/geolocation","extension":[{"url":"latitude","valueDecimal":`)
		f.degrees(lat)
		f.put(`},{"url":"longitude","valueDecimal":`)
		f.degrees(lon)
		f.put(`}]}],`)
	}
	s := &f.h.streets[hh.street]
	f.put(`"use":"`, use, `","line":["`)
	f.num(int64(hh.number))
	spelling := d.pick([]int{60, 30, 10})
	f.put(` `, s.label(spelling))
	if hh.unit > 0 {
		f.put([...]string{" Apt ", " #", ", Unit "}[spelling])
		f.num(int64(hh.unit))
	}
	f.put(`"],"city":"`, town, `","state":"`, townState, `","postalCode":"000`)
	f.num(int64(10 + hh.street%23))
	f.put(`","country":"US"`)
}

// degrees writes millionths as a decimal.
func (f *facts) degrees(x int32) {
	if x < 0 {
		f.put(`-`)
		x = -x
	}
	f.num(int64(x / 1_000_000))
	f.put(`.`, string(appendInt(nil, x%1_000_000+1_000_000)[1:]))
}

func (f *facts) practitioners() {
	for i := range f.h.staff {
		if f.done {
			return
		}
		d := f.record(ofPractitioner, uint64(i))
		p := &f.h.persons[f.h.staff[i].person]
		hh := &f.h.households[p.household]
		f.begin("Practitioner")
		f.block = f.h.appendStaffID(f.block, int32(i))
		f.put(`","identifier":[{"type":{"coding":[{"system":"`, v2Type, `","code":"EI"}]},"system":"`, StaffSystem, `","value":"`)
		f.block = f.h.appendStaffNumber(f.block, int32(i))
		f.put(`"},{"use":"secondary","system":"https://millbrook.example/ids/login","value":"`, f.h.badge[i].login, `"}],"active":true,`)
		f.put(`"name":[{"use":"official","family":"`, p.atWork(), `","given":["`, p.given(), `"]}]`)
		if d.chance(900) {
			f.put(`,"telecom":[`)
			f.phone(hh.phone, d.pick([]int{60, 30, 10}))
			f.put(`]`)
		}
		former := f.h.moved(&d)
		if t, ok := f.h.exOf(int32(i)); ok && (t.trace == sharedHome || t.trace == homeAndContact) {
			former.home, former.left = f.h.homeOf(t.patient), t.ended
		}
		// One in twelve has no address on file, the reader of the story has.
		f.homes(&d, hh, former, d.chance(920) || f.h.story != nil && f.h.story.reader == int32(i))
		f.born(p)
		f.end()
	}
}

// former is where somebody used to live, until a day of the hospital.
type former struct {
	home *household
	left int32
}

// homes writes where somebody lives, and lived if that is known.
func (f *facts) homes(d *dice, hh *household, old former, known bool) {
	if !known {
		return
	}
	f.put(`,"address":[`)
	f.address(d, hh, "home")
	f.put(`}`)
	if old.home != nil {
		f.put(`,`)
		f.address(d, old.home, "old")
		f.put(`,"period":{`)
		f.ended(old.left)
		f.put(`}}`)
	}
	f.put(`]`)
}

// ended ends a period on a day.
func (f *facts) ended(day int32) {
	f.put(`"end":"`)
	f.block = appendDate(f.block, f.h.startDay+day)
	f.put(`"`)
}

// moved is the former home of one person in nine who has no former partner: most old addresses tell nothing.
func (h *Hospital) moved(d *dice) former {
	if !d.chance(110) {
		return former{}
	}
	return former{&h.households[d.n(len(h.households))], int32(-d.between(60, 2500))}
}

func (h *Hospital) homeOf(patient int32) *household {
	return &h.households[h.persons[h.patients[patient].person].household]
}

func (f *facts) practitionerRoles() {
	for i := range f.h.staff {
		if f.done {
			return
		}
		m := &f.h.staff[i]
		f.practitionerRole(int32(i), m, "", m.hired, m.ends())
		if m.back != never {
			f.practitionerRole(int32(i), m, "-2", m.back, never)
		}
	}
}

// practitionerRole is one employment; who comes back has a second.
func (f *facts) practitionerRole(i int32, m *member, suffix string, from, to int32) {
	r := &roleTable[m.role]
	f.begin("PractitionerRole")
	f.put(`role-`)
	f.num(int64(firstStaff + i))
	f.put(suffix, `","active":`, either(int(to) >= f.h.cfg.Days, "true", "false"), `,"period":{"start":"`)
	f.block = appendTime(f.block, f.h.at(int(from), 0), f.h.cfg.Zone)
	if to != never {
		f.put(`","end":"`)
		f.block = appendTime(f.block, f.h.at(int(to), 0), f.h.cfg.Zone)
	}
	f.put(`"},`)
	f.refStaff("practitioner", i)
	f.put(`,`)
	f.refDepartment("organization", "Organization", m.department)
	f.put(`,"code":[{"coding":[{"system":"`, roleSystem, `","code":"`, r.code, `","display":"`, r.display, `"}`)
	if r.fhir != "" {
		f.put(`,{"system":"http://terminology.hl7.org/CodeSystem/practitioner-role","code":"`, r.fhir, `"}`)
	}
	f.put(`]}],"location":[{"reference":"Location/`)
	f.block = f.h.appendDepartmentID(f.block, m.department)
	f.put(`"}]`)
	f.availableTime(m)
	f.end()
}

func (f *facts) availableTime(m *member) {
	from, minutes := 0, 0
	switch rotaOf(f.h.departments[m.department].unit, m) {
	case office:
		from, minutes = officeHours(m)
	case ward:
		from, minutes = wardStart, wardMinutes
	case twelves, eights, byTicket:
		return
	}
	f.put(`,"availableTime":[{"daysOfWeek":["mon","tue","wed","thu","fri"],"availableStartTime":"`)
	f.clock(from)
	f.put(`","availableEndTime":"`)
	f.clock(from + minutes)
	f.put(`"}]`)
}

func (f *facts) clock(minutes int) {
	f.put(string(appendInt(nil, 100+minutes/60)[1:]), `:`, string(appendInt(nil, 100+minutes%60)[1:]), `:00`)
}

func (f *facts) schedules() {
	for i := range f.h.staff {
		if f.done {
			return
		}
		m := &f.h.staff[i]
		if f.h.departments[m.department].unit != floatPool {
			f.schedule(int32(i), m.department)
			continue
		}
		for dept := range f.h.departments {
			if u := f.h.departments[dept].unit; u <= psychiatry {
				f.schedule(int32(i), uint16(dept))
			}
		}
	}
}

func (f *facts) schedule(staff int32, dept uint16) {
	f.begin("Schedule")
	f.scheduleID(staff, dept)
	f.put(`","active":true,"actor":[{"reference":"Practitioner/`)
	f.block = f.h.appendStaffID(f.block, staff)
	f.put(`"},{"reference":"Location/`)
	f.block = f.h.appendDepartmentID(f.block, dept)
	f.put(`"}]`)
	f.end()
}
