// Package fhirid reads FHIR references and identifiers. Events, context facts and questions name people in the same words,
// so they are read in one place: two readings of one reference would be two people.
package fhirid

import (
	"net/url"
	"strings"
)

// URISystem is the system of identifiers that are URIs of their own (FHIR R4 section 2.36.4.1.2).
const URISystem = "urn:ietf:rfc:3986"

// Split turns a relative, absolute or conditional reference (FHIR R4 section 2.3.0) into an identifier and the resource type
// that it names, "" where it names none. The version and the fragment are cut off, so that all versions of a resource are one
// thing. local is the system of relative references. A reference that is none becomes a value as it stands.
func Split(ref, local string) (system, value, typ string) {
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
	if typ = path[begin:slash]; !IsType(typ) {
		if strings.Contains(ref, "://") {
			return URISystem, ref, ""
		}
		return local, path, ""
	}
	if begin <= 1 { // "Patient/1", and "/Patient/1": relative to the same server
		return local, path[begin:], typ
	}
	return path[:begin-1], path[begin:], typ
}

// splitConditional reads "Practitioner?identifier=system|value". Any other search stays as it is.
func splitConditional(ref, path, query, local string) (system, value, typ string) {
	if typ = path[strings.LastIndexByte(path, '/')+1:]; !IsType(typ) {
		typ = ""
	}
	raw, ok := strings.CutPrefix(query, "identifier=")
	if !ok || strings.ContainsAny(raw, "&,") {
		if strings.Contains(ref, "://") {
			return URISystem, ref, typ
		}
		return local, ref, typ
	}
	if plain, err := url.PathUnescape(raw); err == nil { // senders write a plus and mean it
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

// IsType tells the name of a resource type, also of one that does not exist yet, from any other segment of a path: FHIR's begin
// with a capital letter.
func IsType(s string) bool {
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

// Identifier reads the system and value of an Identifier as one means them. A bare object identifier counts as the urn that it
// stands for, and an HL7 version 2 CX value ("12^^^&1.2.3&ISO", as XDS writes it) is taken apart where no system is stated.
func Identifier(system, value string) (string, string) {
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
	authority, _, _ = strings.Cut(authority, "^")
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
