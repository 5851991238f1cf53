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
			f.name(identifierRow{kind: IdentifierUnresolved, value: p.text, text: p.text, position: position})
		}
		if p.key > UnresolvedPatient {
			self := &v1.Identifier{System: p.system, Value: p.value}
			f.link(linkRow{kind: LinkOfPatient, from: self, position: position})
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
				kind: IdentifierReader, system: system, value: value, text: r.Name, position: position,
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
		f.name(identifierRow{kind: kind, system: id.System, value: id.Value, text: text, position: position})
		if first == nil {
			first = id
			continue
		}
		if !sameIdentifier(first, id) {
			f.link(linkRow{kind: LinkOf(kind), from: first, to: id, position: position, source: source})
		}
	}
}

// name keeps a row about once a message.
func (f *folder) name(row identifierRow) {
	row.hash = hashOf(NameOf(row.kind), row.system, row.value, row.text)
	if !f.repeated(row.hash) {
		f.out.names = append(f.out.names, row)
	}
}

func (f *folder) link(row linkRow) {
	row.hash = hashOf(row.kind, row.from.System, row.from.Value, row.to.GetSystem(), row.to.GetValue(), row.source)
	if !f.repeated(row.hash) {
		f.out.links = append(f.out.links, row)
	}
}

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
	for _, link := range contextLinks(c, people) {
		f.out.links = append(f.out.links, linkRow{
			kind: LinkOfContext, from: link.From, to: link.To, position: position, source: c.Source,
			fact: &factLink{resource: key, resourceType: c.ResourceType, kind: link.Kind},
		})
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
				kind: kind, system: id.System, value: id.Value, text: c.Display, position: position,
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

func sameIdentifier(a, b *v1.Identifier) bool {
	return a.GetSystem() == b.GetSystem() && a.GetValue() == b.GetValue()
}
