package detectors

// selfAccess (D1): staff who look at their own record with their rights at work. What the hospital allows is its policy; a portal
// is what it offers instead. Namesakes are kept apart by asking for two things in common.
func selfAccess() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "SelfAccess", Catalogue: "D1", Key: KeyPair, Peers: PeersAll, Hard: true, Needs: NeedsPatients | NeedsStaff,
			Words: []string{"probably the same person", "the same person"},
		},
		grade: func(j *judge, p *Pair) Grade {
			n := &j.numbers
			switch {
			case p.Signs&SignPatient != 0:
				return Quiet
			case n.sure(p.Kin.Same):
				return 2
			case n.likely(p.Kin.Same):
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, _ *Pair, g Grade) string {
			if g == 2 {
				return "Reader and patient are the same person."
			}
			return "Reader and patient share name and date of birth: they are probably the same person."
		},
		normal: "Asking for a copy, or the patient portal, is how staff see their own record.",
	}
}
