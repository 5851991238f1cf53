package detectors

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/readtrail/readtrail/detectors/block"
	"github.com/readtrail/readtrail/detectors/facts"
)

// A snapshot of an engine is a set of parts, each a file of its own. What is written does not depend on how often it was written
// before, and an engine that was restored goes on as the one that wrote it: TestSnapshotsChangeNothing.
const (
	snapshotMagic   = "readtrail engine\n"
	snapshotVersion = 12
)

// Part is one file of a snapshot. Parts of one engine may be written at the same time, as long as nothing is applied meanwhile.
type Part struct {
	Name  string
	Write func(io.Writer) error
}

// Parts are what a snapshot is made of.
func (e *Engine) Parts() []Part {
	if e.spill != nil {
		clear(e.spill.fresh)
	}
	return []Part{
		{"facts", e.state.Snapshot},
		e.part("engine", e.writeEngine),
		e.part("days", func(w *writer) {
			made := uint64(0)
			if e.spill != nil {
				made = e.spill.made
			}
			w.Uint(made)
			w.book(e.book)
			w.Count(len(e.imports))
			for _, id := range slices.Sorted(maps.Keys(e.imports)) {
				im := e.imports[id]
				w.text(id)
				w.Bool(im.ended)
				w.Int(im.last)
				w.book(im.book)
			}
			for _, b := range e.revise.all() {
				w.book(b)
			}
		}),
		e.part("usual", func(w *writer) { w.usual(e.judge) }),
		e.part("lessons", func(w *writer) { w.lessons(e.lessons) }),
	}
}

// Spilled are the files that a snapshot refers to.
func (e *Engine) Spilled() []string {
	var out []string
	for _, b := range e.books() {
		for _, p := range b.pages {
			if p.file.name != "" {
				out = append(out, p.file.name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Unused are files of days that are not needed any more, since it was asked last. They may go when no snapshot refers to them.
func (e *Engine) Unused() []string {
	if e.spill == nil {
		return nil
	}
	out := e.spill.unused
	e.spill.unused = nil
	return out
}

func (e *Engine) books() []*Book {
	out := []*Book{e.book}
	for _, im := range e.imports {
		out = append(out, im.book)
	}
	return append(out, e.revise.all()...)
}

// writer writes parts.
type writer struct{ *block.Encoder }

func (e *Engine) part(name string, write func(*writer)) Part {
	return Part{name, func(out io.Writer) error {
		w := &writer{block.NewEncoder(out, snapshotMagic+name+"\n", snapshotVersion)}
		write(w)
		if err := w.Close(); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return nil
	}}
}

func (w *writer) text(s string) { w.Bytes([]byte(s)) }

func (w *writer) key(k pairKey) {
	w.ID(k.reader)
	w.ID(k.patient)
}

// sorted writes a map in the order of its keys.
func sorted[K comparable, V any](w *writer, m map[K]V, order func(a, b K) int, f func(K, V)) {
	w.Count(len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), order) {
		f(k, m[k])
	}
}

func byPair(a, b pairKey) int {
	return cmp.Or(cmp.Compare(a.reader, b.reader), cmp.Compare(a.patient, b.patient))
}

func byRecordOn(a, b recordOn) int {
	return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.patient, b.patient))
}

func byDayQueue(a, b dayQueue) int {
	return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.queue, b.queue))
}

func byID(a, b alertID) int { return slices.Compare(a[:], b[:]) }

func byGroup(a, b group) int {
	return cmp.Or(cmp.Compare(a.department, b.department), cmp.Compare(a.role, b.role))
}

func byNumber[N cmp.Ordered](a, b N) int { return cmp.Compare(a, b) }

// writeEngine writes everything that is small.
func (e *Engine) writeEngine(w *writer) {
	w.Uint(uint64(e.position))
	for _, n := range [...]int64{e.clock, int64(e.through), e.checked, int64(e.taught), int64(e.latest), int64(e.known)} {
		w.Int(n)
	}
	w.Bool(e.learning)
	w.Bool(e.rules != nil)
	if e.rules != nil {
		w.message(e.rules)
	}
	w.Uint(uint64(e.judge.coverage.have))
	sorted(w, e.sources, byNumber, func(name string, s systems) {
		w.text(name)
		w.text(s.patient)
		w.text(s.reader)
	})
	for _, at := range e.context {
		w.Int(at)
	}
	sorted(w, e.gaps, byNumber, func(kind Needs, g gapState) {
		w.Uint(uint64(kind))
		w.Bool(g.absent)
	})
	for _, then := range []map[day]map[pairKey]struct{}{e.wroteThen, e.cameLate} {
		sorted(w, then, byNumber, func(d day, pairs map[pairKey]struct{}) {
			w.ID(d)
			w.wrote(pairs)
		})
	}
	w.recents(&e.recent)
	w.changed(e.revise.patients, e.revise.staff)
	w.Int(e.revise.checked)
	w.Uint(uint64(e.revise.have))
	sorted(w, e.hard.open, byNumber, func(d day, ids map[alertID]bool) {
		w.ID(d)
		sorted(w, ids, byID, func(id alertID, _ bool) { w.Bytes(id[:]) })
	})
	sorted(w, e.hard.shown, byDayQueue, func(q dayQueue, n int) {
		w.ID(q.day)
		w.text(q.queue)
		w.Int(int64(n))
	})
	w.outcomes(&e.past)
	w.episodes(&e.series)
}

// message writes a protobuf message.
func (w *writer) message(m interface{ MarshalVT() ([]byte, error) }) {
	data, err := m.MarshalVT()
	if err != nil {
		data = nil // it is refused when it is read
	}
	w.Bytes(data)
}

func (w *writer) wrote(m map[pairKey]struct{}) {
	sorted(w, m, byPair, func(k pairKey, _ struct{}) { w.key(k) })
}

// changed writes of whom something was said.
func (w *writer) changed(patients, staff map[facts.ID]struct{}) {
	for _, m := range []map[facts.ID]struct{}{patients, staff} {
		sorted(w, m, byNumber, func(id facts.ID, _ struct{}) { w.ID(id) })
	}
}

func (w *writer) recents(r *recents) {
	w.changed(r.patients, r.staff)
	sorted(w, r.alerts, byID, func(id alertID, a *recentAlert) {
		w.Bytes(id[:])
		w.ID(a.day)
		w.ID(a.reader)
		w.ID(a.patient)
		w.Uint(uint64(a.key))
		w.Bool(a.open)
		w.Bool(a.decided)
		w.Bool(a.shown)
		sorted(w, a.gone, byRecordOn, func(r recordOn, _ struct{}) {
			w.ID(r.day)
			w.ID(r.patient)
		})
		w.message(a.version)
		w.list(a.places)
		w.Count(len(a.cites))
		for i := range a.cites {
			w.cited(&a.cites[i])
		}
		w.Count(len(a.kept))
		for i := range a.kept {
			p := &a.kept[i]
			w.ID(p.reader)
			w.ID(p.patient)
			w.ID(p.day)
			w.Uint(uint64(p.verdict))
			w.Uint(uint64(p.reason))
			w.accesses(p.accesses)
		}
	})
}

// accessesAt is how many accesses are written as one piece of bytes.
const accessesAt = 4096

func (w *writer) accesses(all []Access) {
	w.Count(len(all))
	buf := make([]byte, 0, min(len(all), accessesAt)*accessBytes)
	for part := range slices.Chunk(all, accessesAt) {
		buf = buf[:0]
		for i := range part {
			buf = appendAccess(buf, &part[i])
		}
		w.Bytes(buf)
	}
}

func (w *writer) outcomes(o *outcomes) {
	sorted(w, o.alerts, byID, func(id alertID, d *decided) {
		w.Bytes(id[:])
		w.list(d.readers)
		w.list(d.patients)
		w.ID(d.day)
		w.Bool(d.misuse)
	})
	for _, m := range []map[facts.ID]outcome{o.offenders, o.targeted} {
		sorted(w, m, byNumber, func(id facts.ID, x outcome) {
			w.ID(id)
			w.ID(x.n)
			w.ID(x.last)
		})
	}
}

func (w *writer) episodes(s *episodes) {
	sorted(w, s.of, byNumber, func(reader facts.ID, mine []episode) {
		w.ID(reader)
		w.Count(len(mine))
		for i := range mine {
			x := &mine[i]
			for _, n := range [...]int32{x.day, x.patient, x.looks} {
				w.ID(n)
			}
			w.Uint(uint64(x.labels))
			w.Uint(uint64(x.signs))
			w.Bytes(x.own[:])
			w.Bytes(x.told[:])
			for _, is := range [...]bool{x.shown, x.accounted, x.ownDecided, x.toldDecided} {
				w.Bool(is)
			}
			w.Count(len(x.cited))
			for _, c := range x.cited {
				w.cited(&c)
			}
		}
	})
}

func (w *writer) cited(c *Cited) {
	w.Uint(uint64(c.Position))
	w.Int(c.Occurred)
	for _, n := range [...]facts.ID{c.Reader, c.Patient, c.Object, c.Site} {
		w.ID(n)
	}
	w.Uint(uint64(c.Signs))
	w.Uint(uint64(c.Nth))
}

func (w *writer) list(ids []facts.ID) {
	w.Count(len(ids))
	for _, id := range ids {
		w.ID(id)
	}
}

// book writes the days of a book; what is in files is only referred to.
func (w *writer) book(b *Book) {
	w.text(b.name)
	w.Uint(b.number)
	sorted(w, b.pages, byNumber, func(d day, p *page) {
		w.ID(d)
		w.text(p.file.name)
		w.Count(p.file.accesses)
		if p.file.name != "" {
			sum, _ := p.file.sum.MarshalBinary() // it never fails
			w.Bytes(sum)
		}
		w.accesses(p.accesses)
		w.wrote(p.wrote)
		w.ID(p.judged)
		w.Bool(p.open != nil)
		if p.open != nil {
			w.openDay(p.open)
		}
	})
}

func (w *writer) openDay(o *openDay) {
	sorted(w, o.readers, byNumber, func(id facts.ID, r *openReader) {
		w.ID(id)
		for _, n := range [...]int64{
			int64(r.last), int64(r.n), r.until, int64(r.facts), int64(r.home), r.seen, int64(r.leaps), int64(r.walks.told),
		} {
			w.Int(n)
		}
		w.Bool(r.vendor)
		w.walks(&r.walks)
	})
	w.list(o.before)
	sorted(w, o.pairs, byPair, func(k pairKey, n uint16) {
		w.key(k)
		w.Uint(uint64(n))
	})
}

func (w *writer) walks(all *walks) {
	w.Count(len(all.opened))
	for _, o := range all.opened {
		w.ID(o.patient)
		w.Int(o.at)
	}
	w.Count(len(all.under))
	for _, x := range all.under {
		for _, n := range [...]int64{x.number, x.at, int64(x.up), int64(x.down)} {
			w.Int(n)
		}
	}
}

func (w *writer) lessons(l *lessons) {
	w.Uint(uint64(l.now))
	byEdge := func(a, b edge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) }
	sorted(w, l.cells, byEdge, func(e edge, c *cell) {
		w.ID(e.from)
		w.ID(e.to)
		w.list(c.patients[:])
		w.ID(c.last)
		w.list(c.days[:])
		w.list(c.readers[0][:])
		w.list(c.readers[1][:])
	})
	sorted(w, l.patients, byNumber, func(to int32, n halves) {
		w.ID(to)
		w.list(n[:])
	})
	sorted(w, l.readers, byNumber, func(d facts.ID, of map[facts.ID]uint8) {
		w.ID(d)
		sorted(w, of, byNumber, func(r facts.ID, in uint8) {
			w.ID(r)
			w.Uint(uint64(in))
		})
	})
	for _, seen := range l.seen {
		w.Count(len(seen)) // millions: their order is not worth sorting for
		for k := range seen {
			w.ID(k.from)
			w.ID(k.to)
			w.ID(k.patient)
		}
	}
	sorted(w, l.work, byNumber, func(d facts.ID, p *[2]peerCount) {
		w.ID(d)
		w.peer(&p[0])
		w.peer(&p[1])
	})
}
