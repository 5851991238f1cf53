package detectors

// coworkerAccess (D4): the patient works here. 93 hits a million where care explains nothing (Boxwala 2011, table 3).
func coworkerAccess() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "CoworkerAccess", Catalogue: "D4", Key: KeyPair, Peers: PeersAll, Needs: NeedsPatients | NeedsStaff | NeedsRoles,
			Words: []string{"works in the same hospital", "works in the same department"},
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
		tell: func(_ *teller, _ *Pair, g Grade) string {
			if g == 2 {
				return "The patient works in the reader's own department."
			}
			return "The patient works in this hospital."
		},
		normal: "Staff who are treated here are cared for by those to whom they are assigned.",
	}
}
