package fhir

import (
	"net/url"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// uriSystem is the system of identifiers that are URIs of their own (FHIR R4 section 2.36.4.1.2).
const uriSystem = "urn:ietf:rfc:3986"

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
		t.system, t.value = uriSystem, ref
	default:
		system, value, typ := splitReference(ref, d.localSystem)
		t.system, t.value = system, value
		if typ != "" {
			t.typ = typ
		}
	}
}

// splitReference turns a relative, absolute or conditional reference into an identifier: the version and fragment are
// cut off, so that all versions of a resource are one thing. local is the system of relative ones.
func splitReference(ref, local string) (system, value, typ string) {
	if i := strings.IndexByte(ref, '#'); i >= 0 {
		ref = ref[:i]
	}
	if i := strings.IndexByte(ref, '?'); i >= 0 {
		return splitConditional(ref, i, local)
	}
	path := ref
	if i := strings.Index(path, "/_history/"); i >= 0 {
		path = path[:i]
	}
	path = strings.TrimSuffix(path, "/")
	slash := strings.LastIndexByte(path, '/')
	if slash <= 0 {
		return local, path, ""
	}
	begin := strings.LastIndexByte(path[:slash], '/') + 1
	typ = path[begin:slash]
	switch {
	case !isTypeName(typ):
		if strings.Contains(ref, "://") {
			return uriSystem, ref, ""
		}
		return local, path, ""
	case begin == 0:
		return local, path, typ
	case begin == 1:
		// "/Patient/1": relative to the same server.
		return local, path[1:], typ
	}
	return path[:begin-1], path[begin:], typ
}

// splitConditional reads "Practitioner?identifier=system|value". Any other search stays as it is.
func splitConditional(ref string, query int, local string) (system, value, typ string) {
	typ = ref[:query]
	typ = typ[strings.LastIndexByte(typ, '/')+1:]
	if !isTypeName(typ) {
		typ = ""
	}
	raw, ok := strings.CutPrefix(ref[query+1:], "identifier=")
	if !ok || strings.ContainsAny(raw, "&,") {
		if strings.Contains(ref, "://") {
			return uriSystem, ref, typ
		}
		return local, ref, typ
	}
	if plain, err := url.QueryUnescape(strings.ReplaceAll(raw, "+", "%2B")); err == nil {
		raw = plain
	}
	if before, after, found := strings.Cut(raw, "|"); found {
		if before == "" {
			before = local
		}
		return before, after, typ
	}
	return local, raw, typ
}

// isTypeName tells a resource type from any other segment of a path: FHIR's begin with a capital letter.
func isTypeName(s string) bool {
	if len(s) < 3 || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := range len(s) {
		if s[i]|0x20-'a' > 25 {
			return false
		}
	}
	return true
}

// identifier reads an Identifier element. A bare object identifier counts as the urn that it stands for, and an HL7
// version 2 CX value ("value^^^&oid&ISO", XDS style) is taken apart where no system is stated.
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
	return cleanIdentifier(system, value)
}

func cleanIdentifier(system, value string) (string, string) {
	if system == "" {
		system, value = splitCX(value)
	}
	if isOID(system) {
		system = "urn:oid:" + system
	}
	return system, value
}

// splitCX takes "12^^^&1.2.3&ISO" or "12^^^MRN&1.2.3&ISO" apart; anything else is a bare value. Ampersands that were
// escaped for XML once too often are seen in the wild.
func splitCX(value string) (system, id string) {
	at := strings.Index(value, "^^^")
	if at <= 0 {
		return "", value
	}
	authority := value[at+3:]
	for strings.Contains(authority, "&amp;") {
		authority = strings.ReplaceAll(authority, "&amp;", "&")
	}
	if i := strings.IndexByte(authority, '^'); i >= 0 {
		authority = authority[:i]
	}
	parts := strings.Split(authority, "&")
	if len(parts) == 3 && parts[2] == "ISO" && isOID(parts[1]) {
		return "urn:oid:" + parts[1], value[:at]
	}
	return "", value
}

// isOID tells "2.16.756.5.30": digits and single dots, beginning with 0, 1 or 2.
func isOID(s string) bool {
	if len(s) < 3 || s[0] > '2' || s[0] < '0' || s[1] != '.' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] == '.' && s[i-1] == '.' || s[i] != '.' && s[i]-'0' > 9 {
			return false
		}
	}
	return s[len(s)-1] != '.'
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
