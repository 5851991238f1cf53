package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Emit writes an event as an AuditEvent of a version. What the event did not say is absent; where FHIR demands an element,
// a data-absent-reason stands in its place. The result depends on nothing but its arguments.
func Emit(found Found, version Version) ([]byte, error) {
	v := newView(found)
	var resource any
	if version == R5 {
		resource = v.r5()
	} else {
		resource = v.r4()
	}
	body, err := encode(resource)
	if err != nil {
		return nil, fmt.Errorf("emit event: %w", err)
	}
	return body, nil
}

// encode writes JSON without escaping what only HTML needs escaped.
func encode(resource any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(resource); err != nil {
		return nil, err //nolint:wrapcheck // the caller says of what
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
