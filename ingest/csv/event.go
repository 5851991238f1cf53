package csv

import (
	"errors"
	"strconv"
	"strings"

	"github.com/readtrail/readtrail/ingest"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// accessRow is everything that most rows need, in one piece of memory.
type accessRow struct {
	item      v1.Item
	body      v1.Item_Access
	event     v1.AccessEvent
	reader    v1.Reader
	readerID  v1.Identifier
	role      v1.Coding
	patient   v1.Patient
	patientID v1.Identifier
	object    v1.Object
	objectID  v1.Identifier
	sealed    v1.SealedItem
	readers   [1]*v1.Identifier
	patients  [1]*v1.Patient
	ids       [1]*v1.Identifier
	objects   [1]*v1.Object
}

// mapper is the state in which a row becomes an event.
type mapper struct {
	view
	src   ingest.Source
	clock *clock
	out   *accessRow
	free  *v1.FreeText
}

// setter takes one text into a field.
type setter func(m *mapper, s *source, text string) error

var errNotANumber = errors.New("not a number")

// eventFields are the keys of a mapping's event. They are a table that nobody changes.
var eventFields = map[string]struct {
	set setter
	// all: every value is taken, not the first that is not empty.
	all bool
}{
	"occurred":             {set: setOccurred},
	"occurred_end":         {set: timeSetter(func(e *v1.AccessEvent, us int64) { e.OccurredEndUs = us })},
	"recorded":             {set: timeSetter(func(e *v1.AccessEvent, us int64) { e.RecordedUs = us })},
	"action":               {set: setAction},
	"outcome":              {set: setOutcome},
	"mode":                 {set: setMode},
	"type":                 {set: codeSetter(func(e *v1.AccessEvent, c *v1.Coding) { e.Type = c })},
	"subtype":              {set: codeSetter(func(e *v1.AccessEvent, c *v1.Coding) { e.Subtypes = append(e.Subtypes, c) }), all: true},
	"purpose":              {set: codeSetter(func(e *v1.AccessEvent, c *v1.Coding) { e.Purposes = append(e.Purposes, c) }), all: true},
	"patient.id":           {set: setPatientID, all: true},
	"patient.text":         {set: func(m *mapper, _ *source, text string) error { m.patient().Text = text; return nil }},
	"object.id":            {set: setObjectID},
	"object.type":          {set: func(m *mapper, _ *source, text string) error { m.object().Type = text; return nil }},
	"object.name":          {set: func(m *mapper, _ *source, text string) error { m.object().Name = text; return nil }},
	"object.count":         {set: setObjectCount},
	"object.sensitivity":   {set: setObjectSensitivity, all: true},
	"sensitivity":          {set: textSetter(func(e *v1.AccessEvent, t string) { e.Sensitivity = append(e.Sensitivity, t) }), all: true},
	"encounter":            {set: setEncounter},
	"reader.id":            {set: setReaderID, all: true},
	"reader.name":          {set: func(m *mapper, _ *source, text string) error { m.reader().Name = text; return nil }},
	"reader.type":          {set: setReaderType},
	"reader.role":          {set: setReaderRole},
	"reader.department":    {set: func(m *mapper, _ *source, text string) error { m.reader().Department = text; return nil }},
	"on_behalf_of.id":      {set: setOnBehalfOfID},
	"on_behalf_of.name":    {set: func(m *mapper, _ *source, text string) error { m.onBehalfOf().Name = text; return nil }},
	"application.id":       {set: setApplicationID},
	"application.name":     {set: func(m *mapper, _ *source, text string) error { m.application().Name = text; return nil }},
	"organization":         {set: textSetter(func(e *v1.AccessEvent, t string) { e.Organization = t })},
	"site":                 {set: textSetter(func(e *v1.AccessEvent, t string) { e.Site = t })},
	"observer":             {set: textSetter(func(e *v1.AccessEvent, t string) { e.Observer = t })},
	"workstation":          {set: textSetter(func(e *v1.AccessEvent, t string) { e.Workstation = t })},
	"network_address":      {set: textSetter(func(e *v1.AccessEvent, t string) { e.NetworkAddress = t })},
	"session":              {set: textSetter(func(e *v1.AccessEvent, t string) { e.Session = t })},
	"request_id":           {set: textSetter(func(e *v1.AccessEvent, t string) { e.RequestId = t })},
	"source_event_id":      {set: textSetter(func(e *v1.AccessEvent, t string) { e.SourceEventId = t })},
	"source_sequence":      {set: setSequence},
	"break_glass":          {set: setBreakGlass},
	"break_glass.reason":   {set: codeSetter(func(e *v1.AccessEvent, c *v1.Coding) { e.BreakGlassReason = c })},
	"break_glass.text":     {set: func(m *mapper, _ *source, text string) error { m.freeText().BreakGlassText = text; return nil }},
	"query.text":           {set: func(m *mapper, _ *source, text string) error { m.freeText().QueryText = text; return nil }},
	"outcome.text":         {set: func(m *mapper, _ *source, text string) error { m.freeText().OutcomeText = text; return nil }},
	"disclosure.channel":   {set: disclosureSetter(func(d *v1.Disclosure, t string) { d.Channel = t })},
	"disclosure.recipient": {set: disclosureSetter(func(d *v1.Disclosure, t string) { d.RecipientName = t })},
	"disclosure.protocol":  {set: disclosureSetter(func(d *v1.Disclosure, t string) { d.Protocol = t })},
	"disclosure.exception": {set: disclosureSetter(func(d *v1.Disclosure, t string) { d.LegalException = t })},
}

func textSetter(set func(*v1.AccessEvent, string)) setter {
	return func(m *mapper, _ *source, text string) error { set(&m.out.event, text); return nil }
}

func timeSetter(set func(*v1.AccessEvent, int64)) setter {
	return func(m *mapper, _ *source, text string) error {
		at, err := m.clock.parse(text)
		if err != nil {
			return err
		}
		set(&m.out.event, at.us)
		return nil
	}
}

func codeSetter(set func(*v1.AccessEvent, *v1.Coding)) setter {
	return func(m *mapper, s *source, text string) error {
		set(&m.out.event, &v1.Coding{System: s.system, Code: text})
		return nil
	}
}

func disclosureSetter(set func(*v1.Disclosure, string)) setter {
	return func(m *mapper, _ *source, text string) error {
		if m.out.event.Disclosure == nil {
			m.out.event.Disclosure = &v1.Disclosure{}
		}
		set(m.out.event.Disclosure, text)
		return nil
	}
}

func setOccurred(m *mapper, _ *source, text string) error {
	at, err := m.clock.parse(text)
	if err != nil {
		return err
	}
	e := &m.out.event
	e.OccurredUs = at.us
	if at.flag != "" {
		e.Flags = append(e.Flags, at.flag)
	}
	if !at.exact {
		e.Flags = append(e.Flags, flagToTheMinute)
	}
	return nil
}

// setAction keeps the code as sent. One that means nothing to the mapping is an action of another kind.
func setAction(m *mapper, s *source, text string) error {
	e := &m.out.event
	e.ActionCode = s.raw(&m.view)
	e.Action = v1.Action_ACTION_OTHER
	if action, ok := actionWords[text]; ok {
		e.Action = action
	} else if s.words == nil {
		lower := strings.ToLower(text)
		if action, ok := actionWords[lower]; ok {
			e.Action = action
		} else if action, ok := actionCodes[lower]; ok {
			e.Action = action
		}
	}
	return nil
}

func setOutcome(m *mapper, s *source, text string) error {
	e := &m.out.event
	if !s.isConst {
		e.OutcomeCode = s.raw(&m.view)
	}
	if outcome, ok := outcomeWords[text]; ok {
		e.Outcome = outcome
	} else if s.words == nil {
		e.Outcome = outcomeCodes[text]
		if outcome, ok := outcomeWords[strings.ToLower(text)]; ok {
			e.Outcome = outcome
		}
	}
	return nil
}

func setMode(m *mapper, _ *source, text string) error {
	m.out.event.Mode = modeWords[text]
	return nil
}

func setSequence(m *mapper, _ *source, text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errNotANumber
	}
	m.out.event.SourceSequence = n
	return nil
}

func setBreakGlass(m *mapper, _ *source, text string) error {
	is, err := parseBool(text)
	if err != nil {
		return errors.New("neither yes nor no")
	}
	m.out.event.BreakGlass = is
	return nil
}

func (m *mapper) freeText() *v1.FreeText {
	if m.free == nil {
		m.free = &v1.FreeText{}
	}
	return m.free
}

// system is who assigns an identifier: what the mapping says, else what the source registered, else the source itself.
func (m *mapper) system(s *source, registered string) string {
	switch {
	case s.system != "":
		return s.system
	case registered != "":
		return registered
	}
	return m.src.LocalSystem()
}

func (m *mapper) patient() *v1.Patient {
	o := m.out
	if len(o.event.Patients) == 0 {
		o.patients[0] = &o.patient
		o.event.Patients = o.patients[:]
	}
	return &o.patient
}

func setPatientID(m *mapper, s *source, text string) error {
	p, o := m.patient(), m.out
	id := another(&p.Identifiers, &o.ids, &o.patientID)
	id.System, id.Value = m.system(s, m.src.PatientSystem), text
	return nil
}

// another adds an identifier to a list. The first takes the room that the row has for it, so that it costs no memory.
func another(list *[]*v1.Identifier, room *[1]*v1.Identifier, first *v1.Identifier) *v1.Identifier {
	if len(*list) == 0 {
		room[0] = first
		*list = room[:]
		return first
	}
	id := &v1.Identifier{}
	*list = append(*list, id)
	return id
}

func (m *mapper) reader() *v1.Reader {
	m.out.event.Reader = &m.out.reader
	return &m.out.reader
}

func setReaderID(m *mapper, s *source, text string) error {
	r, o := m.reader(), m.out
	id := another(&r.Identifiers, &o.readers, &o.readerID)
	id.System, id.Value = m.system(s, m.src.ReaderSystem), text
	return nil
}

func setReaderType(m *mapper, _ *source, text string) error {
	if kind, ok := readerWords[strings.ToLower(text)]; ok && kind != v1.ReaderType_READER_TYPE_UNSPECIFIED {
		m.reader().Type = kind
	}
	return nil
}

func setReaderRole(m *mapper, s *source, text string) error {
	m.out.role.System, m.out.role.Code = s.system, text
	m.reader().Role = &m.out.role
	return nil
}

func (m *mapper) object() *v1.Object {
	o := m.out
	if len(o.event.Objects) == 0 {
		o.objects[0] = &o.object
		o.event.Objects = o.objects[:]
	}
	return &o.object
}

func setObjectID(m *mapper, s *source, text string) error {
	id := &m.out.objectID
	id.System, id.Value = m.system(s, ""), text
	m.object().Id = id
	return nil
}

func setObjectCount(m *mapper, _ *source, text string) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return errNotANumber
	}
	m.object().Count = uint32(n)
	return nil
}

func setObjectSensitivity(m *mapper, _ *source, text string) error {
	m.object().Sensitivity = append(m.object().Sensitivity, text)
	return nil
}

func setEncounter(m *mapper, s *source, text string) error {
	m.out.event.Encounter = &v1.Identifier{System: m.system(s, ""), Value: text}
	return nil
}

func (m *mapper) onBehalfOf() *v1.Reader {
	if m.out.event.OnBehalfOf == nil {
		m.out.event.OnBehalfOf = &v1.Reader{}
	}
	return m.out.event.OnBehalfOf
}

func setOnBehalfOfID(m *mapper, s *source, text string) error {
	r := m.onBehalfOf()
	r.Identifiers = append(r.Identifiers, &v1.Identifier{System: m.system(s, m.src.ReaderSystem), Value: text})
	return nil
}

func (m *mapper) application() *v1.Application {
	if m.out.event.Application == nil {
		m.out.event.Application = &v1.Application{}
	}
	return m.out.event.Application
}

func setApplicationID(m *mapper, s *source, text string) error {
	m.application().Id = &v1.Identifier{System: m.system(s, ""), Value: text}
	return nil
}
