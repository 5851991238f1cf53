// Package columns packs serialised protobuf messages that resemble each other, bit for bit, by columns.
//
// Each record is taken apart into a program, which says how it is put together (tags, nesting, and for text the text
// around its values), and its values. Records with one program form a shape, its values columns. A column that never
// changes is said once; one that repeats another column, or a value of the record beside it, says which; identifiers
// take the bits that their alphabet needs. Hospitals send millions of events that differ in a handful of values, and
// every identifier in an original stands in its normalised event too: a 2 KB FHIR event takes about 100 bytes, of
// which hashes and UUIDs are more than half.
//
// Reading needs no schema: a program says all. A record that does not fit (odd encodings, too many values) is one value.
package columns

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Schema says which fields of a message are messages, and which hold text that is worth taking apart.
type Schema struct {
	// fields are by their numbers; most messages count theirs from one.
	fields []fieldSchema
}

// fieldSchema is a message, when nested is set, or text, or neither.
type fieldSchema struct {
	nested *Schema
	text   bool
}

// maxNumber bounds the numbers of fields that a schema knows more of than that they are there.
const maxNumber = 1024

func (s *Schema) field(number protowire.Number) fieldSchema {
	if number < 0 || int(number) >= len(s.fields) {
		return fieldSchema{}
	}
	return s.fields[number]
}

// NewSchema makes the schema of a message. text names fields of bytes or string that hold JSON, XML or delimited text.
func NewSchema(d protoreflect.MessageDescriptor, text ...protoreflect.FullName) *Schema {
	wanted := map[protoreflect.FullName]bool{}
	for _, name := range text {
		wanted[name] = true
	}
	return newSchema(d, wanted, map[protoreflect.FullName]*Schema{})
}

func newSchema(d protoreflect.MessageDescriptor, text map[protoreflect.FullName]bool, made map[protoreflect.FullName]*Schema) *Schema {
	if s, ok := made[d.FullName()]; ok {
		return s
	}
	s := &Schema{}
	made[d.FullName()] = s
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if f.Number() >= maxNumber {
			continue
		}
		field := fieldSchema{text: text[f.FullName()]}
		if f.Kind() == protoreflect.MessageKind {
			field.nested = newSchema(f.Message(), text, made)
		}
		if missing := int(f.Number()) + 1 - len(s.fields); missing > 0 {
			s.fields = append(s.fields, make([]fieldSchema, missing)...)
		}
		s.fields[f.Number()] = field
	}
	return s
}

// Operations of a program.
const (
	opEnd    = 0 // ends a nested message
	opBytes  = 1 // tag; the next value with its length
	opVarint = 2 // tag; the next value as it is
	opOpen   = 3 // tag; a nested message up to its opEnd
	opText   = 4 // tag, length, text with a zero byte for each value, and base64 marked
	opRaw    = 5 // the next value is the whole record
)

// What stands in an opText for what was taken out. Text that holds one of these bytes itself is one value.
const (
	placeholder = 0 // a value
	encoded     = 1 // what follows, up to plain, stands encoded in base64, without delimiters
	plain       = 2
)

// Limits on what is taken apart. Beyond, a record is one value.
const (
	maxValues = 4096
	maxDepth  = 16
)

// span is where a value stands in a lexer's data. Places are told by numbers and not by slices, of which a batch would have 60,000: those
// take three times the room, and the garbage collector follows each of them.
type span struct{ from, to uint32 }

func (s span) of(data []byte) []byte { return data[s.from:s.to] }
func (s span) size() int             { return int(s.to - s.from) }

// lexer takes records apart.
type lexer struct {
	// data are the records, one behind the other, and between them what they hold encoded.
	data    []byte
	program []byte
	around  []byte // text around values, under work
	marks   int    // how many bytes of around stand for something else
	values  []span
	limit   int
	again   []byte // what was decoded, encoded again
}

// take appends the values of a record and leaves its program in l.program.
func (l *lexer) take(record []byte, s *Schema) {
	begin, from := len(l.data), len(l.values)
	l.data = append(l.data, record...)
	end := len(l.data)
	l.program, l.limit = l.program[:0], from+maxValues
	if !l.message(begin, end, s, 0) {
		l.program = append(l.program[:0], opRaw)
		l.values = l.values[:from]
		l.value(begin, end)
	}
}

func (l *lexer) value(from, to int) { l.values = append(l.values, span{uint32(from), uint32(to)}) }

// message takes a message apart, which stands in the data between two places. It reports false where putting it together again
// would not give the same bytes.
func (l *lexer) message(at, end int, s *Schema, depth int) bool {
	for at < end {
		tag, n := protowire.ConsumeVarint(l.data[at:end])
		if n < 0 || n != protowire.SizeVarint(tag) || len(l.values) >= l.limit {
			return false
		}
		at += n
		number, kind := protowire.DecodeTag(tag)
		switch kind {
		case protowire.VarintType:
			_, n := protowire.ConsumeVarint(l.data[at:end])
			if n < 0 {
				return false
			}
			l.program = protowire.AppendVarint(append(l.program, opVarint), tag)
			l.value(at, at+n)
			at += n
		case protowire.BytesType:
			size, n := protowire.ConsumeVarint(l.data[at:end])
			if n < 0 || n != protowire.SizeVarint(size) || uint64(end-at-n) < size {
				return false
			}
			at += n
			l.field(number, tag, span{uint32(at), uint32(at + int(size))}, nesting{s, depth})
			at += int(size)
		default:
			return false
		}
	}
	return true
}

// nesting is the schema of the message that is taken apart, and how deep it stands.
type nesting struct {
	schema *Schema
	depth  int
}

func (l *lexer) field(number protowire.Number, tag uint64, value span, in nesting) {
	program, values, field := len(l.program), len(l.values), in.schema.field(number)
	if field.nested != nil && in.depth < maxDepth {
		l.program = protowire.AppendVarint(append(l.program, opOpen), tag)
		if l.message(int(value.from), int(value.to), field.nested, in.depth+1) {
			l.program = append(l.program, opEnd)
			return
		}
		l.program, l.values = l.program[:program], l.values[:values]
	}
	if field.text && l.text(tag, int(value.from), int(value.to)) {
		return
	}
	l.program, l.values = l.program[:program], l.values[:values]
	l.program = protowire.AppendVarint(append(l.program, opBytes), tag)
	l.values = append(l.values, value)
}

// What a byte of text is to the lexer.
const (
	around  = iota // stands around values
	quote          // begins a string of JSON
	begins         // begins a value
	follows        // may stand in a value that has begun
	foreign        // stands in no text that is taken apart
)

// jsonBytes and otherBytes say what each byte is: of JSON, strings and numbers are values; of other text, whatever stands
// between what usually delimits.
var jsonBytes, otherBytes = classify()

func classify() (json, other [256]uint8) {
	for b := range 256 {
		switch c := byte(b); {
		case c == placeholder, c == encoded, c == plain:
			json[b], other[b] = foreign, foreign
		case c == '-', c >= '0' && c <= '9':
			json[b], other[b] = begins, begins
		default:
			other[b] = begins
		}
	}
	json['"'] = quote
	for _, c := range ".eE+" {
		json[c] = follows
	}
	for _, c := range ",|\t;^~&=<>\"\r\n" {
		other[c] = around
	}
	return json, other
}

// text takes text apart.
func (l *lexer) text(tag uint64, from, to int) bool {
	class := &otherBytes
	if from < to && (l.data[from] == '{' || l.data[from] == '[') {
		class = &jsonBytes
	}
	l.around, l.marks = l.around[:0], 0
	if !l.split(from, to, class) || bytes.Count(l.around, []byte{placeholder})+bytes.Count(l.around, []byte{encoded})+
		bytes.Count(l.around, []byte{plain}) != l.marks {
		return false // or such a byte stands in a key
	}
	l.program = protowire.AppendVarint(append(l.program, opText), tag)
	l.program = protowire.AppendBytes(l.program, l.around)
	return true
}

// split appends the values of text, and to l.around what stands around them.
func (l *lexer) split(begin, end int, class *[256]uint8) bool {
	data := l.data[:end] // which stays as it is when more is decoded behind it
	at := begin          // up to where data was said
	for i := begin; i < end; {
		from, to := i, i
		switch class[data[i]] {
		case quote:
			closed := closing(data, i+1)
			if closed == end {
				return false
			}
			i = closed + 1
			if i < end && data[i] == ':' {
				continue // a key
			}
			from, to = from+1, closed
		case begins:
			for to++; to < end && class[data[to]]-begins <= follows-begins; to++ {
			}
			i = to
		case foreign:
			return false
		default:
			i++
			continue
		}
		if len(l.values) >= l.limit {
			return false
		}
		l.around = append(l.around, data[at:from]...)
		at = to
		if class == &jsonBytes && l.base64(data[from:to]) {
			continue
		}
		l.around, l.marks = append(l.around, placeholder), l.marks+1
		l.value(from, to)
	}
	l.around = append(l.around, data[at:]...)
	return true
}

// shortestBase64 is what may be base64: a search is longer, and few words are as long.
const shortestBase64 = 24

// base64 takes apart what a value encodes: FHIR keeps the text of searches so, and they name patients.
func (l *lexer) base64(value []byte) bool {
	if len(value) < shortestBase64 || len(value)%4 != 0 {
		return false
	}
	for _, b := range value[:shortestBase64] {
		if !isBase64(b) {
			return false
		}
	}
	begin := len(l.data)
	data, err := base64.StdEncoding.AppendDecode(l.data, value)
	if err != nil || !utf8.Valid(data[begin:]) {
		return false
	}
	if l.again = base64.StdEncoding.AppendEncode(l.again[:0], data[begin:]); !bytes.Equal(l.again, value) {
		return false
	}
	l.data = data
	around, values := len(l.around), len(l.values)
	l.around = append(l.around, encoded)
	if l.marks += 2; l.split(begin, len(data), &otherBytes) {
		l.around = append(l.around, plain)
		return true
	}
	l.marks -= 2 + len(l.values) - values
	l.around, l.values, l.data = l.around[:around], l.values[:values], l.data[:begin]
	return false
}

func isBase64(b byte) bool {
	return b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '+' || b == '/'
}

// closing returns where the string that begins at i ends.
func closing(data []byte, i int) int {
	for ; i < len(data); i++ {
		// Eight bytes at a time: most strings are too short for a call of IndexByte to pay.
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			q, b := w^lowBits*'"', w^lowBits*'\\'
			special := ((q-lowBits)&^q | (b-lowBits)&^b) & highBits
			if special != 0 {
				i += bits.TrailingZeros64(special) >> 3
				break
			}
			i += 8
		}
		if i == len(data) || data[i] == '"' {
			return i
		}
		if data[i] == '\\' {
			i++ // and what it escapes
		}
	}
	return len(data)
}

// Of eight bytes at a time.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)
