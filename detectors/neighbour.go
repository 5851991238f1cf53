package detectors

// neighbourAccess (D3): people who live close to each other and not together. The rule with the most hits of all (5,538 a
// million: Boxwala 2011, table 3), so it only adds to what is unexplained.
func neighbourAccess() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "NeighbourAccess", Catalogue: "D3", Key: KeyPair, Peers: PeersAll, Needs: NeedsPatients | NeedsStaff,
			Words: []string{"lives nearby", "lives in the same street", "lives next door"},
		},
		grade: func(j *judge, p *Pair) Grade {
			n := &j.numbers
			k := &p.Kin
			switch {
			case n.likely(k.Same) || n.likely(k.Household) || n.likely(k.FormerHousehold):
				return Quiet
			case k.Metres >= 0 && int64(k.Metres) <= j.numbers[nextDoorMetres]:
				return 3
			case k.SameStreet:
				return 2
			case k.Metres >= 0 && int64(k.Metres) <= j.numbers[nearbyMetres]:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, p *Pair, g Grade) string {
			switch k := &p.Kin; {
			case g == 3:
				return "Reader and patient live next door to each other."
			case k.SameStreet:
				return "Reader and patient live in the same street."
			}
			return "Reader and patient live a few houses apart."
		},
	}
}
