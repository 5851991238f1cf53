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
}

// contextKinds are the resources that context is made of. A kind that is missing among others of care leaves no verdict unassessable,
// but what only it tells looks as if there were nothing to tell.
var contextKinds = [...]struct {
	AbsentContext
	types []string
}{
	{AbsentContext{"Patient", "names, addresses, relatives and labels of records"}, nil},
	{AbsentContext{"Person", "which readers are patients themselves, unless name, birth date and address say so"}, nil},
	{AbsentContext{"RelatedPerson", "relatives that the record itself does not name"}, nil},
	{AbsentContext{"Account, Coverage", "who pays for a patient, or has them insured"}, []string{"Account", "Coverage"}},
	{AbsentContext{"Practitioner", "names and homes of readers"}, nil},
	{AbsentContext{"PractitionerRole", "departments, roles and employment of readers"}, nil},
	{AbsentContext{"Organization", "names of departments, which of them are one, and which are outside companies"}, nil},
	{AbsentContext{"Location", "which department a place belongs to, and where a site is"}, nil},
	{AbsentContext{"Schedule", "whose shifts there are"}, nil},
	{AbsentContext{"Slot", "who is on duty"}, nil},
	{AbsentContext{"Encounter", "who takes part in a stay or visit, and which department has the patient"}, nil},
	{AbsentContext{"Appointment", "who is to see the patient"}, nil},
	{AbsentContext{"CareTeam", "who belongs to a patient's team"}, nil},
	{AbsentContext{"ServiceRequest", "who ordered, and to whom orders go"}, nil},
	{
		AbsentContext{"Observation, DocumentReference, MedicationAdministration", "who charted, unless the event itself was a write"},
		[]string{"Observation", "DocumentReference", "MedicationAdministration", "DiagnosticReport", "Composition", "Procedure"},
	},
	{AbsentContext{"Condition", "diagnoses, unless an Encounter gives them as its reason"}, nil},
	{AbsentContext{"Consent", "who may use a record for research, or see its protected parts"}, nil},
	{AbsentContext{"tickets and contracts of vendors", "which task a vendor has"}, []string{"Contract", "Task", "Ticket", "VendorTicket"}},
	{AbsentContext{"watch list", "which records are watched, beside those that are labelled"}, []string{"WatchListEntry"}},
	{AbsentContext{"door badges", "who is in the building"}, []string{"BadgeStay"}},
	{AbsentContext{"managers", "who is whose manager, unless PractitionerRole does"}, []string{"Manager"}},
}

// Absent are the kinds of resources of which nothing was read, each with what it would tell.
func (e *Engine) Absent() []AbsentContext {
	var out []AbsentContext
	for _, k := range contextKinds {
		types := k.types
		if types == nil {
			types = []string{k.Kind}
		}
		if !slices.ContainsFunc(types, e.state.Has) {
			out = append(out, k.AbsentContext)
		}
	}
	return out
}
