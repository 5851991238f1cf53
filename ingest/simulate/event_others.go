package simulate

import "time"

// pacs writes an event of the image archive: FHIR R5.
func (w *writer) pacs(b []byte, a *access, at int64) []byte {
	k := &kindTable[a.kind]
	b = append(b, `{"resourceType":"AuditEvent","id":"`...)
	b = w.h.appendEventID(b, w.p.day, w.p.pass, a)
	b = append(b, `","category":[{"coding":[{"system":"`+dcm+`","code":"110103","display":"DICOM Instances Accessed"}]}],"code":`...)
	b = appendConcept(b, restful, k.code, "")
	b = append(append(append(b, `,"action":"`...), k.action...), `","occurredDateTime":"`...)
	b = appendTime(b, at-int64(mix(uint64(a.ordinal))%700), time.UTC)
	b = append(b, `","recorded":"`...)
	b = appendTime(b, at, time.UTC)
	if a.outcome == success {
		b = append(b, `","outcome":{"code":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-outcome","code":"0"}}`...)
	} else {
		b = append(b, `","outcome":{"code":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-outcome","code":"4"},"detail":[{"text":"study is locked"}]}`...)
	}
	if a.use != unstated {
		b = append(b, `,"authorization":[`...)
		b = append(appendConcept(b, actReason, useTable[a.use].code, useTable[a.use].display), ']')
	}
	b = append(b, `,"patient":{"identifier":{"system":"`+MRNSystem+`","value":"`...)
	b = w.h.appendMRN(b, a.patient)
	b = append(b, `"}}`...)
	if a.encounter != 0 {
		b = append(b, `,"encounter":{"reference":"Encounter/`...)
		b = append(w.h.appendEncounter(append(b, "enc-"...), a.encounter), `"}`...)
	}
	badge := &w.h.badge[a.staff]
	b = append(b, `,"agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/extra-security-role-type","code":"humanuser"}]},"role":`...)
	b = append(append(append(b, badge.role...), `,"who":`...), badge.whoID...)
	b = append(b, `,"requestor":true,"location":{"display":"`...)
	b = append(append(b, w.h.departments[a.department].name...), `"},"networkString":"`...)
	b = w.address(b, a)
	b = append(b, `"},{"type":{"coding":[{"system":"`+dcm+`","code":"110150"}]},"who":{"display":"`...)
	if a.department == uint16(w.h.byUnit[radiology][0]) {
		b = append(b, `Diagnostic Workstation`...)
	} else {
		b = append(b, `Web Viewer`...)
	}
	b = append(b, `"},"requestor":false}],"source":{"site":{"display":"Imaging Center"},"observer":{"identifier":{"value":"pacs-imaging"},"display":"pacs-imaging"},"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"5"}]}]},"entity":[{"what":{"reference":"ImagingStudy/is-`...)
	b = w.h.appendObject(b, a.object)
	b = append(b, `","identifier":{"system":"`+accession+`","value":"A`...)
	b = w.h.appendObject(b, a.object)
	b = append(b, `"}},"role":{"coding":[{"system":"`+entityRole+`","code":"3","display":"Report"}]}`...)
	return append(w.labels(b, a, true), `}]}`...)
}

// lab writes an event of the laboratory and its portal: FHIR R4 as a product makes it that has never heard of BALP.
func (w *writer) lab(b []byte, a *access, at int64) []byte {
	k := &kindTable[a.kind]
	b = append(b, `{"resourceType":"AuditEvent","id":"`...)
	b = w.h.appendEventID(b, w.p.day, w.p.pass, a)
	b = append(b, `","type":{"system":"`+dcm+`","code":"110110","display":"Patient Record"},"action":"`...)
	b = append(append(b, k.action...), `","recorded":"`...)
	b = appendTime(b, at, time.UTC)
	b = append(append(append(b, `","outcome":"`...), outcomes[a.outcome]...), `","agent":[{`...)
	if a.staff < 0 {
		p := &w.h.persons[w.h.patients[a.patient].person]
		b = append(b, `"who":{"type":"Patient","identifier":{"system":"`+MRNSystem+`","value":"`...)
		b = w.labMRN(b, a.patient)
		b = append(append(append(b, `"},"display":"`...), p.name()...), `"},"requestor":true,"network":{"address":"198.51.100.`...)
		b = appendInt(b, 1+a.patient%250)
	} else {
		badge := &w.h.badge[a.staff]
		b = append(append(append(b, `"role":`...), badge.role...), `,"who":`...)
		b = append(append(append(b, badge.whoID...), `,"altId":"`...), badge.login...)
		b = append(append(b, `","name":"`...), w.h.persons[w.h.staff[a.staff].person].given()...)
		b = append(append(b, ' '), w.h.persons[w.h.staff[a.staff].person].atWork()...)
		b = append(b, `","requestor":true,"network":{"address":"`...)
		b = w.address(b, a)
	}
	b = append(b, `","type":"2"}`...)
	if a.use == patientRequest {
		b = append(b, `,"purposeOfUse":[{"coding":[{"system":"`+actReason+`","code":"PATRQT","display":"patient requested"}]}]`...)
	}
	b = append(b, `}],"source":{"site":"lab-portal","observer":{"identifier":{"value":"lab-portal.millbrook.example"}},"type":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"3","display":"Web Server"}]},"entity":[{"what":{"identifier":{"system":"`+MRNSystem+`","value":"`...)
	b = w.labMRN(b, a.patient)
	b = append(b, `"}},"type":{"system":"`+entityType+`","code":"1","display":"Person"},"role":{"system":"`+entityRole+`","code":"1","display":"Patient"}`...)
	b = w.labels(b, a, false)
	b = append(b, `},{"what":{"identifier":{"system":"`+accession+`","value":"L`...)
	b = w.h.appendObject(b, a.object)
	return append(b, `"}},"type":{"system":"`+entityType+`","code":"2","display":"System Object"},"role":{"system":"`+entityRole+`","code":"3","display":"Report"},"name":"Laboratory report"}]}`...)
}

// labMRN is the record number that the laboratory knows: it has not followed the merges.
func (w *writer) labMRN(b []byte, patient int32) []byte {
	if w.h.patients[patient].duplicate > 0 {
		return w.h.appendOldMRN(b, patient)
	}
	return w.h.appendMRN(b, patient)
}
