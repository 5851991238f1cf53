package fhir

import (
	"time"

	"github.com/readtrail/readtrail/projections/api"
)

// ParseDate reads a date of a search; problem says why not.
func ParseDate(text string, zone *time.Location) (span api.Span, problem string) {
	return parseDate(text, zone)
}

// Seal seals a search for a caller, Open opens it again.
func Seal(key []byte, all []Parameter, caller string) (string, error) {
	s, err := newSealer(key)
	if err != nil {
		return "", err
	}
	return s.seal(place{Parameters: all}, caller)
}

// Open is Seal's way back.
func Open(key []byte, text, caller string) ([]Parameter, error) {
	s, err := newSealer(key)
	if err != nil {
		return nil, err
	}
	p, err := s.open(text, caller)
	return p.Parameters, err
}

// SplitEscaped splits alternatives, Unescape takes their backslashes off, Escape puts them on.
func SplitEscaped(text string) []string { return splitEscaped(text) }

// Unescape is what a value reads as.
func Unescape(text string) string { return unescape(text) }

// Escape is how a value is written.
func Escape(text string) string { return escape(text) }

// Known are the names of the parameters that are understood.
func Known() []string {
	var out []string
	for name := range readings() {
		out = append(out, name)
	}
	return out
}
