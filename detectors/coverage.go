package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// coverageOf says which kinds of context a state holds at all.
func coverageOf(s *facts.State) coverage {
	c := s.Coverage()
	any := func(types ...string) bool {
		for _, t := range types {
			if c.Of(t).Resources > 0 {
				return true
			}
		}
		return false
	}
	var out coverage
	out.care = any("Encounter", "Appointment", "CareTeam", "ServiceRequest", "EpisodeOfCare", "Procedure", "Observation",
		"DocumentReference", "MedicationRequest", "MedicationAdministration", "DiagnosticReport")
	for need, have := range map[Needs]bool{
		NeedsPatients: any("Patient"),
		NeedsStaff:    any("Practitioner"),
		NeedsRoles:    any("PractitionerRole"),
		NeedsRoster:   any("Slot"),
		NeedsCare:     out.care,
		NeedsWatches:  any("Patient", "WatchListEntry"),
		NeedsTickets:  any("Contract", "Task", "Ticket", "VendorTicket"),
	} {
		if have {
			out.have |= need
		}
	}
	return out
}
