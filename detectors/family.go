package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// A match of two people is graded, not yes or no: one thing in common is faint, two are likely, what a fact says is sure.
func (n *numerals) faint(g facts.Grade) bool  { return int64(g) >= n[faintMatch] }
func (n *numerals) likely(g facts.Grade) bool { return int64(g) >= n[likelyMatch] }
func (n *numerals) sure(g facts.Grade) bool   { return int64(g) >= n[sureMatch] }

// familyAccess (D2): family and household. One thing in common is weak, because names and telephones are shared by many;
// two are strong, and who is listed with the patient, as a relative or contact, or because they pay for the patient, is as good as said.
func familyAccess() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "FamilyAccess", Catalogue: "D2", Key: KeyPair, Peers: PeersAll, Needs: NeedsPatients | NeedsStaff,
			Words: []string{"a rare surname in common", "one home or telephone in common", "family by several signs"},
		},
		grade: func(j *judge, p *Pair) Grade {
			n := &j.numbers
			k := &p.Kin
			if n.likely(k.Same) || k.Former {
				return Quiet
			}
			home, name, listed := max(k.Household, k.Phone), k.Surname, max(k.Contact, k.Pays, k.Insures)
			switch {
			case n.likely(listed) && (n.faint(home) || n.faint(name)), n.sure(listed), n.likely(home) && n.faint(name):
				return 3
			case n.likely(home), n.likely(listed):
				return 2
			case n.likely(name):
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
		grade: func(j *judge, p *Pair) Grade {
			n := &j.numbers
			k := &p.Kin
			switch {
			case n.likely(k.Same):
				return Quiet
			case k.Former && n.likely(k.Contact):
				return 2
			case n.likely(k.FormerHousehold) && !n.likely(k.Household):
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
