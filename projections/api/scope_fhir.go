package api

import (
	"strconv"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// fhirForm writes a FHIR R4 Bundle of type collection: an AuditEvent a report, as Readtrail understood it. Originals are of
// many formats and may be redacted; GetEvent has each, byte for byte, at the position in the resource's id.
type fhirForm struct {
	*said
	some bool
}

func (f *fhirForm) begin(to []byte, x *scoped) []byte {
	to = append(to, `{"resourceType":"Bundle",`...)
	if f.limit(x); f.limited != "" {
		to = appendQuoted(append(to, `"meta":{"tag":[{"system":"urn:readtrail:limited-to","code":"limited","display":`...), f.limited)
		to = append(to, `}]},`...)
	}
	to = append(to, `"type":"collection","identifier":{"system":"urn:readtrail:position","value":"`...)
	to = append(to, x.pin.position.String()...)
	to = append(to, `"},"timestamp":"`...)
	to = time.UnixMicro(x.pin.received).UTC().AppendFormat(to, time.RFC3339Nano)
	return append(to, `","entry":[`...)
}

func (f *fhirForm) end(to []byte) []byte { return append(to, "\n]}\n"...) }

// documents: an AuditEvent has no place for a verdict.
func (f *fhirForm) documents() bool { return false }

func (f *fhirForm) report(to []byte, r *documented) []byte {
	if f.some {
		to = append(to, ',')
	}
	f.some = true
	id := strconv.AppendUint(nil, uint64(r.position), 10)
	id = strconv.AppendUint(append(id, '-'), uint64(r.ordinal), 10)
	to = append(append(append(to, "\n{\"fullUrl\":\"urn:readtrail:report:"...), id...), `","resource":{"resourceType":"AuditEvent","id":"`...)
	to = append(append(to, id...), `","meta":{"tag":[{"system":"urn:readtrail:report-class","code":"`...)
	to = append(append(to, r.class.String()...), `"}]},"type":{"system":"http://dicom.nema.org/resources/ontology/DCM",`...)
	if r.class == classPatientless {
		to = append(to, `"code":"110100","display":"Application Activity"}`...)
	} else {
		to = append(to, `"code":"110110","display":"Patient Record"}`...)
	}
	if action := f.action(r); action != "" {
		to = appendQuoted(append(to, `,"subtype":[{"system":"urn:readtrail:action","code":`...), action)
		to = append(to, `}]`...)
	}
	to = append(append(append(to, `,"action":"`...), fhirAction(r.action)), `","period":{"start":"`...)
	to = append(f.time(to, r.occurred), `"},"recorded":"`...)
	to = append(f.time(to, r.occurred), '"')
	if code := fhirOutcome(r.outcome); code != "" {
		to = append(append(append(to, `,"outcome":"`...), code...), '"')
	}
	to = f.agent(to, r)
	to = append(to, `,"source":{`...)
	if r.place.site != "" {
		to = append(appendQuoted(append(to, `"site":`...), r.place.site), ',')
	}
	to = append(appendQuoted(append(to, `"observer":{"display":`...), r.source), `}}`...)
	return append(f.entities(to, r), `}}`...)
}

func (f *fhirForm) agent(to []byte, r *documented) []byte {
	to = append(to, `,"agent":[{"who":{`...)
	if by := f.reader(r.packedReader); by.value != "" {
		to = appendIdentifier(append(to, `"identifier":`...), by)
	} else {
		to = append(to, `"display":"not named"`...)
	}
	to = append(to, `},"requestor":true`...)
	if r.place.workstation != "" {
		to = append(appendQuoted(append(to, `,"location":{"display":`...), r.place.workstation), '}')
	}
	if r.place.address != "" {
		to = append(appendQuoted(append(to, `,"network":{"address":`...), r.place.address), `,"type":"2"}`...)
	}
	return append(to, `}]`...)
}

func (f *fhirForm) entities(to []byte, r *documented) []byte {
	parts := f.list(r.parts)
	if r.who == nil && len(parts) == 0 {
		return to
	}
	to = append(to, `,"entity":[`...)
	some := false
	if p := r.who; p != nil {
		some = true
		to = append(to, `{"what":{`...)
		if p.resolved() {
			to = appendIdentifier(append(to, `"identifier":`...), p.members[0])
		} else {
			to = appendQuoted(append(to, `"display":`...), orText(p.text, "not named"))
		}
		to = append(to, `},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1","display":"Person"},`+
			`"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1","display":"Patient"}`...)
		to = append(f.securityLabels(to, r), '}')
	}
	for _, part := range parts {
		if some {
			to = append(to, ',')
		}
		some = true
		to = appendQuoted(append(to, `{"type":{"system":"http://hl7.org/fhir/resource-types","code":`...), part)
		to = append(to, `}}`...)
	}
	return append(to, ']')
}

func (f *fhirForm) securityLabels(to []byte, r *documented) []byte {
	labels := f.list(r.labels)
	if len(labels) == 0 {
		return to
	}
	to = append(to, `,"securityLabel":[`...)
	for i, label := range labels {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendQuoted(append(to, `{"code":`...), label), '}')
	}
	return append(to, ']')
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// fhirAction is the code of AuditEvent.action.
func fhirAction(a v1.Action) byte {
	switch a {
	case v1.Action_ACTION_CREATE:
		return 'C'
	case v1.Action_ACTION_READ, v1.Action_ACTION_PRINT, v1.Action_ACTION_EXPORT, v1.Action_ACTION_DISCLOSE:
		return 'R'
	case v1.Action_ACTION_UPDATE:
		return 'U'
	case v1.Action_ACTION_DELETE:
		return 'D'
	}
	return 'E'
}

// fhirOutcome is the code of AuditEvent.outcome.
func fhirOutcome(o v1.Outcome) string {
	switch o {
	case v1.Outcome_OUTCOME_SUCCESS:
		return "0"
	case v1.Outcome_OUTCOME_MINOR_FAILURE:
		return "4"
	case v1.Outcome_OUTCOME_SERIOUS_FAILURE:
		return "8"
	case v1.Outcome_OUTCOME_MAJOR_FAILURE:
		return "12"
	}
	return ""
}
