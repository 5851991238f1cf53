package fhir

import (
	"net/netip"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// agent is one AuditEvent.agent with what decides who did it.
type agent struct {
	node      int
	requestor bool
	class     agentClass
	// server: it answered; read from the type codes even when a reference says what it is.
	server bool
	// dicom is the DICOM role id among the types.
	dicom string
	// human: a type code says that it is a person.
	human  bool
	rank   int
	role   coding
	reader *v1.Reader
	// address is the network address, host the machine's name where the address is one.
	address, host string
	swiss         string
}

// Ranks of agents: the smallest did it. Real data leave requestor out or set it on machines, so it is only the first
// of the signs.
const (
	// rankRequestor: flagged as requestor, and no device or organisation.
	rankRequestor = iota + 1
	// rankHumanType: a type code that only people carry (humanuser, IRCP, UserSamlAgent, a Swiss EPR role).
	rankHumanType
	// rankHumanReference: who is a Practitioner, PractitionerRole, Patient, RelatedPerson or Person.
	rankHumanReference
	// rankMachineRequestor: flagged as requestor, but a device or organisation.
	rankMachineRequestor
	// rankUntyped: somebody with an id or a name of whom nothing says that it is a machine.
	rankUntyped
	// rankClient: the machine that asked: the destination of data that were read, the source of all other requests.
	rankClient
	rankMachine
	rankOther
)

// readAgents finds out who did it, for whom, and with which software.
func (d *Decoder) readAgents() {
	d.doc.items(d.el.agent, func(i int) {
		if d.doc.kindOf(i) == kindObject {
			d.agents = append(d.agents, d.readAgent(i))
		}
	})
	if len(d.agents) == 0 {
		d.flag(flagReaderMissing)
		return
	}
	client := d.clientRole()
	best := 0
	for i := range d.agents {
		d.agents[i].rank = d.agents[i].rankAs(client)
		if a, b := &d.agents[i], &d.agents[best]; a.rank < b.rank || a.rank == b.rank && a.rank == rankRequestor && a.human && !b.human {
			best = i
		}
	}
	reader := &d.agents[best]
	d.ev.Reader = reader.reader
	if len(reader.reader.Identifiers) == 0 && reader.reader.Name == "" {
		d.flag(flagReaderMissing)
	}
	d.sessionOf(reader.node)
	d.behalf(reader)
	d.software(client, reader)
	d.network(reader, client)
	mark := d.readers.mark()
	for i := range d.agents {
		a := &d.agents[i]
		if a.class == classOrganization && d.ev.Organization == "" {
			d.ev.Organization = nameOf(a.reader)
		}
		if a.reader != d.ev.Reader && a.reader != d.ev.OnBehalfOf {
			d.readers.add(a.reader)
		}
		d.extensionsOf(d.doc.get(a.node, "extension"))
		t := d.target(d.doc.get(a.node, "location"))
		d.addToken("location", t.text())
	}
	d.ev.Participants = d.readers.since(mark)
}

// readAgent reads one agent.
func (d *Decoder) readAgent(i int) agent {
	a := agent{node: i, reader: d.readers.next()}
	var who target
	who.contained = none
	var altID, name string
	network, role := none, none
	for j, end := d.doc.first(i), d.doc.end(i); j < end; j = d.doc.end(j) {
		switch d.doc.key(j) {
		case "type":
			d.eachCoding(j, a.addType)
		case "role":
			role = j
		case "who":
			who = d.target(j)
		case "altId":
			altID = d.doc.scalar(j)
		case "name":
			name = d.doc.stringAt(j)
		case "requestor":
			a.requestor = d.doc.kindOf(j) == kindTrue || d.doc.stringAt(j) == "true"
		case "network", "networkString", "networkUri", "networkReference":
			network = j
		case "location":
			// AuditEvent has no element for a department. Where the agent acted is what senders have; the name alone means
			// something to people, a bare reference stays an extension.
			if t := d.target(j); t.display != "" {
				a.reader.Department = t.display
			}
		}
	}
	d.eachCoding(role, func(c coding) {
		if a.role.isZero() || readerTypeOfRole(a.role.code) != 0 && readerTypeOfRole(c.code) == 0 {
			a.role = c
		}
		if readerTypeOfRole(c.code) != 0 && a.swiss == "" {
			a.swiss = c.code
			if a.class == classUnknown {
				a.addType(c)
			}
		}
	})
	d.nameReader(&a, &who, altID, name)
	d.readNetwork(&a, network)
	return a
}

// addType takes one code of agent.type into account.
func (a *agent) addType(c coding) {
	class := classOf(c)
	if isDICOM(c.system) || class == classMachine && strings.HasPrefix(c.code, "1101") {
		a.dicom = c.code
	}
	a.human = a.human || class == classHuman
	a.server = a.server || class == classServer
	if class != classUnknown && (a.class == classUnknown || class == classHuman) {
		a.class = class
	}
	if isRole(c) && a.role.isZero() {
		a.role = c
	}
	if a.swiss == "" && readerTypeOfRole(c.code) != 0 {
		a.swiss = c.code
	}
}

// nameReader fills the agent's Reader: every identifier and name it goes by, and what kind of reader it is. The
// alternative ids of machines are process ids (DICOM PS3.15 A.5.3) and name nobody.
func (d *Decoder) nameReader(a *agent, who *target, altID, name string) {
	r := a.reader
	r.Type = readerTypeOf(who.typ)
	switch r.Type {
	case v1.ReaderType_READER_TYPE_APPLICATION:
		if a.class != classServer {
			a.class = classMachine
		}
		a.human = false
	case v1.ReaderType_READER_TYPE_ORGANIZATION:
		a.class, a.human = classOrganization, false
	case v1.ReaderType_READER_TYPE_UNSPECIFIED:
		r.Type = a.typeByCode()
	default:
		if a.class == classOrganization || a.class == classUnknown {
			a.class = classHuman
		}
	}
	mark := d.ids.mark()
	d.addTarget(mark, who, d.readerSystem)
	if a.class != classMachine && a.class != classServer && a.class != classMedia {
		d.addIdentifier(mark, d.readerSystem, altID)
		d.otherIDs(mark, d.doc.get(a.node, "extension"))
	}
	r.Identifiers = d.ids.since(mark)
	if r.Name = name; name == "" {
		r.Name = who.display
	}
	r.Role = d.coding(a.role)
}

// typeByCode tells the kind of reader from type and role codes where no reference does.
func (a *agent) typeByCode() v1.ReaderType {
	if a.swiss != "" {
		return readerTypeOfRole(a.swiss)
	}
	switch a.class {
	case classHuman:
		return v1.ReaderType_READER_TYPE_PERSON
	case classMachine, classServer, classMedia:
		if a.requestor {
			// DICOM's roles say where data came from and went, also of people who asked.
			return v1.ReaderType_READER_TYPE_UNSPECIFIED
		}
		return v1.ReaderType_READER_TYPE_APPLICATION
	case classOrganization:
		return v1.ReaderType_READER_TYPE_ORGANIZATION
	}
	return v1.ReaderType_READER_TYPE_UNSPECIFIED
}

// otherIDs reads more ids of the same person: BALP ihe-otherId, R5 auditevent-AlternativeUserID.
func (d *Decoder) otherIDs(mark, list int) {
	d.doc.items(list, func(i int) {
		url := d.doc.field(i, "url")
		if !isOtherID(url) {
			return
		}
		id := d.doc.get(i, "valueIdentifier")
		if text := d.doc.field(d.doc.get(id, "type"), "text"); strings.EqualFold(text, "process id") {
			return
		}
		system, value := d.identifier(id)
		if system == "" {
			system = d.readerSystem
		}
		d.addIdentifier(mark, system, value)
	})
}

// rankAs is the agent's place in the ranking; client is the DICOM role id of the machine that asked.
func (a *agent) rankAs(client string) int {
	r := a.reader
	thing := r.Type == v1.ReaderType_READER_TYPE_APPLICATION || r.Type == v1.ReaderType_READER_TYPE_ORGANIZATION
	person := r.Type == v1.ReaderType_READER_TYPE_PRACTITIONER || r.Type == v1.ReaderType_READER_TYPE_PATIENT ||
		r.Type == v1.ReaderType_READER_TYPE_RELATED_PERSON || r.Type == v1.ReaderType_READER_TYPE_PERSON ||
		r.Type == v1.ReaderType_READER_TYPE_STAFF
	named := len(r.Identifiers) > 0 || r.Name != ""
	switch {
	case a.requestor && !thing && named:
		return rankRequestor
	case a.human && !thing && named:
		return rankHumanType
	case person && a.dicom == "":
		return rankHumanReference
	case a.requestor:
		return rankMachineRequestor
	case person:
		return rankHumanReference
	case a.class == classUnknown && !thing && named:
		return rankUntyped
	case a.class == classMachine && !a.server && (a.dicom == client || a.dicom == "110150"):
		return rankClient
	case a.class == classMachine && !a.server:
		return rankMachine
	}
	return rankOther
}

// clientRole is the DICOM role id of the machine that asked. In a read, data flow to it; in everything else from it.
func (d *Decoder) clientRole() string {
	if d.doc.stringAt(d.el.action) == "R" && !d.isExport() {
		return "110152"
	}
	return "110153"
}

// behalf finds the person for whom an assistant, a technical user or a representative acted (Swiss EPR).
func (d *Decoder) behalf(reader *agent) {
	wanted := ""
	switch reader.swiss {
	case "ASS", "TCU":
		wanted = "HCP"
	case "REP":
		wanted = "PAT"
	}
	for i := range d.agents {
		if a := &d.agents[i]; wanted != "" && a != reader && a.swiss == wanted {
			d.ev.OnBehalfOf = a.reader
			return
		}
	}
}

// software finds the application that the reader used: the client's machine, else the first that does not answer.
func (d *Decoder) software(client string, reader *agent) {
	var found *agent
	for i := range d.agents {
		a := &d.agents[i]
		if a.class != classMachine || a.server || a == reader && a.reader.Type != v1.ReaderType_READER_TYPE_APPLICATION {
			continue
		}
		if found == nil || found.dicom != client && (a.dicom == client || a.dicom == "110150" && found.dicom != "110150") {
			found = a
		}
	}
	if found == nil && reader.reader.Type == v1.ReaderType_READER_TYPE_APPLICATION {
		found = reader
	}
	if found == nil {
		return
	}
	var id *v1.Identifier
	if len(found.reader.Identifiers) > 0 {
		id = found.reader.Identifiers[0]
	}
	if id != nil || found.reader.Name != "" {
		d.ev.Application = d.applications.next()
		d.ev.Application.Id, d.ev.Application.Name = id, found.reader.Name
	}
}

// readNetwork reads R4's network.address and R5's network[x].
func (d *Decoder) readNetwork(a *agent, i int) {
	switch d.doc.kindOf(i) {
	case kindString:
		a.address = d.doc.stringAt(i)
	case kindObject:
		if a.address = d.doc.field(i, "address"); a.address == "" {
			t := d.target(i)
			a.address = t.text()
		}
	default:
		return
	}
	a.address = strings.TrimPrefix(strings.TrimPrefix(a.address, "urn:ipv6:"), "urn:ipv4:")
	if isHost(a.address) {
		a.host = a.address
	}
}

// isHost tells a machine's name from an address or a URL. Names are told before they are parsed: an error is an allocation.
func isHost(address string) bool {
	if address == "" || strings.ContainsAny(address, ":/@") {
		return false
	}
	for i := range len(address) {
		if c := address[i]; c-'0' > 9 && c != '.' {
			return true
		}
	}
	_, err := netip.ParseAddr(address)
	return err != nil
}

// network is where the reader sat: the reader's own address, else the client's, else the first one there is.
func (d *Decoder) network(reader *agent, client string) {
	from := reader
	if reader.address == "" {
		from = nil
		for i := range d.agents {
			a := &d.agents[i]
			if a.address != "" && !a.server && (from == nil || from.dicom != client && a.dicom == client) {
				from = a
			}
		}
	}
	if from == nil {
		return
	}
	d.ev.NetworkAddress = from.address
	d.ev.Workstation = from.host
	if from.host != "" {
		return
	}
	for i := range d.agents {
		if a := &d.agents[i]; a.host != "" && a.dicom == client {
			d.ev.Workstation = a.host
			return
		}
	}
}

// sessionOf reads the id of the access token (BALP keeps it in agent.policy of token users); other policies are kept.
func (d *Decoder) sessionOf(i int) {
	token := false
	d.eachCoding(d.doc.get(i, "type"), func(c coding) {
		token = token || c.code == "UserSamlAgent" || c.code == "UserOauthAgent"
	})
	d.doc.items(d.doc.get(i, "policy"), func(j int) {
		if token && d.ev.Session == "" {
			d.ev.Session = d.doc.stringAt(j)
			return
		}
		d.addToken("policy", d.doc.stringAt(j))
	})
}

// nameOf is the name to show for a participant.
func nameOf(r *v1.Reader) string {
	switch {
	case r.Name != "":
		return r.Name
	case len(r.Identifiers) > 0:
		return r.Identifiers[0].Value
	}
	return ""
}

func isOtherID(url string) bool {
	return strings.HasSuffix(url, "ihe-otherId") || strings.HasSuffix(url, "AlternativeUserID")
}
