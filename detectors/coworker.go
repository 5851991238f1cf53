package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// coworkerAccess (D4): the patient works here. 93 hits a million where care explains nothing (Boxwala 2011, table 3).
func coworkerAccess() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "CoworkerAccess", Catalogue: "D4", Key: KeyPair, Peers: PeersAll, Needs: NeedsPatients | NeedsStaff | NeedsRoles,
			Words: []string{"works in the same hospital", "works in the same department or under the same manager"},
		},
		grade: func(j *judge, p *Pair) Grade {
			n := &j.numbers
			switch {
			case n.likely(p.Kin.Same), p.Signs&SignPatient != 0: // staff as patients, by their portal account
				return Quiet
			case p.Kin.Coworker:
				return 2
			case p.Kin.Colleague:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, p *Pair, _ Grade) string {
			switch p.Kin.Team {
			case facts.TeamDepartment:
				return "The patient works in the reader's own department."
			case facts.TeamManager:
				return "The patient works in this hospital, under the same manager as the reader."
			case facts.TeamManages:
				return "The patient is the reader's manager."
			case facts.TeamReports:
				return "The reader is the patient's manager."
			}
			return "The patient works in this hospital."
		},
		normal: "Staff who are treated here are cared for by those to whom they are assigned.",
	}
}
