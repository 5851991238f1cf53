package simulate

// stagesOf returns the stages of one encounter, which stand together.
func (e *episode) stagesOf(n uint8) []stage {
	from, to := e.n, 0
	for i := range e.n {
		if e.stages[i].encounter == n {
			from, to = min(from, i), i+1
		}
	}
	return e.stages[min(from, to):to]
}

func (f *facts) encounter(e *episode, n uint8, day int, known int64) {
	stages := e.stagesOf(n)
	if len(stages) == 0 {
		return
	}
	first, last := &stages[0], &stages[len(stages)-1]
	begins, ends := f.h.dayOf(first.start), f.h.dayOf(last.end)
	again := f.first && begins < day || day >= f.h.cfg.Days && ends == day
	if begins != day && !again {
		return
	}
	id := e.encounter(n)
	unit := f.h.departments[first.department].unit
	class := "IMP"
	switch {
	case first.booked:
		class = "AMB"
	case unit == emergency:
		class = "EMER"
	}
	over := last.end < known
	f.begin("Encounter")
	f.of("enc-", id)
	f.put(`","status":"`, either(over, "finished", "in-progress"), `","class":{"system":"`, actCode, `","code":"`, class, `"}`)
	f.refPatient("subject", e.patient)
	if first.attending >= 0 {
		f.put(`,"participant":[`)
		for i := range stages {
			if i > 0 && stages[i].attending == stages[i-1].attending {
				continue
			}
			f.put(either(i > 0, ",", ""), `{"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"ATND","display":"attender"}]}]`)
			f.period(stages[i].start, stages[i].end, known)
			f.put(`,`)
			f.refStaff("individual", stages[i].attending)
			f.put(`}`)
		}
		f.put(`]`)
	}
	if first.booked {
		f.put(`,"appointment":[{"reference":"Appointment/`)
		f.of("apt-", id)
		f.put(`"}]`)
	}
	f.period(first.start, last.end, known)
	f.reason(e.condition)
	f.put(`,"diagnosis":[{"condition":{"reference":"Condition/`)
	f.of("cond-", id)
	f.put(`"}}],"location":[`)
	for i := range stages {
		f.put(either(i > 0, ",{", "{"))
		f.refDepartment("location", "Location", stages[i].department)
		f.put(`,"status":"`, either(stages[i].end < known, "completed", "active"), `"`)
		f.period(stages[i].start, stages[i].end, known)
		f.put(`}`)
	}
	f.put(`],`)
	f.refDepartment("serviceProvider", "Organization", last.department)
	f.end()
	f.diagnosis(e, id, first.start)
	if first.booked {
		f.appointment(e, first, id, over)
	}
	if class == "IMP" {
		f.careTeam(e, stages, id, known)
	}
}

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func (f *facts) reason(condition uint8) {
	c := &conditions[condition]
	f.put(`,"reasonCode":[{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"`, c.code, `","display":"`, c.text, `"}]}]`)
}

func (f *facts) diagnosis(e *episode, enc uint64, at int64) {
	c := &conditions[e.condition]
	f.begin("Condition")
	f.of("cond-", enc)
	f.put(`","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},`+
		`"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]},`+
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"encounter-diagnosis"}]}],`+
		`"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"`, c.code, `","display":"`, c.text, `"}]}`)
	f.refPatient("subject", e.patient)
	f.put(`,"encounter":{"reference":"Encounter/`)
	f.of("enc-", enc)
	f.put(`"}`)
	f.instant("recordedDate", at)
	f.end()
}

func (f *facts) appointment(e *episode, s *stage, enc uint64, over bool) {
	f.begin("Appointment")
	f.of("apt-", enc)
	f.put(`","status":"`, either(over, "fulfilled", "booked"), `"`)
	f.reason(e.condition)
	f.instant("start", s.start)
	f.instant("end", s.end)
	f.put(`,"participant":[{"actor":{"reference":"Patient/`)
	f.block = f.h.appendPatientID(f.block, e.patient)
	f.put(`"},"status":"accepted"},{`)
	f.refStaff("actor", s.attending)
	f.put(`,"status":"accepted"},{`)
	f.refDepartment("actor", "Location", s.department)
	f.put(`,"status":"accepted"}]`)
	f.end()
}

func (f *facts) careTeam(e *episode, stages []stage, enc uint64, known int64) {
	first, last := &stages[0], &stages[len(stages)-1]
	f.begin("CareTeam")
	f.of("ct-", enc)
	f.put(`","status":"`, either(last.end < known, "inactive", "active"), `"`)
	f.refPatient("subject", e.patient)
	f.put(`,"encounter":{"reference":"Encounter/`)
	f.of("enc-", enc)
	f.put(`"}`)
	f.period(first.start, last.end, known)
	f.put(`,"participant":[`)
	comma := ""
	for i := range stages {
		if stages[i].attending >= 0 {
			f.put(comma, `{"role":[{"text":"attending physician"}],`)
			f.refStaff("member", stages[i].attending)
			f.put(`}`)
			comma = ","
		}
		f.put(comma, `{"role":[{"text":"ward"}],`)
		f.refDepartment("member", "Organization", stages[i].department)
		f.put(`}`)
		comma = ","
	}
	f.put(`]`)
	f.end()
}

// orderTable says how orders are coded (SNOMED CT).
var orderTable = [...]struct{ category, display, code string }{
	orderLab:     {"108252007", "Laboratory procedure", "Laboratory panel"},
	orderImaging: {"363679005", "Imaging", "Imaging study"},
	orderConsult: {"11429006", "Consultation", "Consultation"},
}

func (f *facts) serviceRequest(o *order) {
	t := &orderTable[o.kind]
	f.begin("ServiceRequest")
	f.put("sr-")
	f.block = f.h.appendObject(f.block, o.id)
	f.put(`","status":"completed","intent":"order","category":[{"coding":[{"system":"http://snomed.info/sct","code":"`,
		t.category, `","display":"`, t.display, `"}]}],"code":{"text":"`, t.code, `"}`)
	f.refPatient("subject", o.patient)
	f.put(`,"encounter":{"reference":"Encounter/`)
	f.of("enc-", o.encounter)
	f.put(`"}`)
	f.instant("occurrenceDateTime", o.at)
	f.instant("authoredOn", o.at)
	f.put(`,`)
	f.refStaff("requester", o.requester)
	f.put(`,"performer":[{"reference":"Organization/`)
	f.block = f.h.appendDepartmentID(f.block, o.performer)
	f.put(`"}]`)
	f.reason(o.condition)
	f.end()
}

// scheduleID is the roster line of somebody in a department.
func (f *facts) scheduleID(staff int32, dept uint16) {
	f.put(`sch-`)
	f.num(int64(firstStaff + staff))
	f.put(`-`)
	f.block = f.h.appendDepartmentID(f.block, dept)
}

func (f *facts) slot(s *shift, day int) {
	f.begin("Slot")
	f.put(`sl-`)
	f.num(int64(firstStaff + s.staff))
	f.put(`-`)
	f.num(int64(f.h.startDay) + int64(day))
	if s.onCall {
		f.put(`-c`)
		f.num(s.start / hour % 24)
	}
	f.put(`","schedule":{"reference":"Schedule/`)
	f.scheduleID(s.staff, s.department)
	f.put(`"},"status":"busy"`)
	f.instant("start", s.start)
	f.instant("end", s.end)
	f.put(`,"comment":"`, either(s.onCall, "on call", "on duty"), `"`)
	f.end()
}
