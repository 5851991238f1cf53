package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// Grades of a match, in per mille.
const (
	faint  facts.Grade = 250
	likely facts.Grade = 500
	sure   facts.Grade = 850
)

// familyAccess (D2): family and household. One thing in common is weak, because names and telephones are shared by many;
// two are strong, and a relative or contact that the record names is as good as said.
func familyAccess() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "FamilyAccess", Catalogue: "D2", Key: KeyPair, Peers: PeersAll, Needs: NeedsPatients | NeedsStaff,
			Words: []string{"a rare surname in common", "one home or telephone in common", "family by several signs"},
		},
		grade: func(_ *judge, p *Pair) Grade {
			k := &p.Kin
			if k.Same >= likely || k.Former {
				return Quiet
			}
			home, name := max(k.Household, k.Phone), k.Surname
			switch {
			case k.Contact >= likely && (home >= faint || name >= faint), k.Contact >= sure, home >= likely && name >= faint:
				return 3
			case home >= likely, k.Contact >= likely:
				return 2
			case name >= likely:
				return 1
			}
			return Quiet
		},
		tell:   func(t *teller, p *Pair, _ Grade) string { return t.kinship(p) },
		normal: "Care by a colleague who is no relative would have made it normal.",
	}
}

// formerRelation (D23): somebody who used to live with the patient, or whom the record names as a former partner.
func formerRelation() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "FormerRelation", Catalogue: "D23", Key: KeyPair, Peers: PeersAll, Needs: NeedsPatients | NeedsStaff,
			Words: []string{"shared a home before", "a former partner"},
		},
		grade: func(_ *judge, p *Pair) Grade {
			k := &p.Kin
			switch {
			case k.Same >= likely:
				return Quiet
			case k.Former && k.Contact >= likely:
				return 2
			case k.FormerHousehold >= likely && k.Household < likely:
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, p *Pair, g Grade) string {
			if g == 2 {
				return "The record names this reader as somebody the patient used to be together with" + t.relation(p) + "."
			}
			return "Reader and patient used to live at the same address, and do not any more."
		},
		normal: "Care by somebody who was never together with the patient would have made it normal.",
	}
}
