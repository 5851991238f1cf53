package detectors

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"

	"github.com/cespare/xxhash/v2"

	"github.com/readtrail/readtrail/detectors/block"
	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// reader reads parts.
type reader struct{ *block.Decoder }

// Restore makes an engine of the parts of a snapshot; open opens one by its name. Errors wrap ErrSnapshot unless reading failed: the
// caller replays from the journal instead. Files of days that have grown since the snapshot are cut to what it knows.
func Restore(cfg EngineConfig, open func(name string) (io.ReadCloser, error)) (*Engine, error) {
	e, err := NewEngine(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Standing != nil {
		return nil, errors.New("restore engine: one with standing settings has no journal to go on from")
	}
	facts, err := open("facts")
	if err != nil {
		return nil, fmt.Errorf("restore engine: %w", err)
	}
	err = errors.Join(e.state.Restore(facts), facts.Close())
	for _, part := range []struct {
		name string
		read func(*reader) error
	}{
		{"engine", e.readEngine},
		{"days", e.readDays},
		{"usual", func(r *reader) error { r.usual(e.judge); return nil }},
		{"lessons", func(r *reader) error { e.lessons = r.lessons(); return nil }},
	} {
		if err == nil {
			err = readPart(part.name, open, part.read)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("restore engine: %w", err)
	}
	e.judge.tables = e.lessons.tables()
	e.state.Changes() // what was restored is no change
	return e, nil
}

func readPart(name string, open func(string) (io.ReadCloser, error), read func(*reader) error) error {
	file, err := open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	r := &reader{block.NewDecoder(file, snapshotMagic+name+"\n", snapshotVersion)}
	if err := read(r); err != nil {
		return err
	}
	return r.End() //nolint:wrapcheck // says what failed
}

func (r *reader) text() string { return string(r.Bytes()) }

func (r *reader) key() pairKey { return pairKey{r.ID(), r.ID()} }

// each reads as many as were written.
func (r *reader) each(f func()) {
	for n := r.Count(); n > 0 && r.Err() == nil; n-- {
		f()
	}
}

func (r *reader) id() (id alertID) {
	if b := r.Bytes(); len(b) == len(id) {
		copy(id[:], b)
	} else {
		r.Fail("changed")
	}
	return id
}

func (r *reader) message(m interface{ UnmarshalVT([]byte) error }) {
	if b := r.Bytes(); r.Err() == nil && m.UnmarshalVT(b) != nil {
		r.Fail("changed")
	}
}

func (e *Engine) readEngine(r *reader) error {
	e.position = proto.Position(r.Uint())
	e.clock, e.through, e.checked, e.taught, e.latest, e.known = r.Int(), day(r.Int()), r.Int(), int(r.Int()), day(r.Int()), uint64(r.Int())
	e.learning = r.Bool()
	if r.Bool() {
		rs := &v1.RuleSet{}
		r.message(rs)
		if r.Err() != nil {
			return r.Err() //nolint:wrapcheck // says what failed
		}
		if e.useRuleSet(rs); e.rules == nil {
			return fmt.Errorf("its rule set cannot be read: %w", ErrSnapshot)
		}
	}
	e.judge.coverage = covered(Needs(r.Uint()))
	r.each(func() { e.sources[r.text()] = systems{r.text(), r.text()} })
	for i := range e.context {
		e.context[i] = r.Int()
	}
	r.each(func() { e.gaps[Needs(r.Uint())] = gapState{r.Bool()} })
	r.each(func() { d := r.ID(); e.wroteThen[d] = r.wrote() })
	r.each(func() { d := r.ID(); e.cameLate[d] = r.wrote() })
	r.recents(&e.recent)
	r.changed(e.revise.patients, e.revise.staff)
	e.revise.checked, e.revise.have = r.Int(), Needs(r.Uint())
	r.each(func() {
		d, ids := r.ID(), map[alertID]bool{}
		r.each(func() { ids[r.id()] = true })
		e.hard.open[d] = ids
	})
	r.each(func() { q := dayQueue{r.ID(), r.text()}; e.hard.shown[q] = int(r.Int()) })
	r.outcomes(&e.past)
	r.episodes(&e.series)
	return nil
}

func (r *reader) wrote() map[pairKey]struct{} {
	out := map[pairKey]struct{}{}
	r.each(func() { out[r.key()] = struct{}{} })
	return out
}

func (r *reader) changed(patients, staff map[facts.ID]struct{}) {
	for _, m := range []map[facts.ID]struct{}{patients, staff} {
		r.each(func() { m[r.ID()] = struct{}{} })
	}
}

func (r *reader) recents(into *recents) {
	r.changed(into.patients, into.staff)
	r.each(func() {
		id := r.id()
		a := &recentAlert{
			day: r.ID(), reader: r.ID(), patient: r.ID(), key: Key(r.Uint()), open: r.Bool(), decided: r.Bool(), shown: r.Bool(), version: &v1.AlertVersion{},
		}
		r.each(func() {
			if a.gone == nil {
				a.gone = map[recordOn]struct{}{}
			}
			a.gone[recordOn{r.ID(), r.ID()}] = struct{}{}
		})
		r.message(a.version)
		a.places = r.list()
		r.each(func() { a.cites = append(a.cites, r.cited()) })
		r.each(func() {
			p := keptPair{reader: r.ID(), patient: r.ID(), day: r.ID(), verdict: Verdict(r.Uint()), reason: Reason(r.Uint()), accesses: r.accesses()}
			if p.verdict > NotAssessable || p.reason >= reasonCount || len(p.accesses) == 0 {
				r.Fail("changed")
				return
			}
			a.kept = append(a.kept, p)
			into.kept += len(p.accesses)
		})
		into.alerts[id] = a
	})
}

func (r *reader) accesses() []Access {
	n := r.Count()
	var out []Access
	for len(out) < n && r.Err() == nil {
		b := r.Bytes()
		if len(b) == 0 || len(b)%accessBytes != 0 || len(out)+len(b)/accessBytes > n {
			r.Fail("changed")
			return nil
		}
		for ; len(b) > 0; b = b[accessBytes:] {
			out = append(out, readAccess(b))
		}
	}
	return out
}

func (r *reader) outcomes(o *outcomes) {
	r.each(func() {
		id := r.id()
		o.alerts[id] = &decided{readers: r.list(), patients: r.list(), day: r.ID(), misuse: r.Bool()}
	})
	for _, m := range []map[facts.ID]outcome{o.offenders, o.targeted} {
		r.each(func() { id := r.ID(); m[id] = outcome{r.ID(), r.ID()} })
	}
}

func (r *reader) episodes(into *episodes) {
	r.each(func() {
		reader := r.ID()
		r.each(func() {
			x := episode{day: r.ID(), patient: r.ID(), looks: r.ID(), labels: facts.Label(r.Uint()), signs: Sign(r.Uint()), own: r.id(), told: r.id()}
			x.shown, x.accounted, x.ownDecided, x.toldDecided = r.Bool(), r.Bool(), r.Bool(), r.Bool()
			r.each(func() { x.cited = append(x.cited, r.cited()) })
			mine := into.of[reader]
			if at, have := into.find(reader, x.patient, x.day); len(x.cited) == 0 || len(mine) == mostEpisodes || have || at != len(mine) {
				r.Fail("changed")
				return
			}
			into.of[reader] = append(mine, x)
			into.n++
		})
	})
}

func (r *reader) cited() Cited {
	return Cited{
		Position: proto.Position(r.Uint()), Occurred: r.Int(), Reader: r.ID(), Patient: r.ID(), Object: r.ID(), Site: r.ID(), Signs: Sign(r.Uint()),
		Nth: uint16(r.Uint()),
	}
}

func (r *reader) list() []facts.ID {
	var out []facts.ID
	r.each(func() { out = append(out, r.ID()) })
	return out
}

// fill reads a list of a length that is known.
func (r *reader) fill(into []facts.ID) {
	if n := r.Count(); n != len(into) {
		r.Fail("changed")
		return
	}
	for i := range into {
		into[i] = r.ID()
	}
}

func (e *Engine) readDays(r *reader) error {
	made := r.Uint()
	e.readBook(r, e.book)
	r.each(func() {
		im := &importing{id: r.text(), backfill: true, ended: r.Bool(), last: r.Int(), book: e.newBook("")}
		e.readBook(r, im.book)
		e.imports[im.id] = im
	})
	for _, b := range e.revise.all() {
		e.readBook(r, b)
	}
	if r.Err() != nil || e.spill == nil {
		return r.Err() //nolint:wrapcheck // says what failed
	}
	e.spill.made = made
	for _, b := range e.books() {
		for _, p := range b.pages {
			if err := e.spill.adopt(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) readBook(r *reader, b *Book) {
	b.name, b.number = r.text(), r.Uint()
	r.each(func() {
		p := &page{at: r.ID(), file: spilled{name: r.text(), accesses: r.Count()}}
		if p.file.name != "" {
			p.file.sum = xxhash.New()
			if filepath.Base(p.file.name) != p.file.name || p.file.sum.UnmarshalBinary(r.Bytes()) != nil || e.spill == nil {
				r.Fail("changed")
				return
			}
		} else if p.file.accesses > 0 {
			r.Fail("changed")
			return
		}
		p.accesses, p.wrote, p.judged = r.accesses(), r.wrote(), r.ID()
		if r.Bool() {
			p.open = r.openDay(len(p.accesses))
		}
		b.pages[p.at] = p
	})
}

func (r *reader) walks(all *walks) {
	r.each(func() { all.opened = append(all.opened, opening{r.ID(), r.Int()}) })
	r.each(func() { all.under = append(all.under, walk{r.Int(), r.Int(), int(r.Int()), int(r.Int())}) })
}

func (r *reader) openDay(accesses int) *openDay {
	o := &openDay{readers: map[facts.ID]*openReader{}, pairs: map[pairKey]uint16{}}
	index := func(i int64) int32 {
		if i < -1 || i >= int64(accesses) {
			r.Fail("names what it does not hold")
			return -1
		}
		return int32(i)
	}
	r.each(func() {
		id := r.ID()
		o.readers[id] = &openReader{
			last: index(r.Int()), n: int32(max(0, min(r.Int(), int64(accesses)))), until: r.Int(), facts: uint64(r.Int()), home: facts.ID(r.Int()), seen: r.Int(),
			leaps: int(r.Int()), walks: walks{told: int(r.Int())}, vendor: r.Bool(),
		}
		r.walks(&o.readers[id].walks)
	})
	r.each(func() {
		b := index(int64(r.ID()))
		if int(b) >= len(o.before) { // a chain only leads back
			r.Fail("changed")
			b = -1
		}
		o.before = append(o.before, b)
	})
	if len(o.before) > accesses {
		r.Fail("changed")
	}
	r.each(func() { k := r.key(); o.pairs[k] = uint16(r.Uint()) })
	for _, x := range o.readers {
		if int(x.last) >= len(o.before) {
			r.Fail("changed")
		}
	}
	return o
}

func (r *reader) usual(j *judge) {
	for key := range j.rates3 {
		j.rates3[key] = r.rates()
		s := &spread{}
		for i := range s.bins {
			s.bins[i] = r.Uint()
		}
		s.total = r.Uint()
		j.spreads[key], j.held[key] = s, Weight(r.ID())
		r.numbers(j.credits[key])
		r.numbers([3]*model{j.pairs, j.readers, j.records}[key].shares)
	}
	r.each(func() { id := r.ID(); j.base[id] = r.baseline() })
	r.each(func() { g := group{r.ID(), r.ID()}; j.peers[g] = r.peer() })
	r.each(func() { at := r.ID(); j.wards[at] = r.peer() })
	j.everybody = *r.peer()
	r.each(func() {
		role, x := r.ID(), &roleWhys{}
		for k := range x.kinds {
			x.kinds[k] = uint32(r.Uint())
		}
		r.fill(x.readers[0][:])
		r.fill(x.readers[1][:])
		j.whys[role] = x
	})
	r.each(func() {
		id, b := r.ID(), &workstation{}
		r.bench(&b.bench)
		b.last = r.ID()
		j.benches[id] = b
	})
	r.each(func() {
		id, a := r.ID(), &address{days: uint32(r.Uint()), accounts: uint32(r.Uint()), staff: uint32(r.Uint()), last: r.ID()}
		r.bench(&a.desks)
		r.bench(&a.sites)
		j.addresses[id] = a
	})
	r.each(func() {
		p, err := netip.ParsePrefix(r.text())
		if err != nil {
			r.Fail("changed")
		}
		j.networks[p] = &network{staff: uint32(r.Uint()), last: r.ID()}
	})
	r.each(func() {
		k, h := r.key(), pairHistory{}
		r.fill(h.alone[:])
		j.history[k] = h
	})
}

func (r *reader) bench(b *bench) {
	for i := range b.departments {
		b.departments[i], b.days[i] = r.ID(), uint32(r.Uint())
	}
	b.all = uint32(r.Uint())
}

// numbers reads as many as there are.
func (r *reader) numbers(into []uint64) {
	if n := r.Count(); n != len(into) {
		r.Fail("changed")
		return
	}
	for i := range into {
		into[i] = r.Uint()
	}
}

func (r *reader) peer() *peerCount { return &peerCount{r.Uint(), r.Uint(), r.Uint()} }

func (r *reader) rates() *rates {
	out := newRates()
	r.counts(&out.all)
	for t := range out.any {
		r.counts(&out.any[t])
	}
	r.each(func() {
		s, c := situation{group{r.ID(), r.ID()}, tie(r.Uint())}, new(counts)
		r.counts(c)
		if s.tie >= ties {
			r.Fail("changed")
			return
		}
		out.peers[s] = c
	})
	out.settle()
	return out
}

func (r *reader) counts(c *counts) {
	for i := range c {
		for g := range c[i] {
			c[i][g] = uint32(r.Uint())
		}
	}
}

func (r *reader) baseline() *baseline {
	b := &baseline{}
	for i := range b.hours {
		b.hours[i] = uint16(r.Uint())
	}
	b.days, b.last, b.faded, b.returned = r.ID(), r.ID(), r.ID(), r.ID()
	if b.days < 0 || b.faded < 0 {
		r.Fail("changed")
	}
	for i := range b.records {
		b.records[i], b.peaks[i] = uint16(r.Uint()), uint16(r.Uint())
	}
	for i := range b.places {
		b.places[i] = place{r.ID(), uint16(r.Uint())}
	}
	b.alone, b.aloneDays, b.looked, b.glass = uint32(r.Uint()), uint32(r.Uint()), uint32(r.Uint()), uint32(r.Uint())
	for k := range b.whys {
		b.whys[k] = uint16(r.Uint())
	}
	b.seats = r.Uint()
	return b
}

func (r *reader) lessons() *lessons {
	l := newLessons()
	if l.now = uint8(r.Uint()); l.now > 1 {
		r.Fail("changed")
		l.now = 0
	}
	r.each(func() {
		e, c := edge{r.ID(), r.ID()}, &cell{}
		r.fill(c.patients[:])
		c.last = r.ID()
		r.fill(c.days[:])
		r.fill(c.readers[0][:])
		r.fill(c.readers[1][:])
		l.cells[e] = c
	})
	r.each(func() {
		to, n := r.ID(), halves{}
		r.fill(n[:])
		l.patients[to] = n
	})
	r.each(func() {
		d, of := r.ID(), map[facts.ID]uint8{}
		r.each(func() { id := r.ID(); of[id] = uint8(r.Uint()) })
		l.readers[d] = of
	})
	for _, seen := range l.seen {
		r.each(func() { seen[seenKey{edge{r.ID(), r.ID()}, r.ID()}] = struct{}{} })
	}
	r.each(func() { d := r.ID(); l.work[d] = &[2]peerCount{*r.peer(), *r.peer()} })
	return l
}
