package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// enumeration (D12): records in the order of their numbers, as somebody does who copies them, whatever else is opened in between (walk.go).
func enumeration() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "Enumeration", Catalogue: "D12", Key: KeyReader, Peers: PeersAll, Hard: true,
			Words: []string{"records in the order of their numbers", "a long walk through record numbers"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			switch n := int64(j.walk(d.Accesses)); {
			case n >= j.numbers[longWalkRecords]:
				return 2
			case n >= j.numbers[walkRecords]:
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, d *ReaderDay, _ Grade) string {
			opened := t.judge.walked(d.Accesses)
			return capital(count(len(opened), "record")) + " were opened in the order of their numbers, as somebody does who copies them." +
				pace(" From one of these records to the next it took %s or less in %s of %s cases.", opened)
		},
		normal: "A work list in the order of record numbers would have made it normal.",
	}
}

// cohortHarvest (D12): many records without a reason that have one thing in common: a department that cares for them, or a
// diagnosis. A physician listed newborns to sell a service to their parents (Afandi 2024).
func cohortHarvest() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "CohortHarvest", Catalogue: "D12", Key: KeyReader, Peers: PeersGroup, Needs: NeedsCare,
			Words: []string{"several records of one kind without a reason", "many records of one kind without a reason"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			least := j.numbers[cohortRecords]
			if int64(d.Unexplained) < least {
				return Quiet
			}
			switch _, most := d.commonest(); {
			case most*3 < d.Unexplained*2:
				return Quiet
			case int64(most) >= j.numbers[largeCohortRecords]:
				return 2
			case int64(most) >= least:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, d *ReaderDay, _ Grade) string {
			kind, _ := d.commonest()
			var opened []int64
			for k := range d.Pairs {
				if p := &d.Pairs[k]; p.alone() && p.kind == kind {
					first, _ := p.looked()
					opened = append(opened, first)
				}
			}
			return "Most of these patients have one thing in common: the same department cares for them, or they have the same diagnosis." +
				pace(" From the first look at one such record to that at the next it took %s or less in %s of %s cases.", opened)
		},
		normal: "A study or a registry that the patients consented to would have made it normal.",
	}
}

// commonest is what most records that were opened without a reason have in common, and how many those are.
func (d *ReaderDay) commonest() (kind facts.ID, most int) {
	var kinds []facts.ID
	for k := range d.Pairs {
		if p := &d.Pairs[k]; p.alone() && p.kind != 0 {
			kinds = append(kinds, p.kind)
		}
	}
	slices.Sort(kinds)
	for i := 0; i < len(kinds); {
		k := i
		for k < len(kinds) && kinds[k] == kinds[i] {
			k++
		}
		if k-i > most {
			kind, most = kinds[i], k-i
		}
		i = k
	}
	return kind, most
}

// alone reports whether the record was opened and no reason is known for it.
func (p *Pair) alone() bool { return p.Looks > 0 && p.Reasons == 0 }
