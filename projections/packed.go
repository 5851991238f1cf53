package projections

import (
	"strings"
)

// Packed columns hold what is read together in one text: a page of accesses reads ten columns in place of forty, and each
// column of each part costs the engine a tenth of a millisecond. Fields stand in a fixed order, each behind a separator
// but the first. Separators inside a value are escaped, so every value comes back to the byte.
const (
	packedSeparator = 0x1f
	packedEscape    = 0x1e
	// What stands behind the escape for the separator and for the escape itself.
	escapedSeparator, escapedEscape = 'u', 'r'
)

// appendPacked appends fields to a packed text; first says that it begins with them.
func appendPacked(to []byte, first bool, fields ...string) []byte {
	for i, field := range fields {
		if i > 0 || !first {
			to = append(to, packedSeparator)
		}
		to = appendEscaped(to, field)
	}
	return to
}

func appendEscaped(to []byte, field string) []byte {
	if !needsEscape(field) {
		return append(to, field...)
	}
	for i := range len(field) {
		switch field[i] {
		case packedSeparator:
			to = append(to, packedEscape, escapedSeparator)
		case packedEscape:
			to = append(to, packedEscape, escapedEscape)
		default:
			to = append(to, field[i])
		}
	}
	return to
}

func needsEscape(field string) bool {
	for i := range len(field) {
		if c := field[i]; c == packedSeparator || c == packedEscape {
			return true
		}
	}
	return false
}

// Pack is the text of a packed column.
func Pack(fields ...string) string { return string(appendPacked(nil, true, fields...)) }

// Unpack returns the fields of a packed column; none of an empty one.
func Unpack(text string) []string {
	if text == "" {
		return nil
	}
	fields := strings.Split(text, string(rune(packedSeparator)))
	if strings.IndexByte(text, packedEscape) < 0 {
		return fields
	}
	unescape := strings.NewReplacer(
		string([]byte{packedEscape, escapedSeparator}), string(rune(packedSeparator)),
		string([]byte{packedEscape, escapedEscape}), string(rune(packedEscape)))
	for i, field := range fields {
		fields[i] = unescape.Replace(field)
	}
	return fields
}

// Marks of what a label is, its first byte in accesses_by_patient.labels.
const (
	LabelPurpose     = 'p'
	LabelSensitivity = 's'
	LabelFlag        = 'f'
)

// Codes are an event's enumerations and its number of distinct patients, as accesses_by_patient.codes holds them.
type Codes struct {
	Action, Outcome, Mode, ReaderType uint8
	BreakGlass                        bool
	Patients                          uint16
}

// Places of the codes in their number, in bits. The migration reads them with the same.
const (
	outcomeAt, modeAt, readerTypeAt, breakGlassAt, patientsAt = 8, 16, 24, 32, 40
)

// Number is the codes in one number.
func (c Codes) Number() uint64 {
	n := uint64(c.Action) | uint64(c.Outcome)<<outcomeAt | uint64(c.Mode)<<modeAt | uint64(c.ReaderType)<<readerTypeAt
	if c.BreakGlass {
		n |= 1 << breakGlassAt
	}
	return n | uint64(c.Patients)<<patientsAt
}

// CodesOf reads the number.
func CodesOf(n uint64) Codes {
	return Codes{
		Action: uint8(n), Outcome: uint8(n >> outcomeAt), Mode: uint8(n >> modeAt), ReaderType: uint8(n >> readerTypeAt),
		BreakGlass: n>>breakGlassAt&1 == 1, Patients: uint16(n >> patientsAt),
	}
}
