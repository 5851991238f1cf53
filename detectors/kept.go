package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// mostKept is how many accesses of a pair are kept to judge it again.
const mostKept = 64

// keptPair is a pair of a candidate, for as long as a late fact may explain it.
type keptPair struct {
	reader, patient facts.ID
	day             day
	verdict         Verdict
	reason          Reason
	accesses        []Access
}

// detach takes out of a candidate what holds the whole day in memory. What is needed later stays: where its readers worked, how
// sensitive it is, and, with keep, the accesses of the pairs that it rests on, under the numbers of then.
func (c *Candidate) detach(keep bool, then thenNumbers) {
	var pairs []*Pair
	switch {
	case c.on != nil:
		for _, r := range c.Readers {
			if i := slices.IndexFunc(c.on.all(), func(p *Pair) bool { return p.Reader == r }); i >= 0 {
				pairs = append(pairs, c.on.all()[i])
			}
		}
	case c.key == KeyPair:
		pairs = []*Pair{c.pair}
	default:
		for _, id := range c.Patients {
			if p := c.of.pairOf(id); p != nil {
				pairs = append(pairs, p)
			}
		}
		c.posts = []post{c.of.Post}
	}
	for _, p := range pairs {
		c.labels, c.signs = c.labels|p.Labels, c.signs|p.Signs
		if c.key != KeyReader {
			c.posts = append(c.posts, p.Post)
		}
		if keep {
			c.kept = append(c.kept, p.keep(then))
		}
	}
	c.pair, c.of, c.on = nil, nil, nil
}

// keep is the pair without the day around it, under the numbers that its reader and record had.
func (p *Pair) keep(then thenNumbers) keptPair {
	v, r := p.verdict()
	k, of := keptPair{p.Reader, p.Patient, p.Day, v, r, slices.Clone(p.Accesses[:min(len(p.Accesses), mostKept)])}, then.of(p)
	if k.reader, k.patient = of.reader, of.patient; len(then) > 0 {
		for i := range k.accesses {
			k.accesses[i].Reader, k.accesses[i].Patient = of.reader, of.patient
		}
	}
	return k
}

// verdict is the verdict on every access of the pair, and the strongest reason where there is one.
func (p *Pair) verdict() (Verdict, Reason) {
	switch r, ok := p.Reasons.strongest(); {
	case ok:
		return Explained, r
	case p.Blind != 0:
		return NotAssessable, 0
	}
	return Unexplained, 0
}

// exceeds reports whether a story may be shown beyond the budget: an account whose owner had left, a record on a watch list.
func (c *Candidate) exceeds() bool {
	return slices.ContainsFunc(c.Fired, func(f Fired) bool {
		top := int(f.Grade) == len(f.Scale.Words)
		return top && (f.Scale.Certain || f.Scale.Name == watchedName)
	})
}

// watchedName is the detector of watch lists, whose highest grade a site configured itself.
const watchedName = "WatchedRecord"
