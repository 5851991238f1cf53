package fhir

import (
	"slices"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// readAgents lists who took part: the reader first, who is the requestor, then whom it acted for, then the others. Kinds of
// agents are those of IHE BALP: the software that asked and the one that answered by DICOM's role ids, people by their part.
func (v *view) readAgents() {
	e := v.ev
	client := v.clientKind()
	if isNamed(e.Reader) || e.Reader.GetType() != 0 {
		v.agents = append(v.agents, v.readerAgent(client))
	}
	if isNamed(e.OnBehalfOf) {
		v.addAgent(e.OnBehalfOf, v.partOf(e.OnBehalfOf, client))
	}
	for _, p := range e.Participants {
		v.addAgent(p, v.partOf(p, client))
	}
	if app := applicationOf(e); app != nil && !v.hasAgent(app) {
		v.addAgent(app, []coding{client})
	}
	if org := e.Organization; org != "" && !slices.ContainsFunc(v.agents, func(a agentView) bool { return nameOf(a.reader) == org }) {
		v.addAgent(&v1.Reader{Name: org, Type: v1.ReaderType_READER_TYPE_ORGANIZATION}, nil)
	}
	if to := recipientOf(e); to != nil && !v.hasAgent(to) {
		v.addAgent(to, []coding{recipientKind(e)})
	}
	if len(v.agents) == 0 {
		v.agents = append(v.agents, agentView{absent: true})
	}
	v.place(client)
}

func isNamed(r *v1.Reader) bool { return len(r.GetIdentifiers()) > 0 || r.GetName() != "" }

// nameOf is the name to show, else an identifier's value.
func nameOf(r *v1.Reader) string {
	if r.GetName() != "" || len(r.GetIdentifiers()) == 0 {
		return r.GetName()
	}
	return r.Identifiers[0].Value
}

// applicationOf is the software that was used, as an agent.
func applicationOf(e *v1.AccessEvent) *v1.Reader {
	a := e.Application
	if a == nil || a.Id.GetValue() == "" && a.Name == "" {
		return nil
	}
	out := &v1.Reader{Name: a.Name, Type: v1.ReaderType_READER_TYPE_APPLICATION}
	if a.Id.GetValue() != "" {
		out.Identifiers = []*v1.Identifier{a.Id}
	}
	return out
}

// recipientOf is whoever got what was disclosed or exported, as an agent.
func recipientOf(e *v1.AccessEvent) *v1.Reader {
	d := e.Disclosure
	if d == nil || d.Recipient.GetValue() == "" && d.RecipientName == "" {
		return nil
	}
	out := &v1.Reader{Name: d.RecipientName}
	if d.Recipient.GetValue() != "" {
		out.Identifiers = []*v1.Identifier{d.Recipient}
	}
	return out
}

func recipientKind(e *v1.AccessEvent) coding {
	if e.Disclosure.GetChannel() == "media" {
		return kindMedia
	}
	return kindTarget
}

// isSame reports whether two say the same agent: by their first identifiers and their names, for two machines of one event can
// have one identifier.
func isSame(a, b *v1.Reader) bool {
	if a.GetName() != b.GetName() || len(a.GetIdentifiers()) == 0 != (len(b.GetIdentifiers()) == 0) {
		return false
	}
	return len(a.GetIdentifiers()) == 0 || sameIdentifier(a.Identifiers[0], b.Identifiers[0])
}

func (v *view) hasAgent(r *v1.Reader) bool {
	return slices.ContainsFunc(v.agents, func(a agentView) bool { return isSame(a.reader, r) })
}

// clientKind is DICOM's role id of the machine that asked: data flow to it in a read, and from it in everything else.
func (v *view) clientKind() coding {
	export := func(c *v1.Coding) bool { return c.GetCode() == "110106" || c.GetCode() == "disclose" }
	if letter(v.ev) == "R" && !export(v.ev.Type) && !slices.ContainsFunc(v.ev.Subtypes, export) && !isDisclosure(v.ev) {
		return kindTarget
	}
	return kindSource
}

func isDisclosure(e *v1.AccessEvent) bool {
	return e.Action == v1.Action_ACTION_DISCLOSE || e.Action == v1.Action_ACTION_EXPORT
}

// partOf is the kind of a participant.
func (v *view) partOf(p *v1.Reader, client coding) []coding {
	if to := recipientOf(v.ev); to != nil && isSame(p, to) {
		return []coding{recipientKind(v.ev)}
	}
	switch p.Type {
	case v1.ReaderType_READER_TYPE_APPLICATION:
		if app := applicationOf(v.ev); app != nil && isSame(p, app) {
			return []coding{client}
		}
		if client == kindTarget {
			return []coding{kindSource}
		}
		return []coding{kindTarget}
	case v1.ReaderType_READER_TYPE_PERSON:
		return []coding{kindHuman}
	}
	return nil
}

// readerAgent is whoever did it. Elements that name the one who did it stay absent when nobody is named.
func (v *view) readerAgent(client coding) agentView {
	e, r := v.ev, v.ev.Reader
	var part []coding
	switch r.Type {
	case v1.ReaderType_READER_TYPE_APPLICATION:
		part = []coding{client}
	case v1.ReaderType_READER_TYPE_PRACTITIONER, v1.ReaderType_READER_TYPE_PERSON, v1.ReaderType_READER_TYPE_PATIENT,
		v1.ReaderType_READER_TYPE_RELATED_PERSON:
		part = []coding{partOfReader(e.Action)}
	}
	a := v.agent(r, part)
	a.requestor = true
	if e.Session != "" {
		a.extension = append(a.extension, extension{URL: extSession, ValueString: textOf(e.Session)})
	}
	if isNamed(e.OnBehalfOf) && !isAssistant(r) {
		a.extension = append(a.extension, extension{URL: extOnBehalfOf, ValueReference: v.refer(refs{
			ids: e.OnBehalfOf.Identifiers, name: e.OnBehalfOf.Name, typ: typeOfReader(e.OnBehalfOf), people: true, more: func(*v1.Identifier) {},
		})})
	}
	for _, x := range e.Extensions {
		switch x.Name {
		case "policy":
			a.policy = append(a.policy, uriOf(x.Value))
		case "location":
			if a.location == nil {
				a.location = &reference{}
			}
			if x.Value != a.location.Display && a.location.Identifier == nil {
				a.location.Identifier = &identifier{Value: textOf(x.Value)}
			}
		}
	}
	return a
}

// isAssistant tells the roles of the Swiss EPR whose principal is another agent of the event.
func isAssistant(r *v1.Reader) bool {
	switch r.GetRole().GetCode() {
	case "ASS", "TCU", "REP":
		return true
	}
	return false
}

// partOfReader is the part that a person plays in IHE BALP's profiles, by what was done.
func partOfReader(a v1.Action) coding {
	switch a {
	case v1.Action_ACTION_CREATE, v1.Action_ACTION_UPDATE:
		return kindAuthor
	case v1.Action_ACTION_DELETE:
		return kindCustodian
	}
	return kindRecipient
}

// addAgent adds somebody who took part without asking.
func (v *view) addAgent(r *v1.Reader, part []coding) { v.agents = append(v.agents, v.agent(r, part)) }

func (v *view) agent(r *v1.Reader, part []coding) agentView {
	a := agentView{reader: r, kinds: part}
	names := refs{ids: r.Identifiers, name: r.Name}
	if !slices.Contains(part, kindMedia) { // a medium is no device
		names.typ = typeOfReader(r)
	}
	if r.Type != v1.ReaderType_READER_TYPE_APPLICATION {
		// BALP's place for further ids of people. DICOM gives machines process ids there, so theirs go elsewhere.
		names.people = r.Type != v1.ReaderType_READER_TYPE_ORGANIZATION && v.isPerson(r)
		names.more = func(id *v1.Identifier) {
			a.extension = append(a.extension, extension{URL: extOtherID, ValueIdentifier: identifierOf(id)})
		}
	}
	a.who = v.refer(names)
	if c := codingOf(r.Role); !c.isZero() {
		a.role = []coding{c}
	}
	if text := textOf(r.Department); text != "" {
		a.location = &reference{Display: text}
	}
	return a
}

// isPerson reports whether an agent's first identifier keys nothing else of the event: not its software, not who got it.
func (v *view) isPerson(r *v1.Reader) bool {
	app, to := applicationOf(v.ev), recipientOf(v.ev)
	return (app == nil || !isSame(r, app)) && (to == nil || !isSame(r, to))
}

// typeOfReader is the resource type of an agent: what its reference says, else what kind of reader it is.
func typeOfReader(r *v1.Reader) string {
	typ := ""
	if len(r.Identifiers) > 0 {
		typ = typeOfReference(r.Identifiers[0].Value)
	}
	switch r.Type {
	case v1.ReaderType_READER_TYPE_PRACTITIONER:
		return oneOf(typ, "Practitioner", "PractitionerRole")
	case v1.ReaderType_READER_TYPE_PATIENT:
		return "Patient"
	case v1.ReaderType_READER_TYPE_RELATED_PERSON:
		return "RelatedPerson"
	case v1.ReaderType_READER_TYPE_APPLICATION:
		return oneOf(typ, "Device", "DeviceDefinition", "Endpoint")
	case v1.ReaderType_READER_TYPE_ORGANIZATION:
		return oneOf(typ, "Organization", "CareTeam", "HealthcareService", "Group")
	}
	return ""
}

// oneOf is the type where it is one of the allowed, else the first of them.
func oneOf(typ string, allowed ...string) string {
	if slices.Contains(allowed, typ) {
		return typ
	}
	return allowed[0]
}

// place says where they sat: the address at the software that was used, or at the reader where the workstation has a name
// of its own, which then stands at the software.
func (v *view) place(client coding) {
	address, workstation := textOf(v.ev.NetworkAddress), textOf(v.ev.Workstation)
	if address == "" {
		address, workstation = workstation, ""
	}
	if address == "" || v.agents[0].absent {
		return
	}
	at := slices.IndexFunc(v.agents, func(a agentView) bool {
		return !a.requestor && slices.ContainsFunc(a.kinds, func(c coding) bool { return c.Code == client.Code })
	})
	switch {
	case workstation != "" && workstation != address:
		v.agents[0].address = address
		if at >= 0 {
			v.agents[at].address = workstation
		}
	case at >= 0 && networkType(address) != networkName:
		v.agents[at].address = address
	default:
		v.agents[0].address = address
	}
}

// addresses are all that a search by address looks at.
func (v *view) addresses() []string {
	var out []string
	for _, a := range v.agents {
		if a.address != "" {
			out = append(out, a.address)
		}
	}
	return out
}
