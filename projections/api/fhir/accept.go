package fhir

import (
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// accepted is what a request wants its answer as.
type accepted struct {
	version Version
	// said is the fhirVersion that was asked for; "" when none was.
	said   string
	pretty bool
}

// versionOf reads the media type's parameter fhirVersion (R4 section 3.1.0.1.10). R4B's AuditEvent is R4's.
func versionOf(said string) (version Version, ok bool) {
	switch said {
	case "4.0", "4.3":
		return R4, true
	case "5.0":
		return R5, true
	}
	return R4, false
}

// contentType is what the answer is said to be.
func (a accepted) contentType() string {
	said := a.said
	if said == "" {
		said = "4.0"
		if a.version == R5 {
			said = "5.0"
		}
	}
	return "application/fhir+json; fhirVersion=" + said + "; charset=utf-8"
}

// accept reads what the answer should be: _format before Accept, JSON only, R4 unless R5 is asked for.
func accept(r *http.Request, format string) (accepted, *refusal) {
	wanted := r.Header.Values("Accept")
	if format != "" {
		wanted = []string{format}
	}
	if strings.TrimSpace(strings.Join(wanted, "")) == "" {
		return accepted{}, nil
	}
	versions := false
	for one := range strings.SplitSeq(strings.Join(wanted, ","), ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(one))
		if err != nil || !isJSON(media) {
			continue
		}
		said := params["fhirversion"]
		if said == "" {
			return accepted{}, nil
		}
		if version, ok := versionOf(said); ok {
			return accepted{version: version, said: said}, nil
		}
		versions = true
	}
	if versions {
		return accepted{}, refused(http.StatusNotAcceptable, "not-supported", "of FHIR's versions, 4.0, 4.3 and 5.0 can be read back")
	}
	return accepted{}, refused(http.StatusNotAcceptable, "not-supported", "answers are JSON: accept application/fhir+json")
}

func isJSON(media string) bool {
	switch media {
	case "application/fhir+json", "application/json", "application/json+fhir", "text/json", "json", "*/*", "application/*":
		return true
	}
	return false
}

// PurposeHeader says why it is asked. FHIR has no place for that in a request, and no question is answered without.
const PurposeHeader = "Purpose-Of-Use"

// purposeOf reads the header: plain text, or, for what headers cannot hold, RFC 8187's UTF-8” with percent signs.
func purposeOf(r *http.Request) string {
	text := strings.TrimSpace(r.Header.Get(PurposeHeader))
	if len(text) > len("UTF-8''") && strings.EqualFold(text[:len("UTF-8''")], "UTF-8''") {
		if plain, ok := unpercent(text[len("UTF-8''"):]); ok {
			return plain
		}
	}
	if utf8.ValidString(text) {
		return text
	}
	// Clients that know bytes only send ISO 8859-1, whose characters are those of Unicode.
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// unpercent decodes percent signs; a plus is a plus.
func unpercent(text string) (string, bool) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		if i+2 >= len(text) {
			return "", false
		}
		high, low := unhex(text[i+1]), unhex(text[i+2])
		if high > 15 || low > 15 {
			return "", false
		}
		out = append(out, high<<4|low)
		i += 2
	}
	return string(out), utf8.Valid(out)
}

// unhex is a digit's value; 255 for none.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}
