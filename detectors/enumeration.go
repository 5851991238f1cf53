package detectors

import (
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	// gap is how far apart two record numbers of a walk may be, and pause how long it may rest.
	gap   = 12
	pause = 5 * time.Minute
	// shortWalk and longWalk are so many records in the order of their numbers.
	shortWalk = 6
	longWalk  = 15
)

// enumeration (D12): records in the order of their numbers, one after the other, as somebody does who copies them.
func enumeration() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "Enumeration", Catalogue: "D12", Key: KeyReader, Peers: PeersAll, Hard: true,
			Words: []string{"records in the order of their numbers", "a long walk through record numbers"},
		},
		grade: func(_ *judge, d *ReaderDay) Grade {
			switch n := walk(d.Accesses); {
			case n >= longWalk:
				return 2
			case n >= shortWalk:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, d *ReaderDay, _ Grade) string {
			return capital(count(walk(d.Accesses), "record")) +
				" were opened one after the other in the order of their numbers, as somebody does who copies them."
		},
		normal: "A work list in the order of record numbers would have made it normal.",
	}
}

// walk is the longest stretch of looks at different records whose numbers rise, or fall, by small steps.
func walk(accesses []Access) int {
	best, up, down := 0, 1, 1
	last, at, patient := int64(0), int64(0), facts.ID(0)
	for i := range accesses {
		a := &accesses[i]
		if a.Number == 0 || !a.Any(SignLook) || a.Patient == patient {
			continue
		}
		step := a.Number - last
		near := last != 0 && a.Occurred-at <= pause.Microseconds()
		switch {
		case near && step > 0 && step <= gap:
			up, down = up+1, 1
		case near && step < 0 && step >= -gap:
			up, down = 1, down+1
		default:
			up, down = 1, 1
		}
		best = max(best, up, down)
		last, at, patient = a.Number, a.Occurred, a.Patient
	}
	return best
}

// cohortHarvest (D12): many records without a reason that have one thing in common: a department that cares for them, or a
// diagnosis. A physician listed newborns to sell a service to their parents (Afandi 2024).
func cohortHarvest() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "CohortHarvest", Catalogue: "D12", Key: KeyReader, Peers: PeersGroup, Needs: NeedsCare,
			Words: []string{"several records of one kind without a reason", "many records of one kind without a reason"},
		},
		grade: func(_ *judge, d *ReaderDay) Grade {
			if d.Unexplained < 5 {
				return Quiet
			}
			var kinds []facts.ID
			for k := range d.Pairs {
				if p := &d.Pairs[k]; p.Looks > 0 && p.Reasons == 0 && p.kind != 0 {
					kinds = append(kinds, p.kind)
				}
			}
			slices.Sort(kinds)
			most := 0
			for i := 0; i < len(kinds); {
				k := i
				for k < len(kinds) && kinds[k] == kinds[i] {
					k++
				}
				most, i = max(most, k-i), k
			}
			switch {
			case most*3 < d.Unexplained*2:
				return Quiet
			case most >= 12:
				return 2
			case most >= 5:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, _ *ReaderDay, _ Grade) string {
			return "Most of these patients have one thing in common: the same department cares for them, or they have the same diagnosis."
		},
		normal: "A study or a registry that the patients consented to would have made it normal.",
	}
}
