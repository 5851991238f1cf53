package fhir

import (
	"slices"
	"strconv"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

	"github.com/readtrail/readtrail/proto/fhirid"
)

// Version of FHIR that an AuditEvent is emitted as. R4B has R4's AuditEvent.
type Version int

// The versions.
const (
	R4 Version = iota
	R5
)

// Found is an event as a question found it.
type Found struct {
	// ID is the text of the event's KSUID.
	ID    string
	Event *v1.AccessEvent
	// ReceivedUs is when the journal received it.
	ReceivedUs int64
	// ConflictsWith is the text of the id under which other content stands; "" for nearly all.
	ConflictsWith string
}

// view is an event on its way into either version: what both say in the same way.
type view struct {
	found     Found
	ev        *v1.AccessEvent
	contained []contained
	agents    []agentView
	entities  []entityView
}

// agentView is one AuditEvent.agent.
type agentView struct {
	reader    *v1.Reader
	kinds     []coding
	who       *reference
	requestor bool
	address   string
	extension []extension
	role      []coding
	location  *reference
	policy    []string
	// absent: nobody is named, and whether it was the requestor is not known.
	absent bool
}

// entityView is one AuditEvent.entity.
type entityView struct {
	what        *reference
	typ, role   coding
	sensitivity []string
	detail      []detail
}

// detail is AuditEvent.entity.detail; the value is a string in all that is emitted.
type detail struct{ name, value string }

// Words of entities.
var (
	entityPerson  = coding{System: systemEntityType, Code: "1", Display: "Person"}
	entityObject  = coding{System: systemEntityType, Code: "2", Display: "System Object"}
	rolePatient   = coding{System: systemObjectRole, Code: "1", Display: "Patient"}
	roleResource  = coding{System: systemObjectRole, Code: "4", Display: "Domain Resource"}
	roleQuery     = coding{System: systemObjectRole, Code: "24", Display: "Query"}
	roleJobStream = coding{System: systemObjectRole, Code: "21", Display: "Job Stream"}
	entityRequest = coding{System: systemBALPEntity, Code: "XrequestId"}
	kindSource    = coding{System: systemDICOM, Code: "110153", Display: "Source Role ID"}
	kindTarget    = coding{System: systemDICOM, Code: "110152", Display: "Destination Role ID"}
	kindMedia     = coding{System: systemDICOM, Code: "110155", Display: "Destination Media"}
	kindRecipient = coding{System: systemParticipant, Code: "IRCP", Display: "information recipient"}
	kindAuthor    = coding{System: systemParticipant, Code: "AUT", Display: "author (originator)"}
	kindCustodian = coding{System: systemParticipant, Code: "CST", Display: "custodian"}
	kindHuman     = coding{System: systemHuman, Code: "humanuser", Display: "human user"}
)

func newView(f Found) *view {
	v := &view{found: f, ev: f.Event}
	v.readAgents()
	v.readEntities()
	return v
}

// letter is AuditEvent.action: as sent, else what the event was understood as (DICOM EventActionCode); "" when that is
// none of its letters.
func letter(e *v1.AccessEvent) string {
	switch e.ActionCode {
	case "C", "R", "U", "D", "E":
		return e.ActionCode
	}
	switch e.Action {
	case v1.Action_ACTION_CREATE:
		return "C"
	case v1.Action_ACTION_READ, v1.Action_ACTION_PRINT, v1.Action_ACTION_EXPORT, v1.Action_ACTION_DISCLOSE:
		return "R"
	case v1.Action_ACTION_UPDATE:
		return "U"
	case v1.Action_ACTION_DELETE:
		return "D"
	case v1.Action_ACTION_SEARCH, v1.Action_ACTION_EXECUTE, v1.Action_ACTION_LOGIN, v1.Action_ACTION_LOGOUT:
		return "E"
	}
	return ""
}

// kinds are what sort of event it is, broadly (R4 type, R5 category) and more exactly (R4 subtype, R5 code). R5 swapped which
// of both is the one that must be there.
type kinds struct{ broad, narrow []coding }

func kindsOf(e *v1.AccessEvent, version Version) kinds {
	var first []coding
	if c := codingOf(e.Type); !c.isZero() {
		first = []coding{c}
	}
	more := codingsOf(e.Subtypes)
	if e.Format != formatR4 && e.Format != formatR5 {
		// Other formats have no codes: what the adapter understood is the nearest that there is.
		if word := actionWord(e.Action); word != "" {
			more = append(more, coding{System: systemAction, Code: word})
		}
	}
	switch narrowFirst := e.Format == formatR5; {
	case version == R4 && narrowFirst && len(more) > 0:
		return kinds{broad: more[:1], narrow: append(first, more[1:]...)}
	case version == R4, narrowFirst:
		k := kinds{broad: first, narrow: more}
		if version == R5 {
			k.broad, k.narrow = more, first
		}
		return k
	case len(more) > 0:
		return kinds{broad: append(first, more[1:]...), narrow: more[:1]}
	}
	return kinds{narrow: first}
}

// Formats of events that came as FHIR.
const (
	formatR4 = "R4"
	formatR5 = "R5"
)

// actionWord is the word for what the event was understood as.
func actionWord(a v1.Action) string {
	switch a {
	case v1.Action_ACTION_READ:
		return "read"
	case v1.Action_ACTION_SEARCH:
		return "search"
	case v1.Action_ACTION_PRINT:
		return "print"
	case v1.Action_ACTION_EXPORT:
		return "export"
	case v1.Action_ACTION_CREATE:
		return "create"
	case v1.Action_ACTION_UPDATE:
		return "update"
	case v1.Action_ACTION_DELETE:
		return "delete"
	case v1.Action_ACTION_EXECUTE:
		return "execute"
	case v1.Action_ACTION_DISCLOSE:
		return "disclose"
	case v1.Action_ACTION_LOGIN:
		return "login"
	case v1.Action_ACTION_LOGOUT:
		return "logout"
	case v1.Action_ACTION_OTHER:
		return "other"
	}
	return ""
}

// modeWord is the word for how the patient came before the reader's eyes.
func modeWord(m v1.AccessMode) string {
	switch m {
	case v1.AccessMode_ACCESS_MODE_DELIBERATE:
		return "deliberate"
	case v1.AccessMode_ACCESS_MODE_INCIDENTAL:
		return "incidental"
	case v1.AccessMode_ACCESS_MODE_SEARCH:
		return "search"
	case v1.AccessMode_ACCESS_MODE_SYSTEM:
		return "system"
	}
	return ""
}

// outcomeR4 is the indicator of R4: as sent, else by what it was understood as; "" when none was stated.
func outcomeR4(e *v1.AccessEvent) string {
	switch e.OutcomeCode {
	case "0", "4", "8", "12":
		return e.OutcomeCode
	}
	switch e.Outcome {
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

// meta is what the journal knows of the event, its labels and its flags.
func (v *view) meta() meta {
	m := meta{VersionID: "1", LastUpdated: instant(v.found.ReceivedUs)}
	if v.ev.Source != "" {
		m.Source = uriOf("source:" + v.ev.Source)
	}
	for _, label := range v.ev.Sensitivity {
		if c := codingOf(&v1.Coding{Code: label}); !c.isZero() {
			m.Security = append(m.Security, c)
		}
	}
	for _, flag := range v.ev.Flags {
		m.Tag = append(m.Tag, codingOf(&v1.Coding{System: systemFlag, Code: flag}))
	}
	return m
}

// extensions are what FHIR has no element for.
func (v *view) extensions(version Version) []extension {
	var out []extension
	add := func(url, text string) {
		if text = textOf(text); text != "" {
			out = append(out, extension{URL: url, ValueString: text})
		}
	}
	add(extSourceEventID, v.ev.SourceEventId)
	if v.ev.SourceSequence != 0 {
		add(extSourceSequence, strconv.FormatUint(v.ev.SourceSequence, 10))
	}
	if word := modeWord(v.ev.Mode); word != "" {
		out = append(out, extension{URL: extAccessMode, ValueCode: word})
	}
	if v.ev.ActionCode != letter(v.ev) {
		add(extActionCode, v.ev.ActionCode)
	}
	add(extFormat, v.ev.Format)
	add(extConflictsWith, v.found.ConflictsWith)
	for _, x := range v.ev.Extensions {
		if isURL(x.Name) {
			add(uriOf(x.Name), x.Value)
		}
	}
	if version == R4 {
		for _, order := range v.basedOn() {
			out = append(out, extension{URL: extBasedOn, ValueReference: &order})
		}
	}
	if version == R4 && v.ev.Encounter.GetValue() != "" && !v.isObject(v.ev.Encounter) {
		out = append(out, extension{URL: extEncounter, ValueReference: v.refer(refs{ids: []*v1.Identifier{v.ev.Encounter}, typ: "Encounter"})})
	}
	return out
}

// basedOn are the requests that the event says it is based on (AuditEvent.basedOn of R5).
func (v *view) basedOn() []reference {
	var out []reference
	for _, x := range v.ev.Extensions {
		if order, typ := v.request(x); order != nil {
			out = append(out, *v.refer(refs{ids: []*v1.Identifier{order}, typ: typ}))
		}
	}
	return out
}

// request is the request that an extension names, nil where it names none.
func (v *view) request(x *v1.Extension) (order *v1.Identifier, typ string) {
	if x.Name != "based_on" {
		return nil, ""
	}
	system, value, typ := fhirid.Split(x.Value, "source:"+v.ev.Source)
	if typ == "" || textOf(value) == "" {
		return nil, ""
	}
	return &v1.Identifier{System: system, Value: value}, typ
}

// isURL tells names of extensions that came as such from details.
func isURL(name string) bool {
	scheme, rest, ok := strings.Cut(name, ":")
	return ok && len(scheme) > 1 && rest != "" && fhirid.IsType("X"+scheme) && (strings.HasPrefix(rest, "//") || scheme == "urn")
}

// isObject reports whether an identifier is one of the event's objects.
func (v *view) isObject(id *v1.Identifier) bool {
	return slices.ContainsFunc(v.ev.Objects, func(o *v1.Object) bool { return o.Id != nil && sameIdentifier(o.Id, id) })
}

func sameIdentifier(a, b *v1.Identifier) bool {
	return a.GetSystem() == b.GetSystem() && a.GetValue() == b.GetValue()
}

// refs is what a Reference is made from.
type refs struct {
	ids  []*v1.Identifier
	name string
	// typ is the resource type; "" where nothing tells it.
	typ string
	// people are shown by an identifier that means something beyond their source, where they have one.
	people bool
	// more takes the identifiers that a Reference has no room for; without it all stand in a contained resource.
	more func(*v1.Identifier)
}

// refer makes a Reference: a literal one below a server's base URL, an identifier for all else. What a source calls
// "Patient/123" without saying where is no reference into this server, so it stays an identifier within the source.
func (v *view) refer(r refs) *reference {
	out := &reference{Display: textOf(r.name)}
	ids := slices.DeleteFunc(slices.Clone(r.ids), func(id *v1.Identifier) bool { return textOf(id.GetValue()) == "" })
	rest, implied := ids, ""
	if len(rest) > 0 && isServer(rest[0].System) && typeOfReference(rest[0].Value) != "" && !strings.ContainsFunc(rest[0].Value, notURI) {
		implied = typeOfReference(rest[0].Value)
		out.Reference, rest = rest[0].System+"/"+rest[0].Value, rest[1:]
	}
	if len(rest) > 0 {
		at := 0
		if r.people {
			at = max(0, slices.IndexFunc(rest, func(id *v1.Identifier) bool { return !strings.HasPrefix(id.System, "source:") }))
		}
		out.Identifier = identifierOf(rest[at])
		rest = slices.Delete(slices.Clone(rest), at, at+1)
	}
	if len(rest) > 0 && r.more == nil {
		out.Reference = v.contain(r.typ, ids)
	}
	for _, id := range rest {
		if r.more != nil {
			r.more(id)
		}
	}
	if r.typ != "" && implied != r.typ && !strings.HasPrefix(out.Reference, "#") {
		out.Type = r.typ
	}
	if out.Reference == "" && out.Identifier == nil && out.Display == "" {
		return nil
	}
	return out
}

// contain puts identifiers into a contained resource and returns the reference to it.
func (v *view) contain(typ string, ids []*v1.Identifier) string {
	if typ == "" {
		typ = "Device"
	}
	c := contained{ResourceType: typ, ID: "c" + strconv.Itoa(len(v.contained)+1)}
	for _, id := range ids {
		c.Identifier = append(c.Identifier, *identifierOf(id))
	}
	v.contained = append(v.contained, c)
	return "#" + c.ID
}
