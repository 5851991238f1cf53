package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// noRelation (D8, D9, D16): how close the documented relation of the reader to the record is, from "by name" to "none at all, and
// the patient is in nobody's care" (166 hits a million without a recent visit, Boxwala 2011). It is judged when the period of
// grace is over. Coders, quality and mortality review open such records for a living: peers decide what it weighs.
func noRelation() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "NoRelation", Catalogue: "D8", Key: KeyPair, Peers: PeersGroup, Needs: NeedsCare,
			Words: []string{
				"their department has the patient", "their department had or will have the patient",
				"their department often sees such patients",
				"their department sometimes sees such patients, or they sat where the patient is cared for",
				"in care elsewhere, no documented relation", "in nobody's care, no documented relation",
				"dead for long, no documented relation",
			},
		},
		grade: func(j *judge, p *Pair) Grade {
			switch b := p.Bond(); {
			case b == bondPersonal:
				return Quiet
			case b == bondUnknown, b > bondWindow && p.onlyRequested(): // of an order that is named none of the words is true
				return Blind
			case b != bondNone:
				return Grade(b - bondPersonal)
			case p.Record.Deceased != 0 && p.First() > p.Record.Deceased+j.numbers.days(deadDays):
				return bondNone - bondPersonal + 2
			case !p.inCare:
				return bondNone - bondPersonal + 1
			}
			return bondNone - bondPersonal
		},
		tell: func(t *teller, p *Pair, g Grade) string {
			days, patient, d := t.judge.numbers.inWords(careDays, "day"), t.record(p.Patient), t.department(p, p.Post.Department)
			nothing, known := "othing documented of the "+days+" before and after connects the reader with ", ""
			if p.namesOrder() { // an order that names nobody is not kept, and it may be that one
				nothing, known = "othing that is known to be documented of the "+days+" before and after connects the reader with ", ", as far as is known,"
			}
			switch g {
			case bondNone - bondPersonal + 2:
				return patient + " died more than " + t.judge.numbers.inWords(deadDays, "day") + " before, and n" + nothing + "them."
			case bondNone - bondPersonal + 1:
				return "N" + nothing + patient + ", who" + known + " was in nobody's care here then."
			case bondNone - bondPersonal:
				if p.elsewhere() {
					patient += ", who was in the care of another department"
				}
				return "N" + nothing + patient + "; " + d + " does not usually see such patients."
			case bondWeak - bondPersonal:
				if p.seated && p.share < rareShare {
					return "N" + nothing + patient + "; the access came from a workstation of a department that has the patient."
				}
				return "N" + nothing + patient + "; " + d + " sees such patients only now and then."
			}
			return "The reader's department, not the reader by name, is connected with " + patient + "."
		},
	}
}

// elsewhere reports whether a department that is none of the reader's has or had the patient within the window.
func (p *Pair) elsewhere() bool {
	return slices.ContainsFunc(p.near.departments, func(d phased) bool { return d.id != p.Post.Department && d.id != p.Post.DutyDepartment })
}

// department is one of the reader's, by name where it has one.
func (t *teller) department(p *Pair, id facts.ID) string {
	d := "the reader's department"
	if id != p.Post.Department {
		d = "the department of the reader's duty"
	}
	if name := t.judge.state.DepartmentName(id); name != "" {
		d += " (" + name + ")"
	}
	return d
}
