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
	e.Count(len(s.met))
	for _, v := range s.met {
		e.Uint(v)
	}
	e.ids(s.roleUnits)
	eachSorted(e, s.former, func(ID, bool) {})
	eachSorted(e, s.parts, func(ID, []ID) {})
	e.Count(len(s.forms.all))
	for _, f := range s.forms.all {
		e.Uint(uint64(f.kind))
		e.ID(f.class)
		e.ID(f.typ)
		e.Uint(uint64(f.doubt))
	}
	e.Int(s.evicted)
	e.Int(s.evictedStays)
	eachSorted(e, s.stats.types, func(_ ID, t *TypeCoverage) {
		e.Int(t.Resources)
		e.Int(t.Facts)
		e.Int(t.First)
		e.Int(t.Last)
	})
	list(e, s.records, e.record)
	list(e, s.people, e.person)
	list(e, s.units, e.unit)
	e.table(&s.schedules)
	list(e, s.rosters, e.roster)
	eachSorted(e, s.watches, func(_ ID, ws []Watch) { e.watchList(ws) })
	eachSorted(e, s.consents, func(_ ID, cs []consent) { e.consentList(cs) })
	eachSorted(e, s.payers, func(_ ID, ps []payer) { e.payerList(ps) })
	eachSorted(e, s.kin.facts, func(_ ID, k kinFact) {
		e.ID(k.staff)
		e.ids(k.patients)
	})
	if err := e.Close(); err != nil {
		return fmt.Errorf("write snapshot of facts: %w", err)
	}
	return nil
}

// eachSorted writes a map in the order of its keys.
func eachSorted[V any](e *encoder, m map[ID]V, f func(ID, V)) {
	e.Count(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		e.ID(k)
		f(k, m[k])
	}
}

// list writes what hangs on nodes, each with a mark: nil or not.
func list[T any](e *encoder, all []*T, f func(*T)) {
	n := len(all)
	for n > 1 && all[n-1] == nil { // how far the slice has grown is no part of the state
		n--
	}
	e.Count(n)
	for i := 1; i < n; i++ {
		e.Bool(all[i] != nil)
		if all[i] != nil {
			f(all[i])
		}
	}
}

func (e *encoder) table(t *table) {
	e.Count(max(len(t.patterns), 1))
	for _, p := range t.patterns[min(1, len(t.patterns)):] {
		e.ID(p.system)
		e.Bytes([]byte(p.template))
	}
	e.Count(len(t.pages))
	for _, page := range t.pages {
		e.Bytes(page)
	}
}

func (e *encoder) space(sp *space) {
	e.table(&sp.keys)
	e.ids(sp.key)
	for _, claims := range sp.claims[1:] {
		e.Count(len(claims))
		for _, c := range claims {
			e.ID(c.key)
			e.ID(c.fact)
		}
	}
}

func (e *encoder) names(names []Name) {
	e.Count(len(names))
	for _, n := range names {
		e.ID(n.Family)
		e.ID(n.Given)
		e.Bool(n.Maiden)
	}
}

func (e *encoder) homes(homes []Home) {
	e.Count(len(homes))
	for _, h := range homes {
		for _, v := range [...]int32{h.Door, h.Street, h.House, h.LatE6, h.LonE6} {
			e.ID(v)
		}
		e.period(h.Period)
	}
}

func (e *encoder) phones(phones []uint64) {
	e.Count(len(phones))
	for _, p := range phones {
		e.Uint(p)
	}
}

func (e *encoder) record(r *record) {
	e.Bool(r.Known)
	e.ID(r.title)
	e.ID(r.family)
	e.names(r.Names)
	e.ID(r.Birth)
	e.homes(r.Homes)
	e.phones(r.Phones)
	e.Count(len(r.Contacts))
	for i := range r.Contacts {
		e.contact(&r.Contacts[i])
	}
	e.Uint(uint64(r.Labels))
	e.Int(r.Deceased)
	e.Bytes([]byte(r.care))
}

func (e *encoder) contact(c *Contact) {
	e.names([]Name{c.Name})
	e.ID(c.Birth)
	e.ID(c.fact)
	e.Uint(c.Phone)
	e.ID(c.Relation)
	e.ID(c.person)
	e.period(c.Period)
}

func (e *encoder) consentList(cs []consent) {
	e.Count(len(cs))
	for _, c := range cs {
		e.ID(c.fact)
		e.ID(c.who)
		e.Uint(uint64(c.labels))
		e.Bool(c.denies)
		e.period(c.Period)
	}
}

func (e *encoder) payerList(ps []payer) {
	e.Count(len(ps))
	for i := range ps {
		p := &ps[i]
		e.contact(&p.Contact)
		e.ID(p.record)
		e.ID(p.related)
		e.Bool(p.insures)
	}
}

func (e *encoder) person(p *person) {
	e.Bool(p.Known)
	e.ID(p.display)
	e.Int(p.ended)
	e.names(p.Names)
	e.ID(p.Birth)
	e.homes(p.Homes)
	e.phones(p.Phones)
	e.Count(len(p.Roles))
	for i := range p.Roles {
		r := &p.Roles[i]
		e.ID(r.Department)
		e.ID(r.Code)
		e.period(r.Period)
		e.ID(r.fact)
		e.Int(r.from)
		e.Bool(r.past)
		e.Count(len(r.Hours))
		for _, h := range r.Hours {
			e.Uint(uint64(h.Days))
			e.ID(ID(h.From))
			e.ID(ID(h.Until))
		}
	}
	e.Count(len(p.managers))
	for _, m := range p.managers {
		e.ID(m.staff)
		e.ID(m.fact)
	}
	e.Count(len(p.tickets))
	for _, t := range p.tickets {
		e.period(t.Period)
		e.ID(t.fact)
		e.ID(t.patient)
	}
	e.Bytes([]byte(p.stays))
	e.Int(p.staysSince)
}

func (e *encoder) unit(u *unit) {
	e.Bool(u.known)
	e.Bool(u.vendor)
	e.ID(u.name)
	e.ID(u.parent)
	e.ID(u.at.latE6)
	e.ID(u.at.lonE6)
	e.ID(u.within)
}

func (e *encoder) roster(r *roster) {
	e.ids(r.staff)
	e.ID(r.department)
	e.Count(len(r.duties))
	for _, d := range r.duties {
		e.period(d.Period)
		e.ID(d.fact)
	}
}

func (e *encoder) watchList(ws []Watch) {
	e.Count(len(ws))
	for _, w := range ws {
		for _, v := range [...]ID{w.Patient, w.List, w.Owner, w.Reason, w.fact} {
			e.ID(v)
		}
		e.period(w.Period)
	}
}
