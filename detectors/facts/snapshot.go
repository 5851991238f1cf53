package facts

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// Snapshot writes the state. Equal states give equal bytes; what can be counted or connected again is left out.
func (s *State) Snapshot(w io.Writer) error {
	e := newEncoder(w)
	e.table(&s.texts)
	for _, sp := range [...]*space{&s.patients, &s.staff, &s.departments} {
		e.space(sp)
	}
	e.table(&s.facts)
	e.ids(s.about)
	eachSorted(e, s.spread, func(_ ID, list []ID) { e.ids(list) })
	e.count(len(s.met))
	for _, v := range s.met {
		e.uint(v)
	}
	e.ids(s.roleUnits)
	eachSorted(e, s.former, func(ID, bool) {})
	eachSorted(e, s.parts, func(ID, []ID) {})
	e.ids(s.classes)
	e.ids(s.careTypes)
	e.int(s.evicted)
	eachSorted(e, s.stats.types, func(_ ID, t *TypeCoverage) {
		e.int(t.Resources)
		e.int(t.Facts)
		e.int(t.First)
		e.int(t.Last)
	})
	list(e, s.records, e.record)
	list(e, s.people, e.person)
	list(e, s.units, e.unit)
	e.table(&s.schedules)
	list(e, s.rosters, e.roster)
	eachSorted(e, s.watches, func(_ ID, ws []Watch) { e.watchList(ws) })
	eachSorted(e, s.suspects, func(_ ID, ws []Watch) { e.watchList(ws) })
	eachSorted(e, s.kin.facts, func(_ ID, k kinFact) {
		e.id(k.staff)
		e.ids(k.patients)
	})
	if err := e.close(); err != nil {
		return fmt.Errorf("write snapshot of facts: %w", err)
	}
	return nil
}

// eachSorted writes a map in the order of its keys.
func eachSorted[V any](e *encoder, m map[ID]V, f func(ID, V)) {
	e.count(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		e.id(k)
		f(k, m[k])
	}
}

// list writes what hangs on nodes, each with a mark: nil or not.
func list[T any](e *encoder, all []*T, f func(*T)) {
	n := len(all)
	for n > 1 && all[n-1] == nil { // how far the slice has grown is no part of the state
		n--
	}
	e.count(n)
	for i := 1; i < n; i++ {
		e.bool(all[i] != nil)
		if all[i] != nil {
			f(all[i])
		}
	}
}

func (e *encoder) table(t *table) {
	n := max(int(t.size()), 0)
	e.count(n)
	for i := 1; i <= n; i++ {
		system, text := t.entry(ID(i))
		e.id(system)
		e.bytes(text)
	}
}

func (e *encoder) space(sp *space) {
	e.table(&sp.keys)
	e.ids(sp.key)
	for _, claims := range sp.claims[1:] {
		e.count(len(claims))
		for _, c := range claims {
			e.id(c.key)
			e.id(c.fact)
		}
	}
}

func (e *encoder) names(names []Name) {
	e.count(len(names))
	for _, n := range names {
		e.id(n.Family)
		e.id(n.Given)
		e.bool(n.Maiden)
	}
}

func (e *encoder) homes(homes []Home) {
	e.count(len(homes))
	for _, h := range homes {
		for _, v := range [...]int32{h.Door, h.Street, h.House, h.LatE6, h.LonE6} {
			e.id(v)
		}
		e.period(h.Period)
	}
}

func (e *encoder) phones(phones []uint64) {
	e.count(len(phones))
	for _, p := range phones {
		e.uint(p)
	}
}

func (e *encoder) record(r *record) {
	e.bool(r.Known)
	e.id(r.title)
	e.id(r.family)
	e.names(r.Names)
	e.id(r.Birth)
	e.homes(r.Homes)
	e.phones(r.Phones)
	e.count(len(r.Contacts))
	for i := range r.Contacts {
		c := &r.Contacts[i]
		e.names([]Name{c.Name})
		e.id(c.Birth)
		e.id(c.fact)
		e.uint(c.Phone)
		e.id(c.Relation)
		e.id(c.person)
		e.period(c.Period)
	}
	e.uint(uint64(r.Labels))
	e.int(r.Deceased)
	e.count(len(r.care))
	for i := range r.care {
		c := &r.care[i]
		e.period(Period{c.from, c.until})
		e.id(c.fact)
		e.id(c.who)
		e.id(c.reason)
		e.uint(uint64(c.class))
		e.uint(uint64(c.kind))
		e.uint(uint64(c.typ))
	}
}

func (e *encoder) person(p *person) {
	e.bool(p.Known)
	e.id(p.display)
	e.int(p.ended)
	e.names(p.Names)
	e.id(p.Birth)
	e.homes(p.Homes)
	e.phones(p.Phones)
	e.count(len(p.Roles))
	for i := range p.Roles {
		r := &p.Roles[i]
		e.id(r.Department)
		e.id(r.Code)
		e.period(r.Period)
		e.id(r.fact)
		e.int(r.from)
		e.bool(r.past)
		e.count(len(r.Hours))
		for _, h := range r.Hours {
			e.uint(uint64(h.Days))
			e.id(ID(h.From))
			e.id(ID(h.Until))
		}
	}
	e.count(len(p.managers))
	for _, m := range p.managers {
		e.id(m.staff)
		e.id(m.fact)
	}
	e.count(len(p.tickets))
	for _, t := range p.tickets {
		e.period(t.Period)
		e.id(t.fact)
	}
}

func (e *encoder) unit(u *unit) {
	e.bool(u.known)
	e.bool(u.vendor)
	e.id(u.name)
	e.id(u.parent)
}

func (e *encoder) roster(r *roster) {
	e.ids(r.staff)
	e.id(r.department)
	e.count(len(r.duties))
	for _, d := range r.duties {
		e.period(d.Period)
		e.id(d.fact)
	}
}

func (e *encoder) watchList(ws []Watch) {
	e.count(len(ws))
	for _, w := range ws {
		for _, v := range [...]ID{w.Patient, w.Staff, w.List, w.Reason, w.fact} {
			e.id(v)
		}
		e.period(w.Period)
	}
}
