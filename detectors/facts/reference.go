package facts

import (
	"net/url"
	"strings"
)

// uriSystem is the system of identifiers that are URIs of their own (FHIR R4 section 2.36.4.1.2).
const uriSystem = "urn:ietf:rfc:3986"

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
		t.system, t.value = uriSystem, ref
	default:
		var typ string
		if t.system, t.value, typ = splitReference(ref, local); typ != "" {
			t.typ = typ
		}
	}
}

// contained reads a contained resource: its type, first identifier and name.
func (d *document) contained(t *target, id string) {
	for c := range d.walk(0, "contained") {
		if id == "" || d.field(c, "id") != id {
			continue
		}
		t.typ = d.field(c, "resourceType")
		if t.idValue == "" {
			t.idSystem, t.idValue = d.identifier(d.first(c, "identifier"))
		}
		if t.display == "" {
			t.display = d.displayName(c)
		}
		return
	}
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

// splitReference turns a relative, absolute or conditional reference into an identifier, as sources' facts and events name
// themselves: without version and fragment. local is the system of relative ones.
func splitReference(ref, local string) (system, value, typ string) {
	ref, _, _ = strings.Cut(ref, "#")
	if path, query, ok := strings.Cut(ref, "?"); ok {
		return splitConditional(ref, path, query, local)
	}
	path, _, _ := strings.Cut(ref, "/_history/")
	path = strings.TrimSuffix(path, "/")
	slash := strings.LastIndexByte(path, '/')
	if slash <= 0 {
		return local, path, ""
	}
	begin := strings.LastIndexByte(path[:slash], '/') + 1
	if typ = path[begin:slash]; !isTypeName(typ) {
		if strings.Contains(ref, "://") {
			return uriSystem, ref, ""
		}
		return local, path, ""
	}
	if begin <= 1 { // "Patient/1", "/Patient/1"
		return local, path[begin:], typ
	}
	return path[:begin-1], path[begin:], typ
}

// splitConditional reads "Practitioner?identifier=system|value". Any other search stays as it is.
func splitConditional(ref, path, query, local string) (system, value, typ string) {
	if typ = path[strings.LastIndexByte(path, '/')+1:]; !isTypeName(typ) {
		typ = ""
	}
	raw, ok := strings.CutPrefix(query, "identifier=")
	if !ok || strings.ContainsAny(raw, "&,") {
		if strings.Contains(ref, "://") {
			return uriSystem, ref, typ
		}
		return local, ref, typ
	}
	if plain, err := url.PathUnescape(raw); err == nil {
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

// isTypeName tells a resource type from any other segment of a path.
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

// identifier reads an Identifier element. A bare object identifier counts as the urn that it stands for.
func (d *document) identifier(i int) (system, value string) {
	system, value = d.field(i, "system"), d.scalar(d.get(i, "value"))
	if system == "" {
		if at := strings.Index(value, "^^^"); at > 0 { // HL7 version 2 CX
			parts := strings.Split(value[at+3:], "&")
			if len(parts) == 3 && isOID(parts[1]) {
				return "urn:oid:" + parts[1], value[:at]
			}
		}
	}
	if isOID(system) {
		system = "urn:oid:" + system
	}
	return system, value
}

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
