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
	// minWindow is how many patients of a department were opened in a phase after or before their care, before it says anything that the
	// department's own people were not among the readers.
	minWindow = 100
)

// cell counts what one department does with the patients of another, or with those who have a diagnosis.
type cell struct {
	patients halves
	// last is the latest day counted, days how many there were; one before the latest adds none, it may have been counted.
	last day
	days halves
	// readers are up to eight different ones of each half.
	readers [2]some
}

// halves count what lasts: the half that is being written, and the one before, which is forgotten when that one is full. Both
// together are what is known.
type halves [2]int32

func (h halves) sum() int32 { return h[0] + h[1] }

// some are up to eight different readers.
type some [8]facts.ID

func (s *some) add(reader facts.ID) {
	for i, r := range s {
		if r == reader {
			return
		}
		if r == 0 {
			s[i] = reader
			return
		}
	}
}

// distinct counts the different readers of both halves, up to eight.
func (c *cell) distinct() int {
	both := c.readers[0]
	for _, r := range c.readers[1] {
		if r != 0 {
			both.add(r)
		}
	}
	for i, r := range both {
		if r == 0 {
			return i
		}
	}
	return len(both)
}

// edge is a department and what it works for: another department, or (negative) a diagnosis, in a phase of care.
type edge struct{ from, to int32 }

func target(p phased) int32 { return p.id*int32(phaseCount) + int32(p.phase) }

// tables are what is learned of how the hospital works: Fabbri and LeFevre's collaborative groups (PVLDB 2011) and the
// departments' responsibility for diagnoses (JAMIA 2012). They are rebuilt from the closed days.
type tables struct {
	share map[edge]int32
	// alone are the phases of care after or before which the department's own people leave the records alone.
	alone map[int32]struct{}
}

// lessons are what tables are made of, while days are closed: those of the half that is written now, and of the one before.
type lessons struct {
	// now is the half that is written.
	now   uint8
	cells map[edge]*cell
	// patients counts the patients of a department, or with a diagnosis, that anybody opened: (0, to).
	patients map[int32]halves
	// readers are those of a department, with a bit for each half.
	readers map[facts.ID]map[facts.ID]uint8
	// seen are the patients who were counted for an edge, by the half in which they were last.
	seen [2]map[seenKey]struct{}
	// work counts a department's pairs, and those without a document.
	work map[facts.ID]*[2]peerCount
}

// seenKey is a patient who was counted for an edge.
type seenKey struct {
	edge
	patient facts.ID
}

func newLessons() *lessons {
	return &lessons{
		cells: map[edge]*cell{}, patients: map[int32]halves{}, readers: map[facts.ID]map[facts.ID]uint8{},
		seen: [2]map[seenKey]struct{}{{}, {}}, work: map[facts.ID]*[2]peerCount{},
	}
}

// lesson is one pair whose care is known.
type lesson struct {
	at                          day
	department, reader, patient facts.ID
	// alone: there is no reason. byWindow: there is none but that the department had or will have the patient.
	alone, byWindow bool
}

// observe counts one pair. Only what no document explains teaches that departments work together: who has a patient in common by
// document needs no lesson. What only the window of the own department explains teaches whether its people look back.
func (l *lessons) observe(p *lesson, care *careSet) {
	if p.department == 0 {
		return
	}
	if l.readers[p.department] == nil {
		l.readers[p.department] = map[facts.ID]uint8{}
	}
	l.readers[p.department][p.reader] |= 1 << l.now
	work := l.work[p.department]
	if work == nil {
		work = &[2]peerCount{}
		l.work[p.department] = work
	}
	if work[l.now].looked++; p.alone {
		work[l.now].alone++
	}
	for _, to := range care.departments {
		teaches := p.alone
		if to.id == p.department && to.phase != phaseDuring {
			teaches = p.byWindow
		}
		l.count(p, target(to), teaches)
	}
	for _, to := range care.reasons {
		l.count(p, -target(to), p.alone)
	}
}

func (l *lessons) count(p *lesson, to int32, teaches bool) {
	if n := l.patients[to]; l.first(seenKey{edge{0, to}, p.patient}, &n) {
		l.patients[to] = n
	}
	if !teaches {
		return
	}
	e := edge{p.department, to}
	c := l.cells[e]
	if c == nil {
		c = &cell{}
		l.cells[e] = c
	}
	l.first(seenKey{e, p.patient}, &c.patients)
	if c.last < p.at {
		c.last = p.at
		c.days[l.now]++
	}
	c.readers[l.now].add(p.reader)
}

// first counts a patient in the half that is written now, and in no other; it reports whether that changed anything.
func (l *lessons) first(key seenKey, n *halves) bool {
	if _, counted := l.seen[l.now][key]; counted {
		return false
	}
	before := l.now ^ 1
	if _, counted := l.seen[before][key]; counted {
		delete(l.seen[before], key)
		n[before]--
	}
	n[l.now]++
	l.seen[l.now][key] = struct{}{}
	return true
}

// turn forgets the older half, and begins to write it anew.
func (l *lessons) turn() {
	l.now ^= 1
	l.seen[l.now] = map[seenKey]struct{}{}
	for e, c := range l.cells {
		c.patients[l.now], c.days[l.now], c.readers[l.now] = 0, 0, some{}
		if c.patients.sum() == 0 {
			delete(l.cells, e)
		}
	}
	for to, n := range l.patients {
		if n[l.now] = 0; n.sum() == 0 {
			delete(l.patients, to)
		} else {
			l.patients[to] = n
		}
	}
	for department, of := range l.readers {
		for r, in := range of {
			if in &^= 1 << l.now; in == 0 {
				delete(of, r)
			} else {
				of[r] = in
			}
		}
		if len(of) == 0 {
			delete(l.readers, department)
		}
	}
	for department, w := range l.work {
		if w[l.now] = (peerCount{}); w[l.now^1].looked == 0 {
			delete(l.work, department)
		}
	}
}

// leavesAlone reports whether a department's people are known to leave the records of its patients alone in a phase of their care. What
// is not known, or not yet, is not held against anybody.
func (t *tables) leavesAlone(p phased) bool {
	_, known := t.alone[target(p)]
	return known
}

// leftAlone finds the phases in which departments leave their patients' records alone: of so many patients that were opened by whomever
// in that phase, they themselves opened next to none without another reason.
func (l *lessons) leftAlone() map[int32]struct{} {
	out := map[int32]struct{}{}
	for to, n := range l.patients {
		department, at := to/int32(phaseCount), phase(to%int32(phaseCount))
		if to <= 0 || at == phaseDuring || n.sum() < minWindow || len(l.readers[department]) == 0 {
			continue
		}
		c := l.cells[edge{department, to}]
		if c == nil || !l.isWork(department, c) || int64(c.patients.sum())*10_000 < int64(n.sum())*rareShare {
			out[to] = struct{}{}
		}
	}
	return out
}

// isWork reports whether so many readers opened so many records on so many days that it is no coincidence. A department of few readers
// needs no more of them than it has.
func (l *lessons) isWork(department facts.ID, c *cell) bool {
	need := min(minReaders, max(1, (len(l.readers[department])+1)/2))
	return c.patients.sum() >= minPatients && c.distinct() >= need && c.days.sum() >= minWorkdays
}

// tables makes the shares.
func (l *lessons) tables() *tables {
	t := &tables{share: map[edge]int32{}, alone: l.leftAlone()}
	edges := make([]edge, 0, len(l.cells))
	for e := range l.cells {
		edges = append(edges, e)
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for _, e := range edges {
		c, work := l.cells[e], l.workOf(e.from)
		if work.alone*1000 < work.looked*undocumented {
			continue
		}
		if !l.isWork(e.from, c) {
			continue
		}
		t.share[e] = int32(int64(c.patients.sum()) * 10_000 / int64(max(l.patients[e.to].sum(), 1)))
	}
	return t
}

// workOf sums what a department's people did in both halves.
func (l *lessons) workOf(department facts.ID) peerCount {
	w := l.work[department]
	if w == nil {
		return peerCount{}
	}
	return peerCount{looked: w[0].looked + w[1].looked, alone: w[0].alone + w[1].alone}
}

// serves says how usual it is that a department opens the records of patients with such care: the largest share.
func (t *tables) serves(department facts.ID, care *careSet) (usual, diagnosis served) {
	for _, to := range care.departments {
		usual = usual.larger(served{to, t.share[edge{department, target(to)}]})
	}
	for _, to := range care.reasons {
		diagnosis = diagnosis.larger(served{to, t.share[edge{department, -target(to)}]})
	}
	return usual, diagnosis
}

// served is a department or a diagnosis, and how usual it is that another department serves it.
type served struct {
	phased
	share int32
}

func (s served) larger(other served) served {
	if other.share > s.share {
		return other
	}
	return s
}
