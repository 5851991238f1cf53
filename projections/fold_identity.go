package projections

import (
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// contextKinds are the resource types whose identifiers name people.
var contextKinds = map[string]uint8{
	"Patient": IdentifierContextPatient, "Practitioner": IdentifierContextReader,
	"Person": IdentifierContextReader, "RelatedPerson": IdentifierContextReader,
}

// identities notes which identifiers an event states, and which of them designate one patient or reader.
func (f *folder) identities(position uint64, e *v1.AccessEvent) {
	for _, p := range f.patients {
		if p.key == UnresolvedPatient && p.text != "" {
			f.name(identifierRow{kind: IdentifierUnresolved, value: p.text, text: p.text, key: UnresolvedPatient, position: position})
		}
		if p.key > UnresolvedPatient {
			self := &v1.Identifier{System: p.system, Value: p.value}
			f.link(eventLinkRow{kind: IdentifierPatient, from: self, position: position})
		}
	}
	for _, p := range e.Patients {
		f.same(IdentifierPatient, position, e.Source, p.Identifiers, p.Text)
	}
	r := e.GetReader()
	if r == nil {
		return
	}
	if len(r.Identifiers) == 0 {
		if system, value := ReaderIdentifier(e); value != "" {
			f.name(identifierRow{
				kind: IdentifierReader, system: system, value: value, text: r.Name, key: ReaderKey(system, value), position: position,
			})
		}
		return
	}
	f.same(IdentifierReader, position, e.Source, r.Identifiers, r.Name)
}

// same notes identifiers of one person, and links the first to each other one.
func (f *folder) same(kind uint8, position uint64, source string, ids []*v1.Identifier, text string) {
	var first *v1.Identifier
	for _, id := range ids {
		if id.GetValue() == "" {
			continue
		}
		f.name(identifierRow{kind: kind, system: id.System, value: id.Value, text: text, key: Key(id.System, id.Value), position: position})
		if first == nil {
			first = id
			continue
		}
		if !sameIdentifier(first, id) {
			f.link(eventLinkRow{kind: kind, from: first, to: id, position: position, source: source})
		}
	}
}

// name keeps a row about once a message.
func (f *folder) name(row identifierRow) {
	row.hash = row.key ^ hashOf(row.kind, row.value, row.text, row.system)
	if !f.repeated(row.hash) {
		f.out.names = append(f.out.names, row)
	}
}

func (f *folder) link(row eventLinkRow) {
	row.hash = hashOf(row.kind+linkKinds, row.from.System, row.from.Value, row.to.GetSystem(), row.to.GetValue(), row.source)
	if !f.repeated(row.hash) {
		f.out.links = append(f.out.links, row)
	}
}

// linkKinds sets hashes of links apart from those of identifiers.
const linkKinds = 128

// context folds one version of a context fact: its row, its links under both ends, its identifiers.
func (f *folder) context(position uint64, c *v1.ContextFact) {
	key := ResourceKey(c.Source, c.ResourceType, c.ResourceId)
	kind, people := contextKinds[c.ResourceType]
	if w := f.row(contextFacts, position); w != nil {
		systems, values := make([]string, 0, len(c.Identifiers)), make([]string, 0, len(c.Identifiers))
		for _, id := range c.Identifiers {
			systems, values = append(systems, id.GetSystem()), append(values, id.GetValue())
		}
		w.u64(key)
		w.u64(position)
		w.time(f.out.received)
		w.text(c.Source)
		w.text(c.ResourceType)
		w.text(c.ResourceId)
		w.text(c.VersionId)
		w.time(c.EffectiveUs)
		w.text(c.Display)
		w.bool(c.Deleted)
		w.texts(systems...)
		w.texts(values...)
		w.u64(ImportKey(c.ImportId))
		w.end()
	}
	for i, link := range contextLinks(c, people) {
		f.identityLink(position, uint32(2*i), key, c, link.Kind, link.From, link.To, false)
		f.identityLink(position, uint32(2*i+1), key, c, link.Kind, link.To, link.From, true)
	}
	if c.ResourceType == "Patient" {
		f.addresses(position, key, c)
	}
	if !people {
		return
	}
	for _, id := range c.Identifiers {
		if id.GetValue() != "" {
			f.name(identifierRow{
				kind: kind, system: id.System, value: id.Value, text: c.Display, key: Key(id.System, id.Value), position: position,
			})
		}
	}
}

type linkName struct {
	kind     v1.IdentityLink_Kind
	from, to string
}

// contextLinks are the links that hold while this version of the fact does: those it states, and for people the first
// identifier with each other one. A deleted fact links nothing.
func contextLinks(c *v1.ContextFact, people bool) []*v1.IdentityLink {
	if c.Deleted {
		return nil
	}
	var links []*v1.IdentityLink
	known := map[linkName]struct{}{}
	add := func(l *v1.IdentityLink) {
		if l.GetFrom().GetValue() == "" || l.GetTo().GetValue() == "" || sameIdentifier(l.From, l.To) {
			return
		}
		name := linkName{l.Kind, proto.Key(l.From), proto.Key(l.To)}
		if _, ok := known[name]; !ok {
			known[name] = struct{}{}
			links = append(links, l)
		}
	}
	for _, l := range c.Links {
		add(l)
	}
	if people {
		for _, id := range c.Identifiers[min(1, len(c.Identifiers)):] {
			add(&v1.IdentityLink{Kind: v1.IdentityLink_KIND_SAME_RESOURCE, From: c.Identifiers[0], To: id})
		}
	}
	return links
}

func (f *folder) identityLink(position uint64, ordinal uint32, resource uint64, c *v1.ContextFact, kind v1.IdentityLink_Kind, from, to *v1.Identifier, reverse bool) {
	w := f.row(identityLinks, position)
	if w == nil {
		return
	}
	w.u64(Key(from.System, from.Value))
	w.u64(position)
	w.u32(ordinal)
	w.text(from.System)
	w.text(from.Value)
	w.u64(Key(to.System, to.Value))
	w.text(to.System)
	w.text(to.Value)
	w.u8(small(kind))
	w.bool(reverse)
	w.u64(resource)
	w.text(c.ResourceType)
	w.text(c.Source)
	w.time(f.out.received)
	w.end()
}

func sameIdentifier(a, b *v1.Identifier) bool {
	return a.GetSystem() == b.GetSystem() && a.GetValue() == b.GetValue()
}
