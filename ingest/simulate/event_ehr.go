package simulate

// ehr writes an event of the record system: FHIR R4 as IHE BALP 1.1.4 shapes it. The app at the bedside writes all that the
// profile asks for and states it. The server leaves out what it says elsewhere: itself as an agent, entity types beside
// roles, its kind; so it claims no profile.
func (w *writer) ehr(b []byte, a *access, at int64) []byte {
	k := &kindTable[a.kind]
	b = append(b, `{"resourceType":"AuditEvent","id":"`...)
	b = w.h.appendEventID(b, w.p.day, w.p.pass, a)
	if a.app && k.profile != "" && a.outcome == success {
		b = append(b, `","meta":{"profile":["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.`...)
		b = append(append(b, k.profile...), `"]},`...)
	} else {
		b = append(b, `",`...)
	}
	b = w.ehrType(b, a, k.code)
	b = append(append(append(b, `,"action":"`...), k.action...), `","recorded":"`...)
	b = appendTime(b, at, w.zone)
	b = append(append(append(b, `","outcome":"`...), outcomes[a.outcome]...), '"')
	if a.outcome == refused {
		b = append(b, `,"outcomeDesc":"403 Forbidden"`...)
	}
	if w.states(a) {
		b = append(b, `,"purposeOfEvent":[`...)
		b = append(appendConcept(b, actReason, useTable[a.use].code, ""), ']')
	}
	b = w.ehrAgents(b, a, k.action == "R" && a.kind != exportRecord)
	if a.app {
		b = append(b, `],"source":{"observer":{"display":"Rounds App 4.2"},"type":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"1"}]}`...)
	} else {
		b = append(b, `],"source":{"site":"Millbrook General","observer":{"display":"ehr-main"}}`...)
	}
	return append(w.ehrEntities(b, a, k.resource, k.prefix), '}')
}

// states tells whether the purpose of use is stated: nurses' screens do not ask when care is plain.
func (w *writer) states(a *access) bool {
	plain := a.use == treatment && w.h.staff[a.staff].role == nurse
	return a.use != unstated && a.use != brokeGlass && !plain
}

func (w *writer) ehrType(b []byte, a *access, code string) []byte {
	switch a.kind {
	case logIn:
		return append(b, `"type":{"system":"`+dcm+`","code":"110114","display":"User Authentication"},"subtype":[{"system":"`+dcm+`","code":"110122","display":"Login"}]`...)
	case logOut:
		return append(b, `"type":{"system":"`+dcm+`","code":"110114","display":"User Authentication"},"subtype":[{"system":"`+dcm+`","code":"110123","display":"Logout"}]`...)
	case exportRecord:
		return append(b, `"type":{"system":"`+dcm+`","code":"110106","display":"Export"}`...)
	case breakGlass:
		return append(b, `"type":{"system":"`+dcm+`","code":"110113","display":"Security Alert"},"subtype":[{"system":"`+dcm+`","code":"110127","display":"Emergency Override Started"}]`...)
	}
	b = append(b, `"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest"},"subtype":[`...)
	b = appendCoding(b, restful, code, "")
	if a.kind == printNote {
		b = append(b, `,{"system":"https://millbrook.example/codes/audit","code":"print","display":"Print"}`...)
	}
	return append(b, ']')
}

// ehrAgents writes the device by its machine name, for the app the server too, and the reader with the address. Who reads gets the data, so the device is the
// destination; in everything else, a search included, it is the source.
func (w *writer) ehrAgents(b []byte, a *access, takes bool) []byte {
	device, server := `{"coding":[{"system":"`+dcm+`","code":"110153"}]}`, `{"coding":[{"system":"`+dcm+`","code":"110152"}]}`
	if takes {
		device, server = server, device
	}
	b = append(append(b, `,"agent":[{"type":`...), device...)
	b = append(b, `,"requestor":false,"network":{"address":"`...)
	b = w.workstation(b, a)
	b = append(b, `","type":"1"}},{"type":`...)
	if a.app {
		b = append(append(b, server...), `,"who":{"display":"ehr-main"},"requestor":false},{"type":`...)
	}
	b = append(b, `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"role":`...)
	badge := &w.h.badge[a.staff]
	b = append(append(b, badge.role...), `,"who":`...)
	b = append(b, badge.who...)
	b = append(b, `,"requestor":true,"location":{"reference":"Location/`...)
	b = w.h.appendDepartmentID(b, a.department)
	b = append(append(append(b, `","display":"`...), w.h.departments[a.department].name...), `"},"network":{"address":"`...)
	b = append(w.address(b, a), `","type":"2"}`...)
	if a.use == brokeGlass || a.kind == breakGlass {
		b = append(b, `,"purposeOfUse":[{"coding":[{"system":"`+actReason+`","code":"BTG","display":"break the glass"}]}]`...)
	}
	return append(b, '}')
}

// workstation is a machine's name: one of eight at a department, the one that a ward shares, a tablet, or the gateway for those outside.
func (w *writer) workstation(b []byte, a *access) []byte {
	switch {
	case a.remote:
		return append(b, "VPN-GATEWAY"...)
	case a.app || a.client:
		return appendInt(append(b, "TAB-"...), 100+a.staff)
	case w.virtual(a):
		return appendInt(append(b, "VDI-"...), 1+w.session(a)%400)
	}
	b = append(append(b, "WS-"...), w.h.departments[a.department].code...)
	return appendInt(append(b, '-'), 1+a.seat())
}

// seat keeps somebody at one machine for an hour.
func (a *access) seat() int64 {
	if a.place > 0 {
		return int64(a.place) - 1
	}
	return int64(mix(uint64(a.staff)<<32^uint64(a.at/hour))>>3) & 7
}

// line is the last number of an address outside.
func (a *access) line() int64 {
	if a.place > 0 {
		return int64(a.place)
	}
	return int64(1 + a.staff%250)
}

// where is the place of an access, for others to be made there too.
func (a *access) where() place {
	if a.remote {
		return place(a.line())
	}
	return place(a.seat() + 1)
}

// virtual desktops follow some people through the house: for twenty minutes or more the machine is one of a pool and the
// address another one, in the middle of a shift.
func (w *writer) virtual(a *access) bool {
	if a.place > 0 {
		return false
	}
	switch w.h.staff[a.staff].role {
	case physician, resident, clerk, coder, analyst, researcher, pharmacist:
		return a.source != lab && w.session(a)%9 == 0
	case nurse, technician, student, contractor, roles:
	}
	return false
}

func (w *writer) session(a *access) int64 {
	return int64(mix(uint64(a.staff)<<32^uint64(a.at/(20*minute)))>>8) & 0xffff
}

func (w *writer) address(b []byte, a *access) []byte {
	switch {
	case a.remote:
		b = append(b, "203.0.113."...)
		return appendInt(b, a.line())
	case a.app || a.client:
		b = append(b, "10.80."...)
		return appendInt(append(appendInt(b, a.staff/250), '.'), 1+a.staff%250)
	case w.virtual(a):
		s := w.session(a) % 400
		return appendInt(append(appendInt(append(b, "10.90."...), s/200), '.'), 10+s%200)
	}
	b = append(b, "10."...)
	b = appendInt(b, 20+a.department/200)
	b = appendInt(append(b, '.'), a.department%200)
	return appendInt(append(b, '.'), 10+a.seat())
}

// ehrEntities writes whose record it was, which part of it, and the request.
func (w *writer) ehrEntities(b []byte, a *access, resource, prefix string) []byte {
	if a.kind == logIn || a.kind == logOut {
		return b
	}
	b = append(b, `,"entity":[`...)
	comma := false
	if a.patient >= 0 {
		b = w.ehrPatients(b, a)
		comma = true
	}
	switch {
	case prefix != "" && resource != "":
		b = w.ehrObject(separate(b, &comma), a, resource, prefix)
	case resource != "":
		b = w.ehrQuery(separate(b, &comma), a, resource)
	}
	if a.encounter != 0 && resource != "Encounter" {
		b = append(separate(b, &comma), `{"what":{"reference":"Encounter/enc-`...)
		b = w.h.appendEncounter(b, a.encounter)
		b = append(b, `"}}`...)
	}
	if a.client {
		b = append(separate(b, &comma), `{"what":{"identifier":{"value":"`...)
		b = appendUUID(b, w.h.requestKey(w.p.day, w.p.pass, a))
		b = append(b, `"}},"type":{"system":"https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType","code":"XrequestId"}}`...)
	}
	return append(b, ']')
}

func separate(b []byte, comma *bool) []byte {
	if *comma {
		b = append(b, ',')
	}
	*comma = true
	return b
}

// appendPart writes what an entity was in the event, and the app its type too.
func appendPart(b []byte, a *access, typ, role string) []byte {
	if a.app {
		b = append(append(append(b, `,"type":{"system":"`+entityType+`","code":"`...), typ...), `"}`...)
	}
	return append(append(append(b, `,"role":{"system":"`+entityRole+`","code":"`...), role...), `"}`...)
}

func (w *writer) ehrPatients(b []byte, a *access) []byte {
	one := *a
	for i := range int(a.others) + 1 {
		if i > 0 {
			one.patient = w.p.beds[a.department][int(a.object)+i].patient
			b = append(b, ',')
		}
		b = append(b, `{"what":`...)
		b = w.patientWhat(b, one.patient)
		b = appendPart(b, a, "1", "1")
		b = w.labels(b, &one, false)
		if a.reason > 0 && i == 0 && a.kind == breakGlass {
			r := &reasons[a.reason-1]
			b = append(b, `,"detail":[{"type":"BTG_REASON","valueString":"`...)
			b = append(append(b, r.code...), `"},{"type":"BTG_EXPLANATION","valueString":"`...)
			b = append(append(b, r.text...), `"}]`...)
		}
		b = append(b, '}')
	}
	return b
}

func (w *writer) ehrObject(b []byte, a *access, resource, prefix string) []byte {
	b = append(append(append(b, `{"what":{"reference":"`...), resource...), '/')
	if resource == "Encounter" {
		b = w.h.appendEncounter(append(b, prefix...), a.object)
	} else {
		b = w.h.appendObject(append(b, prefix...), a.object)
	}
	b = appendPart(append(b, `"}`...), a, "2", "4")
	if a.patient >= 0 {
		b = w.labels(b, a, false)
	}
	return append(b, '}')
}

// ehrQuery writes the request of a search in base64, by the app with the headers that BALP asks for.
func (w *writer) ehrQuery(b []byte, a *access, resource string) []byte {
	q := append(append(w.query[:0], "GET https://ehr.millbrook.example/fhir/"...), resource...)
	switch a.kind {
	case searchName:
		p := &w.h.persons[w.h.patients[a.object].person]
		q = append(append(q, "?family="...), p.family()...)
		q = append(append(q, "&given="...), p.given()[:2]...)
	case listUnit, listPatients:
		q = w.h.appendDepartmentID(append(q, "?status=in-progress&location=Location/"...), a.department)
	default:
		q = w.h.appendPatientID(append(q, "?patient=Patient/"...), a.patient)
		if resource == "Observation" {
			q = append(q, "&category=laboratory"...)
		}
		q = append(q, "&_sort=-_lastUpdated&_count=20"...)
	}
	if a.app {
		q = append(q, "\nAccept: application/fhir+json; fhirVersion=4.0"...)
	}
	w.query = q
	b = w.base64Query(append(b, `{"query":"`...))
	return append(appendPart(append(b, '"'), a, "2", "24"), '}')
}
