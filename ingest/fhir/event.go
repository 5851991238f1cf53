package fhir

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto/fhirid"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Versions of AuditEvent, told apart by shape. R4B has R4's shape.
const (
	formatR4 = "R4"
	formatR5 = "R5"
)

// Flags of an event: it was kept, and this is worth a warning.
const (
	flagOccurredInvalid = "occurred_invalid"
	flagTimePartial     = "time_partial"
	flagTimeZoneless    = "time_zone_assumed"
	flagTypeMissing     = "type_missing"
	flagReaderMissing   = "reader_missing"
	flagOutcomeMissing  = "outcome_missing"
)

const (
	// maxExtensions bounds what one event keeps beyond its own fields; the original has the rest.
	maxExtensions = 32
	// maxToken is how long a coded fact may be to be kept as an extension: a URI or an id, not prose.
	maxToken = 256
)

// elements are the nodes of an AuditEvent's top-level elements, R4's and R5's.
type elements struct {
	id, meta, recorded, action, agent, source, entity, extension int
	typ, subtype, outcome, outcomeDesc, purpose, period          int
	code, category, authorization, patient, encounter, basedOn   int
	occurredDateTime, occurredPeriod, severity                   int
}

func (d *Decoder) readElements() elements {
	e := elements{
		none, none, none, none, none, none, none, none, none, none, none, none,
		none, none, none, none, none, none, none, none, none, none, none,
	}
	for j, end := 1, d.doc.end(0); j < end; j = d.doc.end(j) {
		if slot := e.slot(d.doc.key(j)); slot != nil && d.doc.kindOf(j) != kindNull {
			*slot = j
		}
	}
	return e
}

func (e *elements) slot(name string) *int {
	switch name {
	case "id":
		return &e.id
	case "meta":
		return &e.meta
	case "recorded":
		return &e.recorded
	case "action":
		return &e.action
	case "agent":
		return &e.agent
	case "source":
		return &e.source
	case "entity":
		return &e.entity
	case "extension":
		return &e.extension
	case "type":
		return &e.typ
	case "subtype":
		return &e.subtype
	case "outcome":
		return &e.outcome
	case "outcomeDesc":
		return &e.outcomeDesc
	case "purposeOfEvent":
		return &e.purpose
	case "period":
		return &e.period
	case "code":
		return &e.code
	case "category":
		return &e.category
	case "authorization":
		return &e.authorization
	case "patient":
		return &e.patient
	case "encounter":
		return &e.encounter
	case "basedOn":
		return &e.basedOn
	case "occurredDateTime":
		return &e.occurredDateTime
	case "occurredPeriod":
		return &e.occurredPeriod
	case "severity":
		return &e.severity
	}
	return nil
}

// version tells R5 by the elements that only it has. What has neither R4's nor R5's counts as R4.
func (d *Decoder) version(e *elements) string {
	r5 := e.code != none || e.category != none || d.doc.kindOf(e.outcome) == kindObject
	r4 := e.typ != none || e.subtype != none || e.purpose != none
	if r5 || !r4 && (e.occurredDateTime != none || e.occurredPeriod != none || e.patient != none || e.authorization != none) {
		return formatR5
	}
	return formatR4
}

// auditEvent maps the scanned AuditEvent. The only thing that it cannot do without is a time: AuditEvent.recorded.
func (d *Decoder) auditEvent(ev *v1.AccessEvent) error {
	e := d.readElements()
	recorded, err := d.recorded(&e)
	if err != nil {
		return err
	}
	d.ev, d.el, d.flags, d.free = ev, &e, d.flags[:0], texts{}
	ev.Source = d.src.Name
	ev.SourceEventId = d.doc.scalar(e.id)
	ev.Format = d.version(&e)
	ev.RecordedUs = recorded.at.UnixMicro()
	if recorded.partial {
		d.flag(flagTimePartial)
	}
	if recorded.zoneless {
		d.flag(flagTimeZoneless)
	}
	d.occurred()
	d.kinds()
	d.outcome()
	d.labels()
	d.reporter()
	d.readEntities()
	d.readAgents()
	d.purposes()
	d.rest()
	d.action()
	d.disclosure()
	d.mode()
	d.close()
	return nil
}

func (d *Decoder) flag(name string) {
	if !slices.Contains(d.flags, name) {
		d.flags = append(d.flags, name)
	}
}

func (d *Decoder) recorded(e *elements) (stamp, error) {
	if e.recorded == none {
		return stamp{}, &ingest.DecodeError{
			Reason: ingest.ReasonMissingElement, Element: "AuditEvent.recorded",
			Message: "the event does not say when it was recorded",
		}
	}
	at, ok := parseInstant(d.doc.stringAt(e.recorded), d.src.Zone)
	if !ok {
		err := d.doc.failOffset(none, int(d.doc.nodes[e.recorded].start), ingest.ReasonInvalidValue)
		err.Element, err.Message = "AuditEvent.recorded", "this is no date and time"
		return stamp{}, err
	}
	return at, nil
}

// occurred reads R5's occurred[x] and R4's period. Without either, the recorded time is also the event's own: both
// versions map DICOM's EventDateTime, which is when it happened, to recorded.
func (d *Decoder) occurred() {
	ev, e := d.ev, d.el
	ev.OccurredUs = ev.RecordedUs
	period := e.occurredPeriod
	if period == none {
		period = e.period
	}
	start, end := e.occurredDateTime, none
	if start == none && period != none {
		start, end = d.doc.get(period, "start"), d.doc.get(period, "end")
	}
	if start != none {
		at, ok := parseInstant(d.doc.stringAt(start), d.src.Zone)
		if !ok {
			d.flag(flagOccurredInvalid)
		} else {
			ev.OccurredUs = at.at.UnixMicro()
			if at.partial {
				d.flag(flagTimePartial)
			}
			if at.zoneless {
				d.flag(flagTimeZoneless)
			}
		}
	}
	if end != none {
		if at, ok := parseInstant(d.doc.stringAt(end), d.src.Zone); ok {
			ev.OccurredEndUs = at.at.UnixMicro()
		} else {
			d.flag(flagOccurredInvalid)
		}
	}
}

// kinds reads what kind of event it is: R4 type and subtype, R5 code and category. The first coding of R4's type and of
// R5's code is the type, all others are subtypes.
func (d *Decoder) kinds() {
	mark := d.codings.mark()
	var first coding
	add := func(c coding) {
		if isBreakGlass(c.code) {
			d.breakGlass(c)
		}
		if first.isZero() {
			first = c
			return
		}
		d.addCoding(mark, c)
	}
	if d.ev.Format == formatR5 {
		d.eachCoding(d.el.code, add)
		d.eachCoding(d.el.category, add)
	} else {
		d.eachCoding(d.el.typ, add)
		d.eachCoding(d.el.subtype, add)
	}
	d.ev.Type = d.coding(first)
	if first.isZero() {
		d.flag(flagTypeMissing)
	}
	d.ev.Subtypes = d.codings.since(mark)
}

// breakGlass keeps the first code that says so.
func (d *Decoder) breakGlass(c coding) {
	d.ev.BreakGlass = true
	if d.ev.BreakGlassReason == nil {
		d.ev.BreakGlassReason = d.coding(c)
	}
}

func (d *Decoder) outcome() {
	ev, e := d.ev, d.el
	if d.doc.kindOf(e.outcome) == kindObject {
		c := d.firstCoding(d.doc.get(e.outcome, "code"))
		if c.isZero() {
			c = d.readCoding(e.outcome)
		}
		ev.OutcomeCode = c.code
		d.doc.items(d.doc.get(e.outcome, "detail"), func(i int) {
			text := d.doc.field(i, "text")
			c := d.firstCoding(i)
			if text == "" {
				text = c.display
			}
			d.addText(&d.free.outcome, text)
			for _, word := range []string{text, c.code} {
				if word == "CONSENT_PERMIT" || word == "CONSENT_DENY" {
					d.addExtension("consent_decision", strings.ToLower(word[len("CONSENT_"):]))
				}
			}
		})
	} else {
		ev.OutcomeCode = d.doc.scalar(e.outcome)
	}
	ev.Outcome = outcomeOf(ev.OutcomeCode)
	if ev.OutcomeCode == "" {
		d.flag(flagOutcomeMissing)
	}
	d.addText(&d.free.outcome, d.doc.stringAt(e.outcomeDesc))
}

// addText adds a line to a text that will be sealed.
func (d *Decoder) addText(to *string, text string) {
	switch {
	case text == "":
	case *to == "":
		*to = text
	default:
		*to += "\n" + text
	}
}

// labels reads the sensitivity of the whole event.
func (d *Decoder) labels() {
	d.eachCoding(d.doc.get(d.el.meta, "security"), d.addSensitivity)
}

func (d *Decoder) addSensitivity(c coding) {
	if isSensitivity(c) && !slices.Contains(d.ev.Sensitivity, c.code) {
		d.ev.Sensitivity = append(d.ev.Sensitivity, c.code)
	}
}

// reporter reads who reports the event: site is a string in R4 and a reference in R5.
func (d *Decoder) reporter() {
	source := d.el.source
	if d.doc.kindOf(source) == kindArray && d.doc.first(source) < d.doc.end(source) {
		source = d.doc.first(source)
	}
	site := d.doc.get(source, "site")
	if d.doc.kindOf(site) == kindString {
		d.ev.Site = d.doc.stringAt(site)
	} else {
		t := d.target(site)
		if d.ev.Site = t.display; t.display == "" {
			d.ev.Site = t.text()
		}
	}
	observer := d.target(d.doc.get(source, "observer"))
	if d.ev.Observer = observer.text(); d.ev.Observer == "" && observer.contained != none {
		d.ev.Observer = d.displayName(observer.contained)
	}
}

// rest keeps what has no field of its own: coded facts only, and never prose.
func (d *Decoder) rest() {
	d.doc.items(d.el.basedOn, d.addBasedOn)
	d.doc.items(d.el.extension, func(i int) {
		if isBasedOn(d.doc.field(i, "url")) {
			d.addBasedOn(d.doc.get(i, "valueReference"))
		}
	})
	d.addToken("severity", d.doc.stringAt(d.el.severity))
	d.extensionsOf(d.el.extension)
}

// basedOn is the name under which it is kept what the event is based on: the only one that nothing else of an event can write.
const basedOn = "based_on"

// isBasedOn tells the extensions by which R4 says AuditEvent.basedOn: R5's element, and that of the extensions pack.
func isBasedOn(url string) bool {
	return url == "http://hl7.org/fhir/5.0/StructureDefinition/extension-AuditEvent.basedOn" ||
		url == "http://hl7.org/fhir/StructureDefinition/event-basedOn"
}

// addBasedOn keeps a reference of AuditEvent.basedOn: of the source's own server its type and id, of another one with the URL of that server, so that
// neither is taken for the other. What names no resource is kept under a name of its own.
func (d *Decoder) addBasedOn(i int) {
	t := d.target(i)
	if t.value == "" && t.idSystem == d.ownSystem { // as Readtrail's read-back names what is of the source's server
		t.system = d.localSystem
		_, t.value, t.typ = fhirid.Split(t.idValue, d.localSystem)
	}
	switch {
	case t.value == "" || !strings.HasPrefix(t.value, t.typ+"/"):
		d.addToken("based_on_text", t.text())
	case t.system == d.localSystem && isToken(basedOn, t.value):
		d.addExtension(basedOn, t.value)
	case isToken(basedOn, t.system+"/"+t.value):
		d.addExtension(basedOn, t.system+"/"+t.value)
	}
}

// extensionsOf keeps the coded values of extensions under their URL.
func (d *Decoder) extensionsOf(list int) {
	d.doc.items(list, func(i int) {
		url := d.doc.field(i, "url")
		if isOtherID(url) || isPurpose(url) || isBasedOn(url) {
			return
		}
		for j, end := d.doc.first(i), d.doc.end(i); d.doc.kindOf(i) == kindObject && j < end; j = d.doc.end(j) {
			name := d.doc.key(j)
			switch {
			case !strings.HasPrefix(name, "value"):
			case name == "valueCodeableConcept" || name == "valueCoding":
				d.addToken(url, d.firstCoding(j).code)
			case name == "valueReference":
				t := d.target(j)
				d.addToken(url, t.text())
			case name == "valueIdentifier":
				_, value := d.identifier(j)
				d.addToken(url, value)
			default:
				d.addToken(url, d.doc.scalar(j))
			}
		}
	})
}

// addToken keeps a coded fact. Codes, ids and URIs hold no blanks: what does may be something that a person typed, and
// stays in the sealed original only.
func (d *Decoder) addToken(name, value string) {
	if name != basedOn && isToken(name, value) {
		d.addExtension(name, value)
	}
}

func isToken(name, value string) bool {
	return len(value) <= maxToken && len(name) <= maxToken && !strings.ContainsAny(value, " \t\r\n")
}

// queryText is a query's text: base64 as FHIR has it, or the text itself as some write it.
func queryText(s string) string {
	if plain, err := base64.StdEncoding.DecodeString(s); err == nil {
		return strings.ToValidUTF8(string(plain), "\uFFFD")
	}
	return s
}

// requestIDIn finds an "X-Request-Id" header in a query's text, as IHE BALP records it.
func requestIDIn(query string) string {
	const header = "x-request-id:"
	for line := range strings.Lines(query) {
		if len(line) > len(header) && strings.EqualFold(line[:len(header)], header) {
			return strings.TrimSpace(line[len(header):])
		}
	}
	return ""
}

// close puts the lists into the event and leaves no scratch behind.
func (d *Decoder) close() {
	d.ev.Extensions = d.extensions.since(0)
	if len(d.flags) > 0 {
		d.ev.Flags = append([]string(nil), d.flags...)
	}
	d.agents = d.agents[:0]
}
