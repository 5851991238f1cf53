package api

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

	"github.com/readtrail/readtrail/proto/fhirid"
)

// maxSubject is the longest patient or reader a question may name, in bytes: a URL of 2,000 bytes is the longest that
// browsers and FHIR servers agree on.
const maxSubject = 2000

// ErrSubject marks text that designates no patient and no reader. Its message never repeats the text.
var ErrSubject = errors.New("not an identifier")

// Subject is what a question is about, as a person wrote it.
type Subject struct {
	// System is the assigning system, or the base URL of a literal reference. It means something only when Exact.
	System string
	// Value is the value within the system: "12345", "Patient/123".
	Value string
	// Exact is false for a bare value or a relative reference: then every system that knows the value is meant.
	Exact bool
}

// ParseSubject reads "MRN", "system|value", "Patient/123", an absolute URL of a resource (each with or without
// /_history/n), or a conditional reference "Patient?identifier=system|value". The error wraps ErrSubject.
func ParseSubject(text string) (Subject, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "" || len(text) > maxSubject || !utf8.ValidString(text):
		return Subject{}, ErrSubject
	case strings.ContainsFunc(text, unicode.IsControl):
		return Subject{}, ErrSubject
	}
	if typ, query, ok := strings.Cut(text, "?identifier="); ok && fhirid.IsType(typ) {
		if text = strings.TrimSpace(query); text == "" || strings.Contains(text, "?identifier=") {
			return Subject{}, ErrSubject
		}
	}
	if system, value, ok := strings.Cut(text, "|"); ok {
		if value = withoutVersion(strings.TrimSpace(value)); value == "" {
			return Subject{}, ErrSubject
		}
		return Subject{System: withURN(strings.TrimSpace(system)), Value: value, Exact: true}, nil
	}
	text = withoutVersion(text)
	if rest, ok := strings.CutPrefix(text, "/"); ok && isReference(rest) {
		text = rest
	}
	if base, value, ok := splitURL(text); ok {
		return Subject{System: base, Value: value, Exact: true}, nil
	}
	return Subject{Value: text}, nil
}

// String writes the subject so that ParseSubject reads it back. It names somebody: never for a log or an error.
func (s Subject) String() string {
	if s.Exact {
		return s.System + "|" + s.Value
	}
	return s.Value
}

// identifier is the subject as the journal keeps it; the system of a bare value stays empty.
func (s Subject) identifier() *v1.Identifier {
	return &v1.Identifier{System: s.System, Value: s.Value}
}

// withURN writes a bare object identifier as the urn that adapters store it as.
func withURN(system string) string {
	if len(system) < 3 || system[0] < '0' || system[0] > '2' || system[1] != '.' || strings.Trim(system, "0123456789.") != "" ||
		strings.Contains(system, "..") || strings.HasSuffix(system, ".") {
		return system
	}
	return "urn:oid:" + system
}

// isReference accepts "Patient/123".
func isReference(text string) bool {
	typ, id, ok := strings.Cut(text, "/")
	return ok && fhirid.IsType(typ) && isLogicalID(id)
}

// withoutVersion cuts /_history/n off a literal reference: a version is read, its record is meant.
func withoutVersion(text string) string {
	before, version, ok := strings.Cut(text, "/_history/")
	if !ok || !isLogicalID(version) {
		return text
	}
	slash := strings.LastIndexByte(before, '/')
	if slash < 0 || !isLogicalID(before[slash+1:]) {
		return text
	}
	if !fhirid.IsType(before[strings.LastIndexByte(before[:slash], '/')+1 : slash]) {
		return text
	}
	return before
}

// splitURL splits "https://host/fhir/Patient/123" into the server's base and "Patient/123".
func splitURL(text string) (base, value string, ok bool) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || (scheme != "http" && scheme != "https") {
		return "", "", false
	}
	slash := strings.LastIndexByte(rest, '/')
	if slash < 0 || !isLogicalID(rest[slash+1:]) {
		return "", "", false
	}
	before := strings.LastIndexByte(rest[:slash], '/')
	if before <= 0 || !fhirid.IsType(rest[before+1:slash]) {
		return "", "", false
	}
	return scheme + "://" + rest[:before], rest[before+1:], true
}

// isLogicalID accepts what servers use as logical ids: FHIR's alphabet, and the underscore, colon and length that many
// take besides.
func isLogicalID(text string) bool {
	if text == "" || len(text) > 255 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '.', c == '_', c == ':':
		default:
			return false
		}
	}
	return true
}
