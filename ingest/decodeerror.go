package ingest

import (
	"fmt"
	"strings"
)

// Reasons of dead letters: stable words that machines branch on. An adapter may add its own in the same style.
const (
	ReasonInvalidJSON       = "invalid_json"
	ReasonInvalidUTF8       = "invalid_utf8"
	ReasonDuplicateKey      = "duplicate_key"
	ReasonMissingElement    = "missing_element"
	ReasonInvalidValue      = "invalid_value"
	ReasonTooLarge          = "too_large"
	ReasonTooDeep           = "too_deep"
	ReasonUnsupportedFormat = "unsupported_format"
	ReasonRefused           = "refused"
)

// DecodeError says why input could not become an event. It ends in the dead letters, never in a stuck consumer. Its
// texts name elements and positions, never values: it may be logged and sent back to the caller.
type DecodeError struct {
	// Reason is one of the Reason words.
	Reason string
	// Element is the path at fault ("AuditEvent.agent[0].who") or a column name; empty when there is none.
	Element string
	// Message is a sentence for people.
	Message string
	// Line and Column count from 1 within the input; 0: not known. A column counts bytes.
	Line, Column int
}

// Error implements error.
func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString(e.Reason)
	if e.Element != "" {
		b.WriteString(" at ")
		b.WriteString(e.Element)
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, " (line %d, column %d)", e.Line, e.Column)
	}
	b.WriteString(": ")
	b.WriteString(e.Message)
	return b.String()
}
