package proto

import (
	"fmt"
	"log/slog"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const redacted = "[redacted]"

// Identity is an identifier of a patient or a reader on its way through the code. Whatever prints or logs it, by
// whichever verb, shows "[redacted]"; a person sees it only through Reveal, which is easy to find in a review.
type Identity struct{ system, value string }

// PatientID and ReaderID keep the two kinds apart.
type (
	PatientID struct{ Identity }
	ReaderID  struct{ Identity }
)

// NewPatientID wraps an identifier of a patient.
func NewPatientID(system, value string) PatientID {
	return PatientID{Identity{system, value}}
}

// NewReaderID wraps an identifier of a reader.
func NewReaderID(system, value string) ReaderID {
	return ReaderID{Identity{system, value}}
}

// Reveal returns the identifier itself, for an answer or a query parameter; never for a log, an error or a label.
func (i Identity) Reveal() *v1.Identifier {
	return &v1.Identifier{System: i.system, Value: i.value}
}

// IsZero reports whether there is no value.
func (i Identity) IsZero() bool { return i.value == "" }

// String implements fmt.Stringer without saying anything.
func (Identity) String() string { return redacted }

// Format implements fmt.Formatter, so that %v, %+v, %#v, %q, %x and %d say nothing either.
func (Identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Identity) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which encoding/json and slog's JSON handler use.
func (Identity) MarshalText() ([]byte, error) { return []byte(redacted), nil }
