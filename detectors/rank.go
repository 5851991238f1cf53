package detectors

import (
	"cmp"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Alert is a candidate with its place in the day's queue.
type Alert struct {
	Candidate
	// Queue is the queue of sites in which it stands; "": that of everything else.
	Queue string
	// Rank is its place in its queue on its day, from 1.
	Rank int
	// Shown: within the budget, and more likely than the threshold. A budget is a ceiling, never a quota.
	Shown bool
}

// Queue says how many are shown.
type Queue struct {
	// Budget is how many alerts a day are shown at the most; default 20. Queues of sites have budgets of their own.
	Budget int
	// Threshold is how likely misuse must be, in per mille, for an alert to be shown; default 220.
	Threshold int32
	// Least is the evidence, as a weight, below which nothing becomes a candidate; default 5 bits. Case files, whose few events
	// are no hospital, ask for less.
	Least Weight
	// Prior is how common misuse is among units, as the logarithm of the odds; default 0: found from the units themselves, which
	// takes a hospital.
	Prior Weight
}

// sortedStories puts the stories of one day in their order. Scores are integers, ties are broken by who and what, so the order is the same
// everywhere. gather puts other days into the stories; nil: there are none.
func sortedStories(all []Candidate, priors [3]Weight, gather func([]Candidate)) []Candidate {
	for i := range all {
		all[i].Score = all[i].Weight + priors[all[i].key] + all[i].boost
	}
	all = collapse(all)
	if gather != nil {
		gather(all)
	}
	slices.SortStableFunc(all, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Shape, b.Shape),
			slices.Compare(a.Readers, b.Readers), slices.Compare(a.Patients, b.Patients))
	})
	return all
}

// rank makes the queues of one day. place says in which queue of sites an alert stands, and how many of them are shown; nil: there is one queue.
func (q Queue) rank(all []Candidate, priors [3]Weight, gather func([]Candidate), place func(*Alert) (queue string, budget int)) []Alert {
	all = sortedStories(all, priors, gather)
	out, ranks := make([]Alert, len(all)), map[string]int{}
	for i := range all {
		a, budget := Alert{Candidate: all[i]}, q.Budget
		if place != nil {
			a.Queue, budget = place(&a)
		}
		ranks[a.Queue]++
		a.Rank = ranks[a.Queue]
		a.Shown = (a.Rank <= budget || a.exceeds()) && chance(a.Score) >= q.Threshold
		out[i] = a
	}
	return out
}

// worthJoining is how likely a pair must be, in per mille, to be told in the story of its reader's day.
const worthJoining = 60

// collapse joins what is one story: several suspicious pairs of one reader become the reader's day; readers of a crowd become the
// record's day.
func collapse(all []Candidate) []Candidate {
	crowds := map[facts.ID]*Candidate{}
	readers := map[facts.ID]*Candidate{}
	pairs := map[facts.ID][]*Candidate{}
	var order []facts.ID
	for i := range all {
		c := &all[i]
		switch c.Shape {
		case ShapeRecordDay:
			crowds[c.Patients[0]] = c
		case ShapeReaderDay:
			readers[c.Readers[0]] = c
		default:
			if pairs[c.Readers[0]] == nil {
				order = append(order, c.Readers[0])
			}
			pairs[c.Readers[0]] = append(pairs[c.Readers[0]], c)
		}
	}
	var out []Candidate
	told := map[pairKey]bool{}
	for i := range all {
		c := &all[i]
		if c.Shape != ShapeRecordDay {
			continue
		}
		out = append(out, *c)
		if chance(c.Score) >= 500 { // else its readers are stories of their own as well
			for _, r := range c.Readers {
				told[pairKey{r, c.Patients[0]}] = true
			}
		}
	}
	for i := range all {
		c := &all[i]
		if c.Shape != ShapeReaderDay {
			continue
		}
		mine := pairs[c.Readers[0]]
		n, joint := joined(mine)
		if n > fewRecords {
			c.Score = max(c.Score, joint) // told as a day: nobody reads a dozen stories in one
		} else if len(mine) > 0 && mine[0].Score >= c.Score {
			mine[0].Note.alsoOf(c.Note)
			mine[0].Fired = append(mine[0].Fired, c.Fired...)
			mine[0].refused, mine[0].told = c.refused, c.told
			continue
		}
		for _, p := range mine {
			told[pairKey{p.Readers[0], p.Patients[0]}] = true
		}
		out = append(out, c.withRefused())
	}
	for _, r := range order {
		var left []*Candidate
		for _, p := range pairs[r] {
			if !told[pairKey{r, p.Patients[0]}] {
				left = append(left, p)
			}
		}
		out = join(out, left)
	}
	return joinReaders(out)
}

// likelyReader is how likely a pair must be, in per mille, to be told in the story of its record's day.
const likelyReader = 300

// joinReaders makes one story of the likely pairs of one record: several people in the record of somebody in the news are one
// matter, and take one place in the queue.
func joinReaders(all []Candidate) []Candidate {
	taken := map[facts.ID]bool{} // records that have a day of their own already
	told := map[facts.ID]bool{}
	of := map[facts.ID][]*Candidate{}
	for i := range all {
		switch c := &all[i]; {
		case c.Shape == ShapeRecordDay:
			taken[c.Patients[0]] = true
		case c.Shape == ShapePair && chance(c.Score) >= likelyReader:
			of[c.Patients[0]] = append(of[c.Patients[0]], c)
		}
	}
	var out []Candidate
	for i := range all {
		c := &all[i]
		if c.Shape != ShapePair || chance(c.Score) < likelyReader || taken[c.Patients[0]] || len(of[c.Patients[0]]) < 2 {
			out = append(out, *c)
			continue
		}
		if mine := of[c.Patients[0]]; !told[c.Patients[0]] {
			told[c.Patients[0]] = true
			out = append(out, recordStory(mine))
		}
	}
	return out
}

// recordStory is that of a record's day, of the pairs that belong to it.
func recordStory(pairs []*Candidate) Candidate {
	slices.SortStableFunc(pairs, func(a, b *Candidate) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), slices.Compare(a.Readers, b.Readers))
	})
	_, score := joined(pairs)
	story := *pairs[0]
	story.Shape, story.Score = ShapeRecordDay, score
	story.Readers, story.Accesses, story.Fired, story.posts, story.kept = nil, nil, nil, nil, nil
	notes := make([]*Note, len(pairs))
	for i, p := range pairs {
		story.Readers = append(story.Readers, p.Readers...)
		story.Accesses = append(story.Accesses, p.Accesses...)
		story.posts, story.kept = append(story.posts, p.posts...), append(story.kept, p.kept...)
		story.labels, story.signs = story.labels|p.labels, story.signs|p.signs
		for _, f := range p.Fired {
			if !slices.ContainsFunc(story.Fired, func(have Fired) bool { return have.Scale == f.Scale }) {
				story.Fired = append(story.Fired, f)
			}
		}
		notes[i] = p.Note
	}
	story.Note = ofReaders(notes)
	return story
}

// fewRecords are as many as are told one by one.
const fewRecords = 3

// joined is how many pairs of one reader, the likeliest first, are worth joining, and how likely they are together: another
// suspicious record of the same day makes both more likely.
func joined(pairs []*Candidate) (n int, score Weight) {
	for n < len(pairs) && chance(pairs[n].Score) >= worthJoining {
		if n == 0 {
			score = pairs[0].Score
		} else {
			score += max(pairs[n].Score+4*bit, 0) / 4
		}
		n++
	}
	return n, score
}

// join makes one story of the pairs of one reader that are worth it; the others stay apart.
func join(out []Candidate, pairs []*Candidate) []Candidate {
	n, score := joined(pairs)
	if n >= 2 {
		story := *pairs[0]
		story.Shape, story.Score = ShapeReaderDay, score
		note := *story.Note
		note.What, note.Why, note.Normal = slices.Clone(note.What), slices.Clone(note.Why), slices.Clone(note.Normal)
		story.Note = &note
		story.Patients, story.Accesses = slices.Clone(story.Patients), slices.Clone(story.Accesses)
		story.kept = slices.Clone(story.kept)
		notes := make([]*Note, 0, n)
		for _, p := range pairs[:n] {
			notes = append(notes, p.Note)
		}
		note.Tried = triedOf(notes, func(one *Note) string { return one.record })
		for i, p := range pairs[1:n] {
			story.alone = story.alone && p.alone && aimless(p.Scenario)
			story.Patients = append(story.Patients, p.Patients...)
			note.and(p.Note, i+1 < mostTold)
			story.kept, story.labels, story.signs = append(story.kept, p.kept...), story.labels|p.labels, story.signs|p.signs
			story.Accesses = append(story.Accesses, p.Accesses...)
		}
		note.ofRecords(n)
		out = append(out, story.withRefused())
		pairs = pairs[n:]
	}
	for _, p := range pairs {
		out = append(out, p.withRefused())
	}
	return out
}

// withRefused is the story with the refused attempts that it counts: they are cited first, and told among the rest.
func (c *Candidate) withRefused() Candidate {
	story := *c
	if story.refused = nil; len(c.refused) > 0 {
		note := *c.Note
		note.Evidence = note.Evidence.withRefused(c.told)
		story.Note, story.Accesses, story.told = &note, slices.Concat(c.refused, c.Accesses), Evidence{}
	}
	return story
}
