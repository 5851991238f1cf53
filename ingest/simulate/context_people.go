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
		f.name(p)
		if d.chance(900) {
			f.put(`,"telecom":[`)
			f.phone(hh.phone, d.pick([]int{60, 30, 10}))
			f.put(`]`)
		}
		if s := f.h.story; s != nil && s.reader == int32(i) {
			f.put(`,"address":[`)
			f.address(&d, hh, "home")
			f.put(`},`)
			f.address(&d, f.h.homeOf(s.patient), "old")
			f.put(`,"period":{`)
			f.formerly()
			f.put(`}}]`)
		} else if d.chance(920) { // one in twelve has no address on file
			f.put(`,"address":[`)
			f.address(&d, hh, "home")
			f.put(`}]`)
		}
		f.born(p)
		f.end()
	}
}

// formerly ends a period a year before the first day.
func (f *facts) formerly() {
	f.put(`"end":"`)
	f.block = appendDate(f.block, f.h.startDay-380)
	f.put(`"`)
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
		r := &roleTable[m.role]
		f.begin("PractitionerRole")
		f.put(`role-`)
		f.num(int64(firstStaff + i))
		f.put(`","active":`, either(m.left == never || int(m.left) >= f.h.cfg.Days, "true", "false"), `,"period":{"start":"`)
		f.block = appendTime(f.block, f.h.at(int(m.hired), 0), f.h.cfg.Zone)
		if m.left != never {
			f.put(`","end":"`)
			f.block = appendTime(f.block, f.h.at(int(m.left), 0), f.h.cfg.Zone)
		}
		f.put(`"},`)
		f.refStaff("practitioner", int32(i))
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
}

func (f *facts) availableTime(m *member) {
	from, minutes := 0, 0
	switch rotaOf(f.h.departments[m.department].unit, m) {
	case office:
		from, minutes = officeHours(m)
	case ward:
		from, minutes = wardStart, wardMinutes
	case twelves, eights:
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
