package fhir

import (
	"net/http"
	"strings"
)

// capability is the part of a CapabilityStatement (R4 section 2.37) that says what is taken here.
type capability struct {
	ResourceType   string             `json:"resourceType"`
	Status         string             `json:"status"`
	Date           string             `json:"date"`
	Kind           string             `json:"kind"`
	Software       capabilitySoftware `json:"software"`
	Implementation describedBy        `json:"implementation"`
	FHIRVersion    string             `json:"fhirVersion"`
	Format         []string           `json:"format"`
	Rest           []capabilityRest   `json:"rest"`
}

type capabilitySoftware struct {
	Name string `json:"name"`
}

type describedBy struct {
	Description string `json:"description"`
}

type capabilityRest struct {
	Mode          string               `json:"mode"`
	Documentation string               `json:"documentation"`
	Resource      []capabilityResource `json:"resource"`
	Interaction   []capabilityCode     `json:"interaction"`
}

type capabilityResource struct {
	Type          string                `json:"type"`
	Documentation string                `json:"documentation,omitempty"`
	Interaction   []capabilityCode      `json:"interaction"`
	UpdateCreate  bool                  `json:"updateCreate"`
	SearchParam   []capabilityParameter `json:"searchParam,omitempty"`
	Operation     []capabilityOperation `json:"operation,omitempty"`
}

type capabilityParameter struct {
	Name          string `json:"name"`
	Definition    string `json:"definition,omitempty"`
	Type          string `json:"type"`
	Documentation string `json:"documentation,omitempty"`
}

type capabilityOperation struct {
	Name          string `json:"name"`
	Definition    string `json:"definition"`
	Documentation string `json:"documentation,omitempty"`
}

// ReadSide is what the capability statement says of reading AuditEvents back, which this package does not do: one statement
// speaks for all below /fhir.
type ReadSide struct {
	// Documentation says what a reader has to know.
	Documentation string
	// Interactions are codes of http://hl7.org/fhir/restful-interaction.
	Interactions []string
	Parameters   []SearchParameter
	Operations   []Operation
}

// SearchParameter is a parameter of searches: name, canonical URL of its definition, kind, and what is special about it.
type SearchParameter struct{ Name, Definition, Type, Documentation string }

// Operation is one on an instance: name without the dollar, canonical URL of its definition, and what it does.
type Operation struct{ Name, Definition, Documentation string }

// add puts the read side into the statement about AuditEvent.
func (s *ReadSide) add(to *capabilityResource) {
	if s == nil {
		return
	}
	to.Documentation += " " + s.Documentation
	for _, code := range s.Interactions {
		to.Interaction = append(to.Interaction, capabilityCode{code})
	}
	for _, p := range s.Parameters {
		to.SearchParam = append(to.SearchParam, capabilityParameter(p))
	}
	for _, o := range s.Operations {
		to.Operation = append(to.Operation, capabilityOperation(o))
	}
}

// versionWanted is the version of FHIR that the Accept header asks for: the statement reads alike in both.
func versionWanted(r *http.Request) string {
	if strings.Contains(strings.ReplaceAll(strings.ToLower(r.Header.Get("Accept")), " ", ""), "fhirversion=5.0") {
		return "5.0.0"
	}
	return "4.0.1"
}

type capabilityCode struct {
	Code string `json:"code"`
}

// metadata answers GET /fhir/metadata, whatever _format asks for: everything here speaks JSON. Clients look here before
// they have a token, so anybody may ask, and the version is not told.
func (h *handler) metadata(w http.ResponseWriter, r *http.Request) {
	create, update, remove := capabilityCode{"create"}, capabilityCode{"update"}, capabilityCode{"delete"}
	resources := []capabilityResource{{
		Type: "AuditEvent", Interaction: []capabilityCode{create, update}, UpdateCreate: true,
		Documentation: "R4, R4B and R5, told apart by shape. Nothing that was stored is ever changed: the same event again is a duplicate, another under its id a conflict, and both are kept.",
	}}
	h.Reading.add(&resources[0])
	for _, typ := range []string{
		"Account", "Appointment", "CareTeam", "Condition", "Consent", "Coverage", "Device", "DocumentReference", "Encounter", "Location",
		"MedicationAdministration", "Observation", "Organization", "Patient", "Person", "Practitioner", "PractitionerRole",
		"Provenance", "RelatedPerson", "Schedule", "ServiceRequest", "Slot",
	} {
		resources = append(resources, capabilityResource{Type: typ, Interaction: []capabilityCode{create, update, remove}, UpdateCreate: true})
	}
	respond(w, http.StatusOK, capability{
		ResourceType: "CapabilityStatement", Status: "active", Date: "2026-11-21", Kind: "instance",
		Software:       capabilitySoftware{Name: "Readtrail"},
		Implementation: describedBy{Description: "Takes audit events and the context to judge them, and reads audit events back."},
		FHIRVersion:    versionWanted(r),
		Format:         []string{"application/fhir+json", "json", "application/fhir+ndjson"},
		Rest: []capabilityRest{{
			Mode:          "server",
			Documentation: "Any other resource type with an id is taken as context, too. Bodies may be compressed with gzip.",
			Resource:      resources,
			Interaction:   []capabilityCode{{"transaction"}, {"batch"}},
		}},
	})
}
