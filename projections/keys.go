package projections

import (
	"strings"

	"github.com/cespare/xxhash/v2"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Keys that name nobody. Hashes are at least 2, so they never meet these.
const (
	// NoPatient keys the rows of events that name no patient.
	NoPatient uint64 = 0
	// NoReader keys the rows of events that name no reader.
	NoReader uint64 = 0
	// UnresolvedPatient keys the rows of patients that are known by text only.
	UnresolvedPatient uint64 = 1
)

// Whom identifiers are of, and what made them known.
const (
	IdentifierPatient        uint8 = 1
	IdentifierReader         uint8 = 2
	IdentifierUnresolved     uint8 = 3
	IdentifierContextPatient uint8 = 4
	IdentifierContextReader  uint8 = 5
)

// Kinds of rows in identities_vN: links that events state of one patient or reader, links of context facts, and names.
const (
	LinkOfPatient uint8 = 1
	LinkOfReader  uint8 = 2
	LinkOfContext uint8 = 3
	nameOf        uint8 = 10
)

// LinkOf is the kind of the rows that link identifiers of a kind which one event states.
func LinkOf(identifier uint8) uint8 {
	if identifier == IdentifierReader {
		return LinkOfReader
	}
	return LinkOfPatient
}

// NameOf is the kind of the rows that name identifiers of a kind.
func NameOf(identifier uint8) uint8 { return nameOf + identifier }

// NamedKind is the kind of the identifiers that rows of a kind name; false: they are links.
func NamedKind(row uint8) (identifier uint8, ok bool) { return row - nameOf, row > nameOf }

// NameKey is the key under which names of a value stand: that of its folded form without a system.
func NameKey(value string) uint64 { return Key("", Fold(value)) }

// Subject kinds of rows in questions_vN.
const (
	SubjectNobody  uint8 = 0
	SubjectPatient uint8 = 1
	SubjectReader  uint8 = 2
)

// FlagConflict is added to an access's flags when its id was seen before with other content.
const FlagConflict = "conflict"

// pairKeyBits keeps the pair key short, since it is random and stands in both path tables: 40 bits cost 5 bytes. It only
// has to be unique among the accesses to one record within minutes: at 5 neighbours an access, 100 million accesses
// hold a false pair with probability 0.0005.
const pairKeyBits = 40

// Key hashes an identifier of a patient or a reader to its key in the path tables: xxHash64 (seed 0) of "system|value",
// at least 2; 0 for an empty value. ClickHouse computes the same with greatest(xxHash64(concat(system, '|', value)), 2).
func Key(system, value string) uint64 {
	if value == "" {
		return 0
	}
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(system)
	_, _ = d.WriteString("|")
	_, _ = d.WriteString(value)
	return max(d.Sum64(), 2)
}

// PatientKey is the patient_key of an identifier.
func PatientKey(system, value string) uint64 { return Key(system, value) }

// ReaderKey is the reader_key of an identifier.
func ReaderKey(system, value string) uint64 { return Key(system, value) }

// ResourceKey is the resource_key of a context resource.
func ResourceKey(source, resourceType, resourceID string) uint64 {
	return max(xxhash.Sum64String(source+"|"+resourceType+"|"+resourceID), 2)
}

// ImportKey is the import_key of an import; 0 for what came live.
func ImportKey(importID []byte) uint64 {
	if len(importID) == 0 {
		return 0
	}
	return max(xxhash.Sum64(importID), 2)
}

// PairKey is the pair_key of an event; 0 when it states no request id.
func PairKey(requestID string) uint64 {
	if requestID == "" {
		return 0
	}
	return max(xxhash.Sum64String(requestID)>>(64-pairKeyBits), 1)
}

// Fold is the form in which values are searched: lower case, without blanks around it.
func Fold(value string) string { return strings.ToLower(strings.TrimSpace(value)) }

// ReaderIdentifier is the identifier that keys an event's reader, as proto.ReaderKey says it: the first one, else the
// name within the source. Both are empty when nobody is named.
func ReaderIdentifier(e *v1.AccessEvent) (system, value string) {
	r := e.GetReader()
	switch {
	case r == nil:
		return "", ""
	case len(r.Identifiers) > 0:
		if r.Identifiers[0].GetValue() == "" {
			return "", ""
		}
		return r.Identifiers[0].System, r.Identifiers[0].Value
	case r.Name != "":
		return "source:" + e.Source + "#name", r.Name
	}
	return "", ""
}
