package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// coverageOf says which kinds of context a state holds at all.
func coverageOf(s *facts.State) coverage {
	any := func(types ...string) bool { return slices.ContainsFunc(types, s.Has) }
	var out coverage
	out.care = any("Encounter", "Appointment", "CareTeam", "ServiceRequest", "EpisodeOfCare", "Procedure", "Observation",
		"DocumentReference", "MedicationRequest", "MedicationAdministration", "DiagnosticReport")
	for _, kind := range [...]struct {
		need Needs
		have bool
	}{
		{NeedsPatients, any("Patient")},
		{NeedsStaff, any("Practitioner")},
		{NeedsRoles, any("PractitionerRole")},
		{NeedsRoster, any("Slot")},
		{NeedsCare, out.care},
		{NeedsWatches, any("Patient", "WatchListEntry")},
		{NeedsTickets, any("Contract", "Task", "Ticket", "VendorTicket")},
	} {
		if kind.have {
			out.have |= kind.need
		}
	}
	return out
}
