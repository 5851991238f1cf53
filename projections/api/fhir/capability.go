package fhir

import "slices"

// Capability is what can be asked, for the server's capability statement.
type Capability struct {
	Documentation string
	// Interactions are codes of http://hl7.org/fhir/restful-interaction.
	Interactions []string
	Parameters   []Described
	Operations   []Described
}

// Described is a search parameter or an operation: name, canonical URL of its definition, kind, and what is special here.
type Described struct{ Name, Definition, Type, Documentation string }

// Where definitions of parameters are found.
const (
	definedByR4  = "http://hl7.org/fhir/SearchParameter/AuditEvent-"
	definedByAll = "http://hl7.org/fhir/SearchParameter/Resource-"
	definedByUs  = Base + "/SearchParameter/AuditEvent-"
)

// Capabilities says what Patterns answer. Every parameter is in it that ParseSearch knows.
func Capabilities() Capability {
	return Capability{
		Documentation: "Read back as R4 (fhirVersion=4.0, the default) or R5 (5.0) by the Accept header. Needs an API token of an " +
			"investigator or above, and a purpose in the header " + PurposeHeader + "; each question is journaled. A search names a date, a " +
			"patient, an agent, an entity or an _id, and finds newest events first. Pages hold still while events arrive; _count is at most 200.",
		Interactions: []string{"read", "search-type"},
		Operations: []Described{{
			Name: "original", Definition: Base + "/OperationDefinition/AuditEvent-original",
			Documentation: "GET AuditEvent/[id]/$original: the bytes that the source sent, unchanged, as their own media type.",
		}},
		Parameters: slices.Concat(conditionsDescribed(), peopleDescribed()),
	}
}

func conditionsDescribed() []Described {
	return []Described{
		{"_id", definedByAll + "id", "token", ""},
		{"_lastUpdated", definedByAll + "lastUpdated", "date", "When the journal received it."},
		{"_source", definedByAll + "source", "uri", "The registered source: source:NAME."},
		{"action", definedByR4 + "action", "token", ""},
		{"address", definedByR4 + "address", "string", "Of the reader or the software that it used."},
		{"agent-name", definedByR4 + "agent-name", "string", ""},
		{"agent-role", definedByR4 + "agent-role", "token", ""},
		{"category", definedByR4 + "type", "token", "R5's name for type."},
		{"code", definedByR4 + "subtype", "token", "R5's name for subtype."},
		{"date", definedByR4 + "date", "date", "When it was recorded; when it happened, where the event does not say when it was recorded."},
		{"entity-name", definedByR4 + "entity-name", "string", ""},
		{"entity-role", definedByR4 + "entity-role", "token", ""},
		{"entity-type", definedByR4 + "entity-type", "token", ""},
		{"object-type", definedByR4 + "entity-type", "token", "Former name of entity-type in IHE ITI-81."},
		{"outcome", definedByR4 + "outcome", "token", "R4's indicators and R5's severities."},
		{"purpose", definedByUs + "purpose", "token", ""},
		{"role", definedByR4 + "entity-role", "token", "Former name of entity-role in IHE ITI-81."},
		{"site", definedByR4 + "site", "token", ""},
		{"source", definedByR4 + "source", "reference", "As the event words it."},
		{"source.identifier", definedByUs + "source-identifier", "token", "By value: events keep no system of who reports them."},
		{"subtype", definedByR4 + "subtype", "token", ""},
		{"type", definedByR4 + "type", "token", ""},
	}
}

func peopleDescribed() []Described {
	const (
		reader = "Who did it; beside a patient, an entity or an _id, any agent. Links of identity are followed."
		record = "Links of identity are followed: a merged record is found under each of its identifiers. A value that names several people is refused."
	)
	return []Described{
		{"agent", definedByR4 + "agent", "reference", reader},
		{"agent.identifier", definedByUs + "agent-identifier", "token", reader},
		{"entity", definedByR4 + "entity", "reference", "Patients and objects. " + record},
		{"entity.identifier", definedByUs + "entity-identifier", "token", "Patients and objects. " + record},
		{"identity", definedByUs + "entity-identifier", "token", "Former name of entity.identifier in IHE ITI-81."},
		{"patient", definedByR4 + "patient", "reference", record},
		{"patient.identifier", definedByUs + "patient-identifier", "token", record},
		{"user", definedByUs + "agent-identifier", "token", "Former name of agent.identifier in IHE ITI-81."},
	}
}
