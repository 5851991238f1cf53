package fhir

import (
	"slices"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// entity is one AuditEvent.entity.
type entity struct {
	what       target
	typ, role  coding
	name       string
	lifecycle  string
	query      string
	isQuery    bool
	sensitive  int
	detail     int
	desc       string
	annotation int
}

// readEntities reads whose record was touched and which parts of it.
func (d *Decoder) readEntities() {
	patients, objects := d.patients.mark(), d.objects.mark()
	if t := d.target(d.el.patient); !t.isZero() {
		d.addPatient(patients, &t, "")
	}
	if t := d.target(d.el.encounter); !t.isZero() {
		d.ev.Encounter = d.firstIdentifier(&t, d.ownSystem)
	}
	d.kvnr = ""
	d.doc.items(d.el.entity, func(i int) {
		if d.doc.kindOf(i) != kindObject {
			return
		}
		e := d.readEntity(i)
		d.useEntity(patients, &e)
	})
	if d.patients.mark() == patients && d.kvnr != "" {
		p := d.patients.next()
		p.Text = d.kvnr
		d.patients.add(p)
	}
	d.ev.Patients = d.patients.since(patients)
	d.ev.Objects = d.objects.since(objects)
}

func (d *Decoder) readEntity(i int) entity {
	e := entity{sensitive: none, detail: none, annotation: none}
	e.what.contained = none
	for j, end := d.doc.first(i), d.doc.end(i); j < end; j = d.doc.end(j) {
		switch d.doc.key(j) {
		case "what":
			e.what = d.target(j)
		case "type":
			e.typ = d.firstCoding(j)
		case "role":
			e.role = d.firstCoding(j)
		case "lifecycle":
			e.lifecycle = d.firstCoding(j).code
		case "name":
			e.name = d.doc.stringAt(j)
		case "description":
			e.desc = d.doc.stringAt(j)
		case "query":
			e.query = d.doc.stringAt(j)
		case "securityLabel":
			e.sensitive = j
		case "detail":
			e.detail = j
		case "extension":
			e.annotation = j
		}
	}
	e.isQuery = e.role.code == "24" || e.query != ""
	return e
}

// useEntity puts one entity where it belongs.
func (d *Decoder) useEntity(patients int, e *entity) {
	d.details(e.detail)
	d.extensionsOf(e.annotation)
	if e.typ.code == "XrequestId" || d.isTrace(e) {
		if d.ev.RequestId == "" {
			d.ev.RequestId = e.what.text()
		}
		return
	}
	if e.isQuery {
		d.useQuery(e)
	}
	if e.lifecycle != "" && d.lifecycle == "" {
		d.lifecycle = e.lifecycle
	}
	patient := d.isPatient(e)
	if patient {
		d.eachCoding(e.sensitive, d.addSensitivity)
		d.addPatient(patients, &e.what, e.name)
	}
	if patient && (e.role.code == "1" || e.role.code == "") {
		return
	}
	switch e.what.typ {
	case "Encounter":
		if d.ev.Encounter == nil {
			d.ev.Encounter = d.firstIdentifier(&e.what, d.ownSystem)
		}
	case "Consent":
		if d.consent == nil {
			d.consent = d.firstIdentifier(&e.what, d.ownSystem)
		}
	}
	if e.typ.code == "Consent" && d.consent == nil {
		d.consent = d.firstIdentifier(&e.what, d.ownSystem)
	}
	if isKVNR(e.name) {
		// The text is the patient's, not the object's.
		if d.kvnr == "" {
			d.kvnr = e.name
		}
		e.name = ""
	}
	d.addObject(e)
}

// isPatient tells an entity that is a patient: its role says so (FHIR object-role 1, DICOM ParticipantObjectTypeCodeRole
// 1), its reference is to one, or its type is the resource type.
func (d *Decoder) isPatient(e *entity) bool {
	switch e.what.typ {
	case "Patient":
		return true
	case "", "Person", "Group", "ResearchSubject":
		return e.role.code == "1" || e.typ.code == "Patient" && e.what.typ == ""
	}
	return false
}

// isTrace tells an identifier that client and server share beside X-Request-Id (R5's example: type.text "TraceID").
func (d *Decoder) isTrace(e *entity) bool {
	return e.role.code == "21" && e.what.value == "" && e.what.idValue != ""
}

// addPatient adds a patient, or what is new about one who is there already. Without any identifier the patient stays
// text: unresolved, never guessed.
func (d *Decoder) addPatient(from int, t *target, name string) {
	mark := d.ids.mark()
	d.addTarget(mark, t, d.patientSystem)
	ids := d.ids.scratch[mark:]
	if name == "" {
		name = t.display
	}
	for _, p := range d.patients.scratch[from:] {
		if !sharesIdentifier(p, ids) && (len(ids) > 0 || len(p.Identifiers) > 0 || p.Text != name) {
			continue
		}
		for _, id := range ids {
			if !sharesIdentifier(p, []*v1.Identifier{id}) {
				p.Identifiers = append(slices.Clip(p.Identifiers), id)
			}
		}
		if p.Text == "" {
			p.Text = name
		}
		_ = d.ids.since(mark)
		return
	}
	p := d.patients.next()
	p.Identifiers = d.ids.since(mark)
	p.Text = name
	if len(p.Identifiers) > 0 || p.Text != "" {
		d.patients.add(p)
	}
}

func sharesIdentifier(p *v1.Patient, ids []*v1.Identifier) bool {
	for _, a := range p.Identifiers {
		for _, b := range ids {
			if a.System == b.System && a.Value == b.Value {
				return true
			}
		}
	}
	return false
}

// addObject adds a part of a record. A query that names nothing is no object.
func (d *Decoder) addObject(e *entity) {
	id := d.firstIdentifier(&e.what, d.ownSystem)
	name := e.name
	if name == "" {
		name = e.what.display
	}
	if id == nil && (name == "" && e.what.contained == none || e.isQuery && name == "") {
		return
	}
	o := d.objects.next()
	o.Id, o.Name = id, name
	switch {
	case e.what.typ != "":
		o.Type = e.what.typ
	case e.typ.system != "" && strings.HasSuffix(e.typ.system, "resource-types"):
		o.Type = e.typ.code
	case e.role.display != "":
		o.Type = e.role.display
	case e.typ.display != "":
		o.Type = e.typ.display
	default:
		o.Type = e.typ.code
	}
	d.eachCoding(e.sensitive, func(c coding) {
		if isSensitivity(c) {
			o.Sensitivity = append(o.Sensitivity, c.code)
		}
	})
	d.objects.add(o)
}

// useQuery seals a query's text and looks for the request id that BALP puts into it.
func (d *Decoder) useQuery(e *entity) {
	text := queryText(e.query)
	if text == "" {
		text = e.desc
	}
	d.addText(&d.free.query, text)
	if d.ev.RequestId == "" {
		d.ev.RequestId = requestIDIn(text)
	}
	d.hasQuery = true
}

// details reads entity.detail: purposes and break-glass reasons sit here in messages that came from DICOM or XSPA.
func (d *Decoder) details(list int) {
	d.doc.items(list, func(i int) {
		t := d.doc.get(i, "type")
		name := d.doc.stringAt(t)
		if name == "" {
			if c := d.firstCoding(t); c.code != "" {
				name = c.code
			} else {
				name = c.display
			}
		}
		value := d.doc.field(i, "valueString")
		for j, end := d.doc.first(i), d.doc.end(i); value == "" && d.doc.kindOf(i) == kindObject && j < end; j = d.doc.end(j) {
			switch key := d.doc.key(j); {
			case key == "valueCodeableConcept":
				value = d.firstCoding(j).code
			case key == "valueBase64Binary":
				value = queryText(d.doc.stringAt(j))
			case strings.HasPrefix(key, "value"):
				value = d.doc.scalar(j)
			}
		}
		switch lower := strings.ToLower(name); {
		case value == "":
		case isPurpose(lower):
			d.late = append(d.late, coding{code: value})
		case strings.Contains(lower, "break") && strings.Contains(lower, "glass") || strings.Contains(lower, "btg"):
			d.addText(&d.free.breakGlass, value)
			d.ev.BreakGlass = true
		default:
			d.addToken(name, value)
		}
	})
}

// purposes reads every place that a purpose of use is stated in: R4 purposeOfEvent, R5 authorization, each agent's
// purposeOfUse or authorization, extensions of the event and the agents, details of entities. None is invented.
func (d *Decoder) purposes() {
	mark := d.codings.mark()
	add := func(c coding) {
		d.addCoding(mark, c)
		if isBreakGlass(c.code) {
			d.breakGlass(c)
		}
		d.systemPurpose = d.systemPurpose || isSystemPurpose(c.code)
	}
	d.eachCoding(d.el.purpose, add)
	d.eachCoding(d.el.authorization, add)
	d.purposeExtensions(d.el.extension, add)
	for i := range d.agents {
		node := d.agents[i].node
		d.eachCoding(d.doc.get(node, "purposeOfUse"), add)
		d.eachCoding(d.doc.get(node, "authorization"), add)
		d.purposeExtensions(d.doc.get(node, "extension"), add)
	}
	for _, c := range d.late {
		add(c)
	}
	d.ev.Purposes = d.codings.since(mark)
}

// purposeExtensions looks for purposes in extensions, also in extensions of extensions (SAML and OAuth profiles).
func (d *Decoder) purposeExtensions(list int, add func(coding)) {
	d.doc.items(list, func(i int) {
		url := d.doc.field(i, "url")
		inner := d.doc.get(i, "extension")
		if inner != none {
			d.purposeExtensions(inner, add)
		}
		if !isPurpose(url) {
			return
		}
		for j, end := d.doc.first(i), d.doc.end(i); d.doc.kindOf(i) == kindObject && j < end; j = d.doc.end(j) {
			if strings.HasPrefix(d.doc.key(j), "value") {
				d.eachCoding(j, add)
			}
		}
	})
}

// isKVNR tells a German health insurance number: a capital letter and nine digits. The German e-prescription service
// writes it into entity.name, which any other text may stand in too: so it is kept as text, unresolved.
func isKVNR(s string) bool {
	if len(s) != 10 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// mayBePurpose reports whether a name holds the word, which most do not.
func mayBePurpose(name string) bool {
	const word = "purpose"
	for i := 0; i+len(word) <= len(name); i++ {
		if name[i]|0x20 == word[0] && strings.EqualFold(name[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// isPurpose tells names of extensions and details that carry a purpose of use.
func isPurpose(name string) bool {
	if !mayBePurpose(name) {
		return false
	}
	name = strings.ToLower(name)
	return strings.Contains(name, "purposeofuse") || strings.Contains(name, "purpose-of-use") ||
		strings.Contains(name, "purpose_of_use") || strings.Contains(name, "purposeofevent")
}
