package fhir

import (
	"slices"
	"strings"
)

// token is one alternative of a token parameter: "code", "system|code", "|code", "system|".
type token struct {
	system, code string
	// anySystem: no system was named.
	anySystem bool
}

// parseToken reads one alternative, unescaped.
func parseToken(text string) (token, bool) {
	system, code, found := cutEscaped(text, '|')
	if !found {
		code = unescape(text)
		return token{code: code, anySystem: true}, code != ""
	}
	t := token{system: unescape(system), code: unescape(code)}
	return t, t.system != "" || t.code != ""
}

// holds reports whether a coding is meant. Codes are compared as they are written.
func (t token) holds(c coding) bool {
	return (t.anySystem || t.system == c.System) && (t.code == "" || t.code == c.Code)
}

// holdsAny reports whether one of the tokens means one of the codings.
func holdsAny(tokens []token, codings []coding) bool {
	return slices.ContainsFunc(tokens, func(t token) bool { return slices.ContainsFunc(codings, t.holds) })
}

// splitEscaped splits alternatives at commas that no backslash stands before (R4 section 3.1.1.4.6).
func splitEscaped(text string) []string {
	var out []string
	for {
		before, after, found := cutEscaped(text, ',')
		out = append(out, before)
		if !found {
			return out
		}
		text = after
	}
}

// cutEscaped cuts at the first separator that no backslash stands before.
func cutEscaped(text string, separator byte) (before, after string, found bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case separator:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// unescape takes the backslashes off; one before any other character stays, as values of the field have them.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte(`,|$\`, text[i+1]) >= 0 {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// escape puts the backslashes on.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace(text)
}
