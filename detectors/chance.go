package detectors

import "slices"

// chanceEvery is which pairs of a day are paired anew: one in so many.
const chanceEvery = 8

// byChance grades pairs that do not exist: a reader of the day with a record that somebody else opened on it. How often a detector
// fires on them is what chance alone makes of it; what it fires on real pairs is measured against that (Hedda 2017).
func (e *Engine) byChance(j *judge, c *closed) {
	var pairs []*Pair
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			if p := &c.readers[i].Pairs[k]; p.Looks > 0 && !p.counted && p.Signs&(SignPatient|SignSystem) == 0 {
				pairs = append(pairs, p)
			}
		}
	}
	for i := 0; i < len(pairs); i += chanceEvery {
		p, other := pairs[i], pairs[(i+len(pairs)/2)%len(pairs)]
		if p.Patient == other.Patient || p.Reader == other.Reader {
			continue
		}
		accesses := slices.Clone(p.Accesses)
		for k := range accesses {
			accesses[k].Patient, accesses[k].Labels, accesses[k].Number = other.Patient, other.Labels, 0
		}
		again := j.explained(c.at, accesses)
		again.extent = keptOfIt
		j.graded(again)
		if len(again.readers) == 0 || len(again.readers[0].Pairs) == 0 {
			continue
		}
		e.stats.ChancePairs++
		g := &again.readers[0].Pairs[0].grades
		for s := range j.pairs.scales {
			if g[s] != Quiet && g[s] != Blind {
				e.stats.ChanceFindings[j.pairs.scales[s].Name]++
			}
		}
	}
}
