package detectors

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// What was told to have no reason, or not to be assessable, is held for as long as a late fact may change that (Settings.Recheck), whether an
// alert tells of it or not: who-viewed would say for good that no reason was found of somebody whose encounter came a day late. What turned to
// explained is held on, for its reason may be withdrawn. What was told to be explained from the first stays so without an alert.

const (
	// reviseEvery is how often what is held is looked at. Alerts are, more often.
	reviseEvery = time.Hour
	// revisedAtOnce is how many accesses are judged again at a time.
	revisedAtOnce = 100_000
	// revisedInMemory is the share of EngineConfig.HeldInMemory that may be in memory of all that is held: 1.3 MB by default.
	revisedInMemory = 16
	// rewrittenAtOnce is how many accesses are written at a time when a day is written anew: 1.3 MB.
	rewrittenAtOnce = 4 * spillBlock
)

// revisable are the accesses of judged days whose verdict may change.
type revisable struct {
	// books hold them by whether an import brought them and by what was told last.
	books [2][NotAssessable + 1]*Book
	// patients and staff are whom something was said of since it was looked at last, at checked, when there was this context.
	patients, staff map[facts.ID]struct{}
	checked         int64
	have            Needs
}

func (e *Engine) newRevisable() revisable {
	r := revisable{patients: map[facts.ID]struct{}{}, staff: map[facts.ID]struct{}{}}
	for i, from := range [...]string{"", "imported-"} {
		for v, told := range [...]string{Explained: "turned", Unexplained: "unexplained", NotAssessable: "blind"} {
			r.books[i][v] = e.newBook(from + told)
		}
	}
	return r
}

// all are the books, those of live days first.
func (r *revisable) all() []*Book { return append(slices.Clone(r.books[0][:]), r.books[1][:]...) }

func (r *revisable) accesses() (n uint64) {
	for _, b := range r.all() {
		n += b.number
	}
	return n
}

// changed remembers of whom something was said. While nothing is held, nobody asks.
func (r *revisable) changed(patients, staff []facts.ID) {
	if r.accesses() == 0 {
		return
	}
	for _, id := range patients {
		r.patients[id] = struct{}{}
	}
	for _, id := range staff {
		r.staff[id] = struct{}{}
	}
}

func imported(backfill bool) int {
	if backfill {
		return 1
	}
	return 0
}

// holdRevisable keeps what of a judged day has no reason.
func (e *Engine) holdRevisable(c *closed, backfill bool) error {
	if e.out.out == nil {
		return nil // nobody is told of verdicts
	}
	judged := localDay(max(e.clock, e.out.at), e.cfg.Zone)
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			p := &c.readers[i].Pairs[k]
			if v, _ := p.verdict(); v != Explained {
				e.revise.books[imported(backfill)][v].hold(p, c.then, judged)
			}
		}
	}
	for e.revise.accesses() > uint64(e.cfg.Limits.Revisable) { // the oldest days go first
		var from *Book
		for _, b := range e.revise.all() {
			if days := b.days(); len(days) > 0 && (from == nil || days[0] < from.days()[0]) {
				from = b
			}
		}
		e.stats.EvictedRevisable += e.dropRevisable(from, from.days()[0])
	}
	return e.settleRevisable()
}

// hold adds a pair's accesses to its day, under the numbers that its reader and record had. What an event does not say of where its reader works,
// the first of the day said: it was judged by that.
func (b *Book) hold(p *Pair, then thenNumbers, judged day) {
	first := &p.Of.Accesses[0]
	for _, a := range p.Accesses {
		was := then.one(&a)
		a.Reader, a.Patient = was.reader, was.patient
		a.Department, a.Role = cmp.Or(a.Department, first.Department), cmp.Or(a.Role, first.Role)
		b.keep(p.Day, judged, &a)
	}
}

// keep adds an access to a day that was judged.
func (b *Book) keep(d, judged day, a *Access) *page {
	p := b.page(d)
	p.judged = max(p.judged, judged)
	p.accesses = append(p.accesses, *a)
	b.number++
	return p
}

// settleRevisable moves days into their files where too much is in memory.
func (e *Engine) settleRevisable() error {
	n := 0
	for _, b := range e.revise.all() {
		n += b.inMemory()
	}
	if e.spill == nil || n < e.cfg.HeldInMemory/revisedInMemory {
		return nil
	}
	for _, b := range e.revise.all() {
		for _, d := range b.days() {
			if p := b.pages[d]; len(p.accesses) > 0 {
				if err := e.spill.write(b.name, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// dropRevisable drops a day, and says how many accesses it had.
func (e *Engine) dropRevisable(b *Book, d day) uint64 {
	gone := b.take([]day{d})
	e.spill.discard(gone.pages[d])
	return gone.number
}

// reviseDays drops the days that are held no longer, judges again what is held and of whose reader or record something became known, and tells the
// verdicts that changed; what could not be assessed also where there is context that there was not before.
func (e *Engine) reviseDays() error {
	r := &e.revise
	every := reviseEvery.Microseconds()
	if e.clock/every == r.checked {
		return nil
	}
	r.checked = e.clock / every
	today := localDay(e.clock, e.cfg.Zone)
	for _, b := range r.all() {
		for _, d := range b.days() {
			if b.pages[d].judged+day(e.settings.Recheck/(24*time.Hour)) < today {
				e.dropRevisable(b, d)
			}
		}
	}
	e.judge.coverage = e.coverage()
	gained := e.judge.coverage.have&^r.have != 0
	r.have = e.judge.coverage.have
	if len(r.patients)+len(r.staff) > 0 || gained {
		r.patients = canonical(r.patients, e.state.Canonical)
		r.staff = canonical(r.staff, e.state.CanonicalStaff)
		e.judge.forgetWholes()
		told := sync.OnceValue(e.recent.told)
		for i := range r.books {
			for was, b := range r.books[i] {
				x := revision{Engine: e, of: b, books: &r.books[i], was: Verdict(was), whole: gained && Verdict(was) == NotAssessable, backfill: i == 1, told: told}
				for _, d := range b.days() {
					if err := x.day(d); err != nil {
						return err
					}
				}
			}
		}
		clear(r.patients)
		clear(r.staff)
	}
	return e.settleRevisable()
}

// revision judges a book again.
type revision struct {
	*Engine
	of    *Book
	books *[NotAssessable + 1]*Book
	was   Verdict
	// whole: all of it, and not only what something was said of.
	whole, backfill bool
	// told is what alerts told of what they rest on.
	told func() map[accessKey]Verdict
}

// day judges a day again, readers together, and writes what is not told so any more out of it.
func (x *revision) day(d day) error {
	some, n, err := x.concerned(d, 0, 1)
	if err != nil || n == 0 {
		return err
	}
	gone := map[accessKey]struct{}{}
	if n <= revisedAtOnce {
		x.turn(d, some, gone)
	} else {
		pieces := n/revisedAtOnce + 1
		for k := range pieces {
			if some, _, err = x.concerned(d, k, pieces); err != nil {
				return err
			}
			x.turn(d, some, gone)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return x.without(d, gone)
}

// concerned are the accesses of one of some pieces of a day's readers, each access once, of which something became known, and how many there are; of
// too many it gives none. Of a day that was judged twice, what alerts rest on may be held twice.
func (x *revision) concerned(d day, piece, pieces int) (out []Access, n int, err error) {
	err = x.of.each(d, func(a *Access) error {
		reader := x.state.CanonicalStaff(a.Reader)
		if int(reader)%pieces != piece {
			return nil
		}
		_, patient := x.revise.patients[x.state.Canonical(a.Patient)]
		if _, staff := x.revise.staff[reader]; !patient && !staff && !x.whole {
			return nil
		}
		if n++; pieces > 1 || n <= revisedAtOnce {
			out = append(out, *a)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Access) int { return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Nth, b.Nth)) })
	return slices.CompactFunc(out, func(a, b Access) bool { return a.key() == b.key() }), n, err
}

// turn judges accesses again, tells the verdicts that changed, and holds them by what is told now.
func (x *revision) turn(d day, some []Access, gone map[accessKey]struct{}) {
	c := x.judge.explained(d, some)
	var rows []row
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			p := &c.readers[i].Pairs[k]
			v, _ := p.verdict()
			if v == x.was || v == NotAssessable { // what context has become too old for since is not gone back on
				continue
			}
			x.books[v].hold(p, c.then, x.of.pages[d].judged)
			if v == Explained {
				x.accounted(p.Reader, p.Patient, d)
			} else if x.was == Explained {
				x.unaccounted(p.Reader, p.Patient, d)
			}
			var anew []Access
			for _, a := range p.Accesses {
				gone[a.key()] = struct{}{}
				if before, alert := x.told()[a.key()]; !alert || before != v {
					anew = append(anew, a)
				}
			}
			rows = p.appendRows(rows, anew)
		}
	}
	if len(rows) > 0 {
		x.stats.Reversed += uint64(len(rows))
		x.sendRows(standing{day: d, closed: true, backfill: x.backfill}, rows)
	}
}

// without writes a day anew without some accesses.
func (x *revision) without(d day, gone map[accessKey]struct{}) error {
	before := x.of.take([]day{d})
	was := before.pages[d]
	err := before.each(d, func(a *Access) error {
		if _, out := gone[a.key()]; out {
			return nil
		}
		if p := x.of.keep(d, was.judged, a); x.spill != nil && len(p.accesses) == rewrittenAtOnce {
			return x.spill.write(x.of.name, p)
		}
		return nil
	})
	x.spill.discard(was)
	return err
}

// told is what was told last of what alerts rest on.
func (r *recents) told() map[accessKey]Verdict {
	out := map[accessKey]Verdict{}
	for _, id := range r.ids() {
		for _, p := range r.alerts[id].kept {
			for i := range p.accesses {
				out[p.accesses[i].key()] = p.verdict
			}
		}
	}
	return out
}
