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
	if err := d.end(); err != nil {
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
	for n := d.count(); n > 0 && d.err == nil; n-- {
		s.met = append(s.met, d.uint())
	}
	s.roleUnits = d.ids()
	readMap(d, s.former, func() bool { return true })
	readMap(d, s.parts, func() []ID { return nil })
	s.classes, s.careTypes = d.ids(), d.ids()
	s.evicted = d.int()
	readMap(d, s.stats.types, func() *TypeCoverage {
		return &TypeCoverage{Resources: d.int(), Facts: d.int(), First: d.int(), Last: d.int()}
	})
	s.records = readList(d, d.record)
	s.people = readList(d, d.person)
	s.units = readList(d, d.unit)
	d.table(&s.schedules)
	s.rosters = readList(d, d.roster)
	readMap(d, s.watches, d.watchList)
	readMap(d, s.suspects, d.watchList)
	readMap(d, s.kin.facts, func() kinFact { return kinFact{d.id(), d.ids()} })
}

func readMap[V any](d *decoder, m map[ID]V, f func() V) {
	for n := d.count(); n > 0 && d.err == nil; n-- {
		k := d.id()
		m[k] = f()
	}
}

func readList[T any](d *decoder, f func() *T) []*T {
	out := make([]*T, 1)
	for n := d.count(); n > 1 && d.err == nil; n-- {
		if d.bool() {
			out = append(out, f())
		} else {
			out = append(out, nil)
		}
	}
	return out
}

func (d *decoder) ids() []ID {
	var out []ID
	for n := d.count(); n > 0 && d.err == nil; n-- {
		out = append(out, d.id())
	}
	return slices.Clip(out)
}

func (d *decoder) table(t *table) {
	*t = table{}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		system := d.id()
		t.number(system, string(d.bytes()))
	}
}

func (d *decoder) space(sp *space) {
	d.table(&sp.keys)
	size := len(sp.keys.at)
	sp.node, sp.first = make([]ID, max(size, 1)), make([]ID, max(size, 1))
	sp.key = d.ids()
	if len(sp.key) == 0 {
		sp.key = make([]ID, 1)
	}
	sp.canon, sp.claims = make([]ID, len(sp.key)), make([][]claim, len(sp.key))
	for n := 1; n < len(sp.key) && d.err == nil; n++ {
		if k := sp.key[n]; k <= 0 || int(k) >= size {
			d.fail("names what it does not hold")
			return
		}
		sp.node[sp.key[n]], sp.canon[n] = ID(n), ID(n)
		for c := d.count(); c > 0 && d.err == nil; c-- {
			sp.claims[n] = append(sp.claims[n], claim{d.index(size), d.id()})
		}
		sp.claims[n] = slices.Clip(sp.claims[n])
	}
}

func (d *decoder) names() []Name {
	var out []Name
	for n := d.count(); n > 0 && d.err == nil; n-- {
		out = append(out, Name{d.id(), d.id(), d.bool()})
	}
	return slices.Clip(out)
}

func (d *decoder) homes() []Home {
	var out []Home
	for n := d.count(); n > 0 && d.err == nil; n-- {
		out = append(out, Home{Door: d.id(), Street: d.id(), House: d.id(), LatE6: d.id(), LonE6: d.id(), Period: d.period()})
	}
	return slices.Clip(out)
}

func (d *decoder) phones() []uint64 {
	var out []uint64
	for n := d.count(); n > 0 && d.err == nil; n-- {
		out = append(out, d.uint())
	}
	return slices.Clip(out)
}

func (d *decoder) record() *record {
	r := &record{}
	r.Known = d.bool()
	r.title, r.family = d.id(), d.id()
	r.Names, r.Birth, r.Homes, r.Phones = d.names(), d.id(), d.homes(), d.phones()
	for n := d.count(); n > 0 && d.err == nil; n-- {
		names := d.names()
		if len(names) != 1 {
			d.fail("changed")
			return r
		}
		r.Contacts = append(r.Contacts, Contact{
			Name: names[0], Birth: d.id(), fact: d.id(), Phone: d.uint(), Relation: d.id(), person: d.id(), Period: d.period(),
		})
	}
	r.Contacts = slices.Clip(r.Contacts)
	r.Labels, r.Deceased = Label(d.uint()), d.int()
	for n := d.count(); n > 0 && d.err == nil; n-- {
		p := d.period()
		r.care = append(r.care, row{
			from: p.From, until: p.Until, fact: d.id(), who: d.id(), reason: d.id(), class: uint8(d.uint()), kind: CareKind(d.uint()),
			typ: uint16(d.uint()),
		})
	}
	r.care = slices.Clip(r.care)
	return r
}

func (d *decoder) person() *person {
	p := &person{}
	p.Known, p.display, p.ended = d.bool(), d.id(), d.int()
	p.Names, p.Birth, p.Homes, p.Phones = d.names(), d.id(), d.homes(), d.phones()
	for n := d.count(); n > 0 && d.err == nil; n-- {
		r := Role{Department: d.id(), Code: d.id(), Period: d.period(), fact: d.id(), from: d.int(), past: d.bool()}
		for h := d.count(); h > 0 && d.err == nil; h-- {
			r.Hours = append(r.Hours, Hours{uint8(d.uint()), int16(d.id()), int16(d.id())})
		}
		p.Roles = append(p.Roles, r)
	}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		p.managers = append(p.managers, said{d.id(), d.id()})
	}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		p.tickets = append(p.tickets, ticket{d.period(), d.id()})
	}
	return p
}

func (d *decoder) unit() *unit {
	return &unit{known: d.bool(), vendor: d.bool(), name: d.id(), parent: d.id()}
}

func (d *decoder) roster() *roster {
	r := &roster{staff: d.ids(), department: d.id()}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		r.duties = append(r.duties, Duty{Period: d.period(), fact: d.id()})
	}
	return r
}

func (d *decoder) watchList() []Watch {
	var out []Watch
	for n := d.count(); n > 0 && d.err == nil; n-- {
		out = append(out, Watch{Patient: d.id(), Staff: d.id(), List: d.id(), Reason: d.id(), fact: d.id(), Period: d.period()})
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
