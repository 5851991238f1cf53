package detectors

import (
	"cmp"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Shares, in ten thousandths of the patients of a department (or with a diagnosis) whose records another department opens.
const (
	// usualShare: so many of B's patients are seen by A in that phase of their care that A's work reaches them. 600 incidents among
	// 60,000 patients could not cause 5 % in one cell if all of them fell into it.
	usualShare = 500
	// rareShare: it happens.
	rareShare = 40
	// undocumented is which share of a department's work, in per mille, has no document at least, for its habits to count: where
	// care is documented as a rule, what is not is no habit.
	undocumented = 80
	// minReaders and minPatients keep one person's curiosity, and one coincidence, from being learned as work.
	minReaders  = 3
	minPatients = 8
	// minWorkdays keeps one busy morning from being learned as work.
	minWorkdays = 3
)

// cell counts what one department does with the patients of another, or with those who have a diagnosis.
type cell struct {
	patients int32
	// last is the latest day counted, days how many there were.
	last, days day
	// readers are up to eight different ones.
	readers [8]facts.ID
}

func (c *cell) add(reader facts.ID) {
	for i, r := range c.readers {
		if r == reader {
			return
		}
		if r == 0 {
			c.readers[i] = reader
			return
		}
	}
}

func (c *cell) distinct() int {
	for i, r := range c.readers {
		if r == 0 {
			return i
		}
	}
	return len(c.readers)
}

// edge is a department and what it works for: another department, or (negative) a diagnosis, in a phase of care.
type edge struct{ from, to int32 }

func target(p phased) int32 { return p.id*int32(phaseCount) + int32(p.phase) }

// tables are what is learned of how the hospital works: Fabbri and LeFevre's collaborative groups (PVLDB 2011) and the
// departments' responsibility for diagnoses (JAMIA 2012). They are rebuilt from the closed days and are part of the rule set.
type tables struct {
	share map[edge]int32
}

// lessons are what tables are made of, while days are closed.
type lessons struct {
	cells map[edge]*cell
	// patients counts the patients of a department, or with a diagnosis, that anybody opened: (0, to).
	patients map[int32]int32
	// size counts the readers of a department.
	readers map[facts.ID]map[facts.ID]bool
	seen    map[seenKey]bool
	// work counts a department's pairs, and those without a document.
	work map[facts.ID]*peerCount
}

// seenKey is a patient who was counted for an edge.
type seenKey struct {
	edge
	patient facts.ID
}

func newLessons() *lessons {
	return &lessons{
		cells: map[edge]*cell{}, patients: map[int32]int32{}, readers: map[facts.ID]map[facts.ID]bool{}, seen: map[seenKey]bool{},
		work: map[facts.ID]*peerCount{},
	}
}

// observe counts one pair whose care is known. Only what no document explains teaches that departments work together: who
// has a patient in common by document needs no lesson.
func (l *lessons) observe(at day, department, reader, patient facts.ID, care *careSet, alone bool) {
	if department == 0 {
		return
	}
	if l.readers[department] == nil {
		l.readers[department] = map[facts.ID]bool{}
	}
	l.readers[department][reader] = true
	work := l.work[department]
	if work == nil {
		work = &peerCount{}
		l.work[department] = work
	}
	if work.looked++; alone {
		work.alone++
	}
	for _, to := range care.departments {
		l.count(at, edge{department, target(to)}, reader, patient, alone)
	}
	for _, to := range care.reasons {
		l.count(at, edge{department, -target(to)}, reader, patient, alone)
	}
}

func (l *lessons) count(at day, e edge, reader, patient facts.ID, alone bool) {
	if anyone := (seenKey{edge{0, e.to}, patient}); !l.seen[anyone] {
		l.seen[anyone] = true
		l.patients[e.to]++
	}
	if !alone {
		return
	}
	c := l.cells[e]
	if c == nil {
		c = &cell{}
		l.cells[e] = c
	}
	if key := (seenKey{e, patient}); !l.seen[key] {
		l.seen[key] = true
		c.patients++
	}
	if c.last != at {
		c.last = at
		c.days++
	}
	c.add(reader)
}

// tables makes the shares. A department of few readers needs no more of them than it has.
func (l *lessons) tables() *tables {
	t := &tables{share: map[edge]int32{}}
	edges := make([]edge, 0, len(l.cells))
	for e := range l.cells {
		edges = append(edges, e)
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for _, e := range edges {
		c, work := l.cells[e], l.work[e.from]
		if work.alone*1000 < work.looked*undocumented {
			continue
		}
		need := min(minReaders, max(1, (len(l.readers[e.from])+1)/2))
		if c.patients < minPatients || c.distinct() < need || c.days < minWorkdays {
			continue
		}
		t.share[e] = int32(int64(c.patients) * 10_000 / int64(max(l.patients[e.to], 1)))
	}
	return t
}

// serves says how usual it is that a department opens the records of patients with such care: the largest share.
func (t *tables) serves(department facts.ID, care *careSet) (departments, diagnoses int32) {
	for _, to := range care.departments {
		departments = max(departments, t.share[edge{department, target(to)}])
	}
	for _, to := range care.reasons {
		diagnoses = max(diagnoses, t.share[edge{department, -target(to)}])
	}
	return departments, diagnoses
}
