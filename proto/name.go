package proto

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// VisibleName reports whether a name of somebody who asks can be told from every other by reading it: it has characters that print, and
// ordinary spaces between them. Invisible ones, other spaces and those that turn the direction of a text make two names look alike; so
// nobody signs in by such a name, has a case or a question, or is listed in a file.
func VisibleName(name string) bool {
	return name != "" && utf8.ValidString(name) && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, invisible)
}

func invisible(r rune) bool { return !unicode.IsPrint(r) }
