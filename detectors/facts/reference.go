package facts

import (
	"strings"

	"github.com/readtrail/readtrail/proto/fhirid"
)

// target is what a Reference points to, in every way that it says so.
type target struct {
	// typ is the resource type; "" where nothing tells it.
	typ string
	// system and value are the literal reference; idSystem and idValue are Reference.identifier.
	system, value, idSystem, idValue string
	display                          string
}

func (t *target) isZero() bool { return t.value == "" && t.idValue == "" && t.display == "" }

// target reads a Reference element: an object, or the reference itself where a sender writes a string. Contained resources
// count as what identifies them.
func (d *document) target(i int, local string) target {
	var t target
	switch d.kindOf(i) {
	case kindString:
		d.resolve(&t, d.string(i), local)
	case kindObject:
		if inner := d.get(i, "reference"); d.kindOf(inner) == kindObject { // R5 CodeableReference
			return d.target(inner, local)
		}
		if typ := d.field(i, "type"); typ != "" {
			t.typ = typ[strings.LastIndexByte(typ, '/')+1:]
		}
		t.display = d.field(i, "display")
		t.idSystem, t.idValue = d.identifier(d.first(i, "identifier"))
		d.resolve(&t, d.field(i, "reference"), local)
	}
	return t
}

func (d *document) resolve(t *target, ref, local string) {
	switch {
	case ref == "":
	case ref[0] == '#':
		d.contained(t, ref[1:])
	case strings.HasPrefix(ref, "urn:"):
		t.system, t.value = fhirid.URISystem, ref
	default:
		var typ string
		if t.system, t.value, typ = fhirid.Split(ref, local); typ != "" {
			t.typ = typ
		}
	}
}

// contained reads a contained resource: its type, first identifier and name.
func (d *document) contained(t *target, id string) {
	c := d.containedAt(id)
	if c == none {
		return
	}
	t.typ = d.field(c, "resourceType")
	if t.idValue == "" {
		t.idSystem, t.idValue = d.identifier(d.first(c, "identifier"))
	}
	if t.display == "" {
		t.display = d.displayName(c)
	}
}

// containedAt is where a contained resource stands, or none.
func (d *document) containedAt(id string) int {
	for c := range d.walk(0, "contained") {
		if id != "" && d.field(c, "id") == id {
			return c
		}
	}
	return none
}

// displayName is a resource's name as one text.
func (d *document) displayName(i int) string {
	name := d.get(i, "name")
	if s := d.string(name); s != "" {
		return s
	}
	for n := range d.items(name) {
		if s := d.field(n, "text"); s != "" {
			return s
		}
		var parts []string
		for g := range d.walk(n, "given") {
			parts = append(parts, d.string(g))
		}
		return strings.TrimSpace(strings.Join(append(parts, d.field(n, "family")), " "))
	}
	return ""
}

// identifier reads an Identifier element.
func (d *document) identifier(i int) (system, value string) {
	return fhirid.Identifier(d.field(i, "system"), d.scalar(d.get(i, "value")))
}
