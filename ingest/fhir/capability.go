package fhir

import "net/http"

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
	Type          string           `json:"type"`
	Documentation string           `json:"documentation,omitempty"`
	Interaction   []capabilityCode `json:"interaction"`
	UpdateCreate  bool             `json:"updateCreate"`
}

type capabilityCode struct {
	Code string `json:"code"`
}

// metadata answers GET /fhir/metadata, whatever _format asks for: everything here speaks JSON. Clients look here before
// they have a token, so anybody may ask, and the version is not told.
func (h *handler) metadata(w http.ResponseWriter, _ *http.Request) {
	create, update, remove := capabilityCode{"create"}, capabilityCode{"update"}, capabilityCode{"delete"}
	resources := []capabilityResource{{
		Type: "AuditEvent", Interaction: []capabilityCode{create, update}, UpdateCreate: true,
		Documentation: "R4, R4B and R5, told apart by shape. Nothing that was stored is ever changed: the same event again is a duplicate, another under its id a conflict, and both are kept.",
	}}
	for _, typ := range []string{
		"Appointment", "CareTeam", "Condition", "Consent", "Device", "DocumentReference", "Encounter", "Location",
		"MedicationAdministration", "Observation", "Organization", "Patient", "Person", "Practitioner", "PractitionerRole",
		"Provenance", "RelatedPerson", "Schedule", "ServiceRequest", "Slot",
	} {
		resources = append(resources, capabilityResource{Type: typ, Interaction: []capabilityCode{create, update, remove}, UpdateCreate: true})
	}
	respond(w, http.StatusOK, capability{
		ResourceType: "CapabilityStatement", Status: "active", Date: "2026-11-21", Kind: "instance",
		Software:       capabilitySoftware{Name: "Readtrail"},
		Implementation: describedBy{Description: "Takes audit events and the context to judge them; answers questions elsewhere."},
		FHIRVersion:    "4.0.1",
		Format:         []string{"application/fhir+json", "json", "application/fhir+ndjson"},
		Rest: []capabilityRest{{
			Mode:          "server",
			Documentation: "Any other resource type with an id is taken as context, too. Bodies may be compressed with gzip.",
			Resource:      resources,
			Interaction:   []capabilityCode{{"transaction"}, {"batch"}},
		}},
	})
}
