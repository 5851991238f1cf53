package proto

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unique"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const redacted = "[redacted]"

// Identity is an identifier of a patient or a reader on its way through the code. Whatever prints or logs it, by
// whichever verb, shows "[redacted]"; a person sees it only through Reveal, which is easy to find in a review. Equal
// identifiers are equal values. The text is behind a handle because fmt asks no Formatter about %p, nor about the
// unexported fields of somebody's struct: there it shows an address.
type Identity struct{ handle unique.Handle[identifier] }

// identifier is the system's length, a colon, system and value. It is a string because fmt, given a verb that does not
// fit, follows a pointer to a struct, but not one to a string.
type identifier string

func newIdentity(system, value string) Identity {
	return Identity{unique.Make(identifier(strconv.Itoa(len(system)) + ":" + system + value))}
}

// get returns the text; the zero Identity has none.
func (i Identity) get() (system, value string) {
	if i == (Identity{}) {
		return "", ""
	}
	digits, rest, _ := strings.Cut(string(i.handle.Value()), ":")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return "", "" // newIdentity writes no such text
	}
	return rest[:n], rest[n:]
}

// PatientID is an Identity of a patient. It is a type of its own so that no reader's can stand in its place.
type PatientID struct{ Identity }

// ReaderID is an Identity of a reader.
type ReaderID struct{ Identity }

// NewPatientID wraps an identifier of a patient.
func NewPatientID(system, value string) PatientID {
	return PatientID{newIdentity(system, value)}
}

// NewReaderID wraps an identifier of a reader.
func NewReaderID(system, value string) ReaderID {
	return ReaderID{newIdentity(system, value)}
}

// Reveal returns the identifier itself, for an answer or a query parameter; never for a log, an error or a label.
func (i Identity) Reveal() *v1.Identifier {
	system, value := i.get()
	return &v1.Identifier{System: system, Value: value}
}

// Equal reports whether both are the same identifier, for comparisons that cannot look inside.
func (i Identity) Equal(other Identity) bool { return i == other }

// IsZero reports whether there is no value.
func (i Identity) IsZero() bool {
	_, value := i.get()
	return value == ""
}

// String implements fmt.Stringer without saying anything.
func (Identity) String() string { return redacted }

// Format implements fmt.Formatter, so that %v, %+v, %#v, %q, %x and %d say nothing either.
func (Identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Identity) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which encoding/json and slog's JSON handler use.
func (Identity) MarshalText() ([]byte, error) { return []byte(redacted), nil }
