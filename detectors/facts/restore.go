package facts

import (
	"io"
	"maps"
	"slices"
)

// Restore replaces the state by what Snapshot wrote. After an error, which wraps ErrSnapshot unless reading failed, the state is
// as it was.
func (s *State) Restore(r io.Reader) error {
	next, err := New(s.cfg)
	if err != nil {
		return err
	}
	d := newDecoder(r)
	next.read(d)
	d.indexing.Wait()
	if err := d.End(); err != nil {
		return err
	}
	next.connect()
	*s = *next
	s.bind()
	return nil
}

func (s *State) read(d *decoder) {
	d.table(&s.texts)
	for _, sp := range [...]*space{&s.patients, &s.staff, &s.departments} {
		d.space(sp)
	}
	d.table(&s.facts)
	s.about = d.ids()
	readMap(d, s.spread, d.ids)
	s.met = nil
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		s.met = append(s.met, d.Uint())
	}
	s.roleUnits = d.ids()
	readMap(d, s.former, func() bool { return true })
	readMap(d, s.parts, func() []ID { return nil })
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		s.forms.of(form{CareKind(d.Uint()), d.ID(), d.ID(), Doubt(d.Uint())})
	}
	s.evicted, s.evictedStays = d.Int(), d.Int()
	readMap(d, s.stats.types, func() *TypeCoverage {
		return &TypeCoverage{Resources: d.Int(), Facts: d.Int(), First: d.Int(), Last: d.Int()}
	})
	s.records = readList(d, d.record)
	s.people = readList(d, d.person)
	s.units = readList(d, d.unit)
	d.table(&s.schedules)
	s.rosters = readList(d, d.roster)
	readMap(d, s.watches, d.watchList)
	readMap(d, s.consents, d.consentList)
	readMap(d, s.payers, d.payerList)
	readMap(d, s.kin.facts, func() kinFact { return kinFact{d.ID(), d.ids()} })
}

func readMap[V any](d *decoder, m map[ID]V, f func() V) {
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		k := d.ID()
		m[k] = f()
	}
}

func readList[T any](d *decoder, f func() *T) []*T {
	out := make([]*T, 1)
	for n := d.Count(); n > 1 && d.Err() == nil; n-- {
		if d.Bool() {
			out = append(out, f())
		} else {
			out = append(out, nil)
		}
	}
	return out
}

func (d *decoder) ids() []ID {
	n, out := room[ID](d)
	for ; n > 0 && d.Err() == nil; n-- {
		out = append(out, d.ID())
	}
	return slices.Clip(out)
}

// room reads how many follow and makes a slice for them: as large as it says, but not so large that a wrong number does harm.
func room[T any](d *decoder) (int, []T) {
	n := d.Count()
	if n == 0 {
		return 0, nil
	}
	return n, make([]T, 0, min(n, 1<<16))
}

// table reads a table. Its places are found beside what follows in the snapshot, which reads no table: restoring is mostly that.
func (d *decoder) table(t *table) {
	*t = table{packer: packer{plain: t.plain}}
	for n := d.Count(); n > 1 && d.Err() == nil; n-- {
		t.learn(d.ID(), string(d.Bytes()))
	}
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		t.pages = append(t.pages, d.Bytes())
	}
	if !t.open() {
		d.Fail("changed")
		return
	}
	d.indexing.Go(t.index)
}

func (d *decoder) space(sp *space) {
	d.table(&sp.keys)
	size := int(sp.keys.size()) + 1
	sp.node, sp.first = make([]ID, size), make([]ID, size)
	sp.key = d.ids()
	if len(sp.key) == 0 {
		sp.key = make([]ID, 1)
	}
	sp.canon, sp.claims = make([]ID, len(sp.key)), make([][]claim, len(sp.key))
	for n := 1; n < len(sp.key) && d.Err() == nil; n++ {
		if k := sp.key[n]; k <= 0 || int(k) >= size {
			d.Fail("names what it does not hold")
			return
		}
		sp.node[sp.key[n]], sp.canon[n] = ID(n), ID(n)
		for c := d.Count(); c > 0 && d.Err() == nil; c-- {
			sp.claims[n] = append(sp.claims[n], claim{d.Index(size), d.ID()})
		}
		sp.claims[n] = slices.Clip(sp.claims[n])
	}
}

func (d *decoder) names() []Name {
	var out []Name
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		out = append(out, Name{d.ID(), d.ID(), d.Bool()})
	}
	return slices.Clip(out)
}

func (d *decoder) homes() []Home {
	var out []Home
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		out = append(out, Home{Door: d.ID(), Street: d.ID(), House: d.ID(), LatE6: d.ID(), LonE6: d.ID(), Period: d.period()})
	}
	return slices.Clip(out)
}

func (d *decoder) phones() []uint64 {
	var out []uint64
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		out = append(out, d.Uint())
	}
	return slices.Clip(out)
}

func (d *decoder) record() *record {
	r := &record{}
	r.Known = d.Bool()
	r.title, r.family = d.ID(), d.ID()
	r.Names, r.Birth, r.Homes, r.Phones = d.names(), d.ID(), d.homes(), d.phones()
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		r.Contacts = append(r.Contacts, d.contact())
	}
	r.Contacts = slices.Clip(r.Contacts)
	r.Labels, r.Deceased = Label(d.Uint()), d.Int()
	r.care = rows(d.Bytes())
	return r
}

func (d *decoder) contact() Contact {
	names := d.names()
	if len(names) != 1 {
		d.Fail("changed")
		return Contact{}
	}
	return Contact{
		Name: names[0], Birth: d.ID(), fact: d.ID(), Phone: d.Uint(), Relation: d.ID(), person: d.ID(), Period: d.period(),
	}
}

func (d *decoder) consentList() []consent {
	var out []consent
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		out = append(out, consent{fact: d.ID(), who: d.ID(), labels: Label(d.Uint()), denies: d.Bool(), Period: d.period()})
	}
	return slices.Clip(out)
}

func (d *decoder) payerList() []payer {
	var out []payer
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		out = append(out, payer{Contact: d.contact(), record: d.ID(), related: d.ID(), insures: d.Bool()})
	}
	return slices.Clip(out)
}

func (d *decoder) person() *person {
	p := &person{}
	p.Known, p.display, p.ended = d.Bool(), d.ID(), d.Int()
	p.Names, p.Birth, p.Homes, p.Phones = d.names(), d.ID(), d.homes(), d.phones()
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		r := Role{Department: d.ID(), Code: d.ID(), Period: d.period(), fact: d.ID(), from: d.Int(), past: d.Bool()}
		for h := d.Count(); h > 0 && d.Err() == nil; h-- {
			r.Hours = append(r.Hours, Hours{uint8(d.Uint()), int16(d.ID()), int16(d.ID())})
		}
		p.Roles = append(p.Roles, r)
	}
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		p.managers = append(p.managers, said{d.ID(), d.ID()})
	}
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		p.tickets = append(p.tickets, ticket{d.period(), d.ID(), d.ID()})
	}
	p.stays, p.staysSince = stays(d.Bytes()), d.Int()
	return p
}

func (d *decoder) unit() *unit {
	return &unit{known: d.Bool(), vendor: d.Bool(), name: d.ID(), parent: d.ID(), at: position{d.ID(), d.ID()}, within: d.ID()}
}

func (d *decoder) roster() *roster {
	r := &roster{staff: d.ids(), department: d.ID()}
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		r.duties = append(r.duties, Duty{Period: d.period(), fact: d.ID()})
	}
	return r
}

func (d *decoder) watchList() []Watch {
	var out []Watch
	for n := d.Count(); n > 0 && d.Err() == nil; n-- {
		out = append(out, Watch{Patient: d.ID(), List: d.ID(), Owner: d.ID(), Reason: d.ID(), fact: d.ID(), Period: d.period()})
	}
	return out
}

// connect makes what a snapshot leaves out: who is one with whom, counts, views.
func (s *State) connect() {
	for id := range s.parts {
		delete(s.parts, id)
		s.compound(id, s.Text(id))
	}
	for _, sp := range [...]*space{&s.patients, &s.staff, &s.departments} {
		sp.connectAll()
	}
	for n, r := range s.records {
		if r != nil {
			s.addPatient(r, 1)
			s.patients.dirty = append(s.patients.dirty, ID(n))
		}
	}
	facts := s.kin.facts
	s.kin = newKinships()
	for _, f := range slices.Sorted(maps.Keys(facts)) {
		s.kin.set(f, facts[f].staff, facts[f].patients)
		s.patients.dirty = append(s.patients.dirty, facts[f].patients...)
	}
	for n, ps := range s.payers {
		for i := range ps {
			for _, k := range ps[i].keys() {
				s.payees[k] = add(s.payees[k], said{n, ps[i].fact})
			}
		}
	}
	for n, u := range s.units {
		if u != nil && u.parent != 0 {
			parent := u.parent
			u.parent = 0
			s.setParent(ID(n), parent)
		}
	}
	for n, p := range s.people {
		if p == nil {
			continue
		}
		s.addStaff(ID(n), p, 1)
		s.countStays(p)
		for _, m := range p.managers {
			s.managed[m.staff] = insertID(s.managed[m.staff], ID(n))
		}
		for _, r := range p.Roles {
			if r.Department != 0 {
				u := s.unit(r.Department)
				u.staff = insertID(u.staff, ID(n))
			}
		}
		s.staff.dirty = append(s.staff.dirty, ID(n))
	}
	for n, r := range s.rosters {
		if n == 0 || r == nil {
			continue
		}
		for _, d := range r.duties {
			s.countDuty(d.Period, 1)
		}
		s.setRoster(ID(n), slices.Clone(r.staff), r.department)
	}
	s.settle()
}

// connectAll finds the entities of all nodes.
func (s *space) connectAll() {
	for n := range s.claims {
		for i, c := range s.claims[n] {
			if i == 0 || s.claims[n][i-1].key != c.key {
				s.addClaimant(ID(n), c.key)
			}
		}
	}
	var seeds []ID
	for n := ID(1); n <= s.size(); n++ {
		for _, c := range s.claims[n] {
			if m := s.node[c.key]; m != 0 && m != n || s.more[c.key] != nil {
				seeds = append(seeds, n)
				break
			}
		}
	}
	s.regroup(seeds)
}
