package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// contextOf says which kinds of context a state holds at all.
func contextOf(s *facts.State) (have Needs) {
	for t, kinds := range contextTypes {
		if s.Has(t) {
			have |= kinds
		}
	}
	if s.HasDuties() { // a slot that says of nobody that they are on duty is no roster
		return have | NeedsRoster
	}
	return have &^ NeedsRoster
}

// AbsentContext is a kind of resource of which nothing was read.
type AbsentContext struct {
	// Kind is the resource type; of tables what they are.
	Kind string `json:"kind"`
	// Tells is what it would tell.
	Tells string `json:"tells"`
	// Optional: many hospitals send none, as others tell most of it, or it happens to few.
	Optional bool `json:"optional,omitempty"`
}

// contextKinds are the resources that context is made of, each type by itself: one that is missing among others of care leaves no verdict
// unassessable, but what only it tells looks as if there were nothing to tell.
var contextKinds = [...]contextKind{
	needed("Patient", "names, addresses, relatives and labels of records"),
	needed("Person", "which readers are patients themselves, unless name, birth date and address say so"),
	needed("RelatedPerson", "relatives that the record itself does not name"),
	optional("Account", "who pays for a patient's account"),
	optional("Coverage", "who has a patient insured, or pays for them"),
	needed("Practitioner", "names and homes of readers"),
	needed("PractitionerRole", "departments, roles and employment of readers"),
	needed("Organization", "names of departments, which of them are one, and which are outside companies"),
	needed("Location", "which department a place belongs to, and where a site is"),
	needed("Schedule", "whose shifts there are"),
	needed("Slot", "who is on duty"),
	needed("Encounter", "who takes part in a stay or visit, and which department has the patient"),
	needed("Appointment", "who is to see the patient"),
	needed("CareTeam", "who belongs to a patient's team"),
	needed("ServiceRequest", "who ordered, and to whom orders go"),
	needed("Observation", "who measured, or reported a result, unless the event itself was a write"),
	needed("DocumentReference", "who wrote or signed a document, unless the event itself was a write"),
	needed("MedicationAdministration", "who gave medication, unless the event itself was a write"),
	optional("DiagnosticReport", "who reported findings, beside their results"),
	optional("Composition", "who wrote a document, where it is sent as such"),
	optional("Procedure", "who operated or treated, unless an Encounter or an order names them"),
	needed("Condition", "diagnoses, unless an Encounter gives them as its reason"),
	needed("Consent", "who may use a record for research, or see its protected parts"),
	needed("tickets and contracts of vendors", "which task a vendor has", "Contract", "Task", "Ticket", "VendorTicket"),
	needed("watch list", "which records are watched, beside those that are labelled", "WatchListEntry"),
	needed("door badges", "who is in the building", "BadgeStay"),
	needed("managers", "who is whose manager, unless PractitionerRole does", "Manager"),
}

type contextKind struct {
	AbsentContext
	// types are the resource types of which any one will do.
	types []string
}

// needed is a kind that a whole dataset has; types are its resource types, where they have other names than it.
func needed(kind, tells string, types ...string) contextKind {
	if len(types) == 0 {
		types = []string{kind}
	}
	return contextKind{AbsentContext{Kind: kind, Tells: tells}, types}
}

// read reports whether a resource of it was read.
func (k *contextKind) read(s *facts.State) bool { return slices.ContainsFunc(k.types, s.Has) }

// optional is a kind that many hospitals do without.
func optional(kind, tells string) contextKind {
	return contextKind{AbsentContext{kind, tells, true}, []string{kind}}
}

// Absent are the kinds of resources of which nothing was read, each with what it would tell.
func (e *Engine) Absent() []AbsentContext {
	var out []AbsentContext
	for i := range contextKinds {
		if k := &contextKinds[i]; !k.read(e.state) {
			out = append(out, k.AbsentContext)
		}
	}
	return out
}
