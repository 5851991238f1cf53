package facts

import (
	"encoding/binary"
	"strconv"
)

// packer writes pairs of a system and a value in few bytes, each pair in one way only, so that equal pairs are equal bytes, and none is
// the beginning of another. Most values are identifiers that programs made by a pattern: "ob-20511-93-1" is "ob-", three numbers and the
// dashes between them, and takes seven bytes with its system. What follows no pattern stands as it is. The zero value is ready.
type packer struct {
	// plain: no pattern is looked for. Words have none, and are asked for all the time.
	plain    bool
	patterns []pattern // from 1
	numbers  map[string]int
}

// pattern is what the values of a system have in common.
type pattern struct {
	system ID
	// template is letters as they are, and marks for what differs; marks are those alone.
	template, marks string
}

// Marks of a template: control characters, which no value with a pattern has.
const (
	markNumber = 1 + iota // decimal digits without a leading zero, up to maxDecimal: a varint
	markUUID              // RFC 9562, lower case: uuidBytes
	markUpper             // the same in upper case
	markHex               // other hexadecimal digits in lower case: two a byte. Their count stands behind the mark
)

const (
	// maxPatterns bounds them: a source whose ids are random letters takes no more room for its patterns than this. What comes behind
	// them is not packed.
	maxPatterns = 4096
	// maxValue and maxLetters, of a template, keep names and addresses from being taken for patterns.
	maxValue, maxLetters = 64, 16
	// minHex is how many hexadecimal digits with letters among them are no word.
	minHex     = 8
	maxDecimal = 18
	uuidLength = len("00000000-0000-0000-0000-000000000000")
	uuidBytes  = 16
)

// pack appends a pair. With learn it keeps a pattern that is new.
func (p *packer) pack(to []byte, system ID, value string, learn bool) []byte {
	if !p.plain && len(value) <= maxValue {
		var forKey, forValues [2*maxValue + binary.MaxVarintLen64]byte
		key := binary.AppendUvarint(forKey[:0], uint64(system))
		begin := len(key)
		if key, values, ok := split(key, forValues[:0], value); ok {
			n := p.numbers[string(key)]
			if n == 0 && learn && len(p.patterns) < maxPatterns {
				n = p.learn(system, string(key[begin:]))
			}
			if n != 0 {
				return append(binary.AppendUvarint(to, uint64(n)), values...)
			}
		}
	}
	to = binary.AppendUvarint(append(to, 0), uint64(system))
	to = binary.AppendUvarint(to, uint64(len(value)))
	return append(to, value...)
}

// learn adds a pattern and returns its number; 0 for what is no template.
func (p *packer) learn(system ID, template string) int {
	at := pattern{system: system, template: template}
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == markHex && i+1 == len(template):
			return 0
		case c == markHex:
			at.marks += template[i : i+2]
			i++
		case c < markHex:
			at.marks += template[i : i+1]
		}
	}
	if p.numbers == nil {
		p.patterns, p.numbers = make([]pattern, 1), map[string]int{}
	}
	n := len(p.patterns)
	p.patterns = append(p.patterns, at)
	p.numbers[string(binary.AppendUvarint(nil, uint64(system)))+template] = n
	return n
}

// split takes a value apart: it appends its template, and what stands at the marks. It returns false for a value without a pattern.
func split(template, values []byte, value string) (_, _ []byte, ok bool) {
	letters, marks := 0, 0
	for i := 0; i < len(value); marks++ {
		rest := value[i:]
		if len(rest) >= uuidLength && rest[8] == '-' {
			if mark := uuidMark(rest); mark != 0 {
				template, values = append(template, mark), appendUUID(values, rest)
				i += uuidLength
				continue
			}
		}
		digits, hex := leading(rest)
		switch {
		case hex >= minHex && hex > digits:
			template, values = append(template, markHex, byte(hex)), appendHex(values, rest[:hex])
			i += hex
		case digits == 0:
			if letters++; rest[0] <= markHex || letters > maxLetters {
				return template, values, false
			}
			template = append(template, rest[0])
			i++
			marks--
		case digits > maxDecimal || rest[0] == '0' && digits > 1:
			template, values = append(template, markHex, byte(digits)), appendHex(values, rest[:digits])
			i += digits
		default:
			template, values = append(template, markNumber), binary.AppendUvarint(values, decimal(rest[:digits]))
			i += digits
		}
	}
	return template, values, marks > 0
}

// leading counts the decimal digits that a text begins with, and the hexadecimal ones.
func leading(text string) (digits, hex int) {
	for digits < len(text) && text[digits]-'0' <= 9 {
		digits++
	}
	for hex = digits; hex < len(text) && (text[hex]-'0' <= 9 || text[hex]-'a' <= 5); {
		hex++
	}
	return digits, hex
}

func decimal(digits string) (n uint64) {
	for i := range len(digits) {
		n = n*10 + uint64(digits[i]-'0')
	}
	return n
}

// uuidMark is the mark of the UUID that a text of its length or more begins with; 0: with none, or one in letters of both cases.
func uuidMark(text string) byte {
	lower, upper := false, false
	for i := range uuidLength {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return 0
			}
		case c-'a' <= 5:
			lower = true
		case c-'A' <= 5:
			upper = true
		case c-'0' > 9:
			return 0
		}
	}
	switch {
	case lower && upper:
		return 0
	case upper:
		return markUpper
	}
	return markUUID
}

func appendUUID(to []byte, text string) []byte {
	for _, at := range [...][2]int{{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, uuidLength}} {
		to = appendHex(to, text[at[0]:at[1]])
	}
	return to
}

// appendHex packs hexadecimal digits two a byte, the last one alone where their count is odd.
func appendHex(to []byte, digits string) []byte {
	for i := 0; i < len(digits); i += 2 {
		b := nibble(digits[i]) << 4
		if i+1 < len(digits) {
			b |= nibble(digits[i+1])
		}
		to = append(to, b)
	}
	return to
}

func nibble(c byte) byte {
	if c >= 'A' {
		return c&^('a'-'A') - 'A' + 10
	}
	return c - '0'
}

// systemOf is that of the pair that bytes begin with.
func (p *packer) systemOf(packed []byte) ID {
	if packed[0] != 0 {
		n, _ := binary.Uvarint(packed)
		return p.patterns[n].system
	}
	system, _ := binary.Uvarint(packed[1:])
	return ID(system)
}

// unpack is the pair that bytes begin with. The value may be shared with them: read it only.
func (p *packer) unpack(packed []byte) (system ID, value []byte) {
	n, at := binary.Uvarint(packed)
	packed = packed[at:]
	if n == 0 {
		system, at := binary.Uvarint(packed)
		size, more := binary.Uvarint(packed[at:])
		return ID(system), packed[at+more:][:size]
	}
	out, template := make([]byte, 0, maxValue), p.patterns[n].template
	for i := 0; i < len(template); i++ {
		switch template[i] {
		case markNumber:
			v, at := binary.Uvarint(packed)
			out, packed = strconv.AppendUint(out, v, 10), packed[at:]
		case markUUID:
			out, packed = appendUUIDText(out, packed, lowerDigits), packed[uuidBytes:]
		case markUpper:
			out, packed = appendUUIDText(out, packed, upperDigits), packed[uuidBytes:]
		case markHex:
			i++
			size := int(template[i])
			out, packed = appendDigits(out, packed, size, lowerDigits), packed[(size+1)/2:]
		default:
			out = append(out, template[i])
		}
	}
	return p.patterns[n].system, out
}

const lowerDigits, upperDigits = "0123456789abcdef", "0123456789ABCDEF"

// appendDigits writes so many hexadecimal digits of what appendHex packed.
func appendDigits(to, packed []byte, count int, digits string) []byte {
	for i := range count {
		to = append(to, digits[packed[i/2]>>(4*(1-i%2))&15])
	}
	return to
}

func appendUUIDText(to, packed []byte, digits string) []byte {
	to = append(appendDigits(to, packed, 8, digits), '-')
	for at := 4; at < 10; at += 2 {
		to = append(appendDigits(to, packed[at:], 4, digits), '-')
	}
	return appendDigits(to, packed[10:], 12, digits)
}

// length is how many bytes of those that begin with a pair are the pair's; -1: they are none that pack wrote.
func (p *packer) length(packed []byte) int {
	n, at := binary.Uvarint(packed)
	switch {
	case at <= 0 || n == 0 && at > 1 || n > 0 && n >= uint64(len(p.patterns)):
		return -1
	case n == 0:
		return rawLength(packed)
	}
	marks := p.patterns[n].marks
	for i := 0; i < len(marks); i++ {
		switch marks[i] {
		case markNumber:
			_, size := binary.Uvarint(packed[at:])
			if size <= 0 {
				return -1
			}
			at += size
		case markHex:
			i++
			at += (int(marks[i]) + 1) / 2
		default:
			at += uuidBytes
		}
		if at > len(packed) {
			return -1
		}
	}
	return at
}

func rawLength(packed []byte) int {
	_, system := binary.Uvarint(packed[1:])
	if system <= 0 {
		return -1
	}
	size, at := binary.Uvarint(packed[1+system:])
	if at <= 0 || size > uint64(len(packed)-1-system-at) {
		return -1
	}
	return 1 + system + at + int(size)
}
