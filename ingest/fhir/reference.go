package fhir

import (
	"strings"

	"github.com/readtrail/readtrail/proto/fhirid"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// target is what a Reference points to, in every way that it says so.
type target struct {
	// typ is the resource type; "" where nothing tells it.
	typ string
	// system and value are the literal reference as an identifier; empty without one.
	system, value string
	// idSystem and idValue are Reference.identifier; idSystem is empty for a bare value.
	idSystem, idValue string
	display           string
	// contained is the node of the contained resource that a "#id" reference points to, or none.
	contained int
}

func (t *target) isZero() bool {
	return t.value == "" && t.idValue == "" && t.display == "" && t.contained == none
}

// text is the steadiest single word for the target: reference, identifier, display.
func (t *target) text() string {
	switch {
	case t.value != "":
		return t.value
	case t.idValue != "":
		return t.idValue
	}
	return t.display
}

// target reads a Reference element.
func (d *Decoder) target(i int) target {
	t := target{contained: none}
	switch d.doc.kindOf(i) {
	case kindObject:
	case kindString:
		// Seen where a sender writes the reference itself instead of {"reference": ...}.
		d.resolve(&t, d.doc.stringAt(i))
		return t
	default:
		return t
	}
	for j, end := d.doc.first(i), d.doc.end(i); j < end; j = d.doc.end(j) {
		switch d.doc.key(j) {
		case "reference":
			d.resolve(&t, d.doc.stringAt(j))
		case "identifier":
			t.idSystem, t.idValue = d.identifier(j)
		case "display":
			t.display = d.doc.stringAt(j)
		case "type":
			if t.typ == "" {
				t.typ = d.doc.stringAt(j)
				t.typ = t.typ[strings.LastIndexByte(t.typ, '/')+1:]
			}
		}
	}
	return t
}

// resolve reads a literal reference: relative, absolute, contained, urn or conditional.
func (d *Decoder) resolve(t *target, ref string) {
	switch {
	case ref == "":
	case ref[0] == '#':
		t.contained = d.containedResource(ref[1:])
		t.typ = d.doc.field(t.contained, "resourceType")
	case strings.HasPrefix(ref, "urn:"):
		t.system, t.value = fhirid.URISystem, ref
	default:
		system, value, typ := fhirid.Split(ref, d.localSystem)
		t.system, t.value = system, value
		if typ != "" {
			t.typ = typ
		}
	}
}

// identifier reads an Identifier element.
func (d *Decoder) identifier(i int) (system, value string) {
	if d.doc.kindOf(i) == kindArray && d.doc.first(i) < d.doc.end(i) {
		i = d.doc.first(i)
	}
	if d.doc.kindOf(i) != kindObject {
		return "", ""
	}
	for j, end := d.doc.first(i), d.doc.end(i); j < end; j = d.doc.end(j) {
		switch d.doc.key(j) {
		case "system":
			system = d.doc.stringAt(j)
		case "value":
			value = d.doc.scalar(j)
		}
	}
	return fhirid.Identifier(system, value)
}

// containedResource finds a contained resource by its id. An empty id is the resource itself: none.
func (d *Decoder) containedResource(id string) int {
	found := none
	if id == "" {
		return none
	}
	d.doc.items(d.doc.get(0, "contained"), func(i int) {
		if found == none && d.doc.field(i, "id") == id {
			found = i
		}
	})
	return found
}

// addTarget puts every identifier of a target on the list, the literal reference first. bare is the system of values
// that state none.
func (d *Decoder) addTarget(mark int, t *target, bare string) {
	d.addIdentifier(mark, t.system, t.value)
	if t.idSystem == "" {
		t.idSystem = bare
	}
	d.addIdentifier(mark, t.idSystem, t.idValue)
	if t.contained != none {
		d.doc.items(d.doc.get(t.contained, "identifier"), func(i int) {
			system, value := d.identifier(i)
			if system == "" {
				system = bare
			}
			d.addIdentifier(mark, system, value)
		})
		if t.display == "" {
			t.display = d.displayName(t.contained)
		}
	}
}

// firstIdentifier returns one identifier for the target, or nil: for elements that hold no more than one.
func (d *Decoder) firstIdentifier(t *target, bare string) *v1.Identifier {
	mark := d.ids.mark()
	d.addTarget(mark, t, bare)
	ids := d.ids.since(mark)
	if len(ids) == 0 {
		return nil
	}
	return ids[0]
}
