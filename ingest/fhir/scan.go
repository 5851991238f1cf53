package fhir

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/readtrail/readtrail/ingest"
)

// kind is what a JSON value is.
type kind uint8

const (
	kindNone kind = iota
	kindObject
	kindArray
	kindString
	kindNumber
	kindTrue
	kindFalse
	kindNull
)

// node is one value on the tape. Children of an object or array follow it; next skips them.
type node struct {
	// start and end bound the value in the data: a string without its quotes, everything else as it stands.
	start, end uint32
	// keyStart and keyEnd bound the name of an object's member, without its quotes.
	keyStart, keyEnd uint32
	// next is the index of the first node after this value.
	next uint32
	kind kind
	// escaped: the string (or the name) holds backslashes, so its bytes are not its text.
	escaped, keyEscaped bool
}

// A value takes 24 bytes on the tape, so that what holds nothing but "[1,1,1," would need twelve times its size. FHIR
// takes 20 to 25 bytes a value; what has less than 8 on average, beyond the first 65,536, is none.
const (
	freeValues    = 64 << 10
	bytesPerValue = 8
)

// document is JSON scanned once into a tape of nodes: no reflection, no allocation per value, random access afterwards.
// It accepts what encoding/json.Valid accepts, except: names repeated in one object, invalid UTF-8 in strings, and
// what goes beyond the limits. It is reused from input to input and belongs to one goroutine.
type document struct {
	limits Limits
	data   []byte
	// text is data once more: values are cut out of it without an allocation each.
	text  string
	nodes []node
	pos   int
	// squeezed collects the data without whitespace between tokens; copied says up to where data is in it.
	squeezed []byte
	copied   int
	// open holds the nodes that are not closed yet: the path of an error.
	open []int
	// closed is where the first value ended; 0 when it did not.
	closed int
}

// scan reads data, which must hold exactly one JSON value. The error is an *ingest.DecodeError.
func (d *document) scan(data []byte) error {
	// The texts that are cut out of it end up in the entry beside the data themselves, which nobody changes any more
	// (see Input.Data): a copy would cost as much again as the event keeps.
	d.data, d.text = data, unsafe.String(unsafe.SliceData(data), len(data)) //nolint:gosec // data are never written to again
	d.nodes, d.open, d.squeezed = d.nodes[:0], d.open[:0], d.squeezed[:0]
	d.pos, d.copied, d.closed = 0, 0, 0
	d.space()
	if d.pos == len(data) {
		return d.fail(ingest.ReasonInvalidJSON, "there is no JSON value")
	}
	if err := d.value(0, 0, 0, false); err != nil {
		return err
	}
	d.closed = d.pos
	d.space()
	if d.pos != len(data) {
		return d.fail(ingest.ReasonInvalidJSON, "something follows the JSON value")
	}
	return nil
}

// compact returns the data without whitespace between tokens. It is valid until the next scan.
func (d *document) compact() []byte {
	if d.copied == 0 {
		return d.data
	}
	d.squeezed = append(d.squeezed, d.data[d.copied:]...)
	d.copied = len(d.data)
	return d.squeezed
}

func (d *document) space() {
	data, i := d.data, d.pos
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	if i != d.pos {
		d.squeezed = append(d.squeezed, data[d.copied:d.pos]...)
		d.copied = i
		d.pos = i
	}
}

// value scans one value onto the tape. The position stands on its first byte.
func (d *document) value(depth int, keyStart, keyEnd uint32, keyEscaped bool) error {
	at := len(d.nodes)
	if at >= freeValues+len(d.data)/bytesPerValue {
		return d.fail(ingest.ReasonTooLarge, "the document holds more values than its size allows")
	}
	d.nodes = append(d.nodes, node{start: uint32(d.pos), keyStart: keyStart, keyEnd: keyEnd, keyEscaped: keyEscaped})
	k := kindNone
	var err error
	switch c := d.data[d.pos]; {
	case c == '"':
		k = kindString
		var start, end uint32
		var escaped bool
		if start, end, escaped, err = d.str(at); err == nil {
			n := &d.nodes[at]
			n.start, n.end, n.escaped, n.kind, n.next = start, end, escaped, k, uint32(at+1)
		}
		return err
	case c == '{':
		k, err = kindObject, d.container(at, depth, '}')
	case c == '[':
		k, err = kindArray, d.container(at, depth, ']')
	case c == '-' || c >= '0' && c <= '9':
		k, err = kindNumber, d.number(at)
	case c == 't':
		k, err = kindTrue, d.word(at, "true")
	case c == 'f':
		k, err = kindFalse, d.word(at, "false")
	case c == 'n':
		k, err = kindNull, d.word(at, "null")
	default:
		err = d.failAt(at, ingest.ReasonInvalidJSON, "a JSON value begins otherwise")
	}
	n := &d.nodes[at]
	n.kind, n.end, n.next = k, uint32(d.pos), uint32(len(d.nodes))
	return err
}

// container scans the members of an object or the elements of an array.
func (d *document) container(at, depth int, closing byte) error {
	if depth >= d.limits.Depth {
		return d.failAt(at, ingest.ReasonTooDeep, "the nesting is deeper than the limit")
	}
	d.nodes[at].kind = kindArray
	if closing == '}' {
		d.nodes[at].kind = kindObject
	}
	d.open = append(d.open, at)
	d.pos++
	d.space()
	if d.pos < len(d.data) && d.data[d.pos] == closing {
		d.pos++
		d.open = d.open[:len(d.open)-1]
		return nil
	}
	members := 0
	for {
		var keyStart, keyEnd uint32
		var escaped bool
		if d.pos == len(d.data) {
			return d.fail(ingest.ReasonInvalidJSON, "the input ends too early")
		}
		if closing == '}' {
			if d.data[d.pos] != '"' {
				return d.fail(ingest.ReasonInvalidJSON, "a member's name in quotes is expected")
			}
			var err error
			if keyStart, keyEnd, escaped, err = d.str(-1); err != nil {
				return err
			}
			if err := d.expect(':', "a colon is expected"); err != nil {
				return err
			}
		}
		if err := d.value(depth+1, keyStart, keyEnd, escaped); err != nil {
			return err
		}
		members++
		d.space()
		if d.pos < len(d.data) && d.data[d.pos] == closing {
			break
		}
		if err := d.expect(',', "a comma or the end of the list is expected"); err != nil {
			return err
		}
	}
	d.pos++
	if closing == '}' {
		if err := d.unique(at, members); err != nil {
			return err
		}
	}
	d.open = d.open[:len(d.open)-1]
	return nil
}

// expect steps over c and the whitespace around it, to the first byte of what has to follow.
func (d *document) expect(c byte, otherwise string) error {
	d.space()
	if d.pos == len(d.data) {
		return d.fail(ingest.ReasonInvalidJSON, "the input ends too early")
	}
	if d.data[d.pos] != c {
		return d.fail(ingest.ReasonInvalidJSON, otherwise)
	}
	d.pos++
	d.space()
	if d.pos == len(d.data) {
		return d.fail(ingest.ReasonInvalidJSON, "the input ends too early")
	}
	return nil
}

// unique refuses a name that stands twice in one object: two readers of it could see two different events.
func (d *document) unique(at, members int) error {
	if members < 2 {
		return nil
	}
	if members > 16 {
		return d.uniqueOfMany(at, members)
	}
	for i := at + 1; i < len(d.nodes); i = int(d.nodes[i].next) {
		a := &d.nodes[i]
		for j := int(a.next); j < len(d.nodes); j = int(d.nodes[j].next) {
			b := &d.nodes[j]
			if a.keyEnd-a.keyStart != b.keyEnd-b.keyStart && !a.keyEscaped && !b.keyEscaped {
				continue
			}
			if d.key(i) == d.key(j) {
				return d.failDuplicate(j)
			}
		}
	}
	return nil
}

func (d *document) uniqueOfMany(at, members int) error {
	seen := make(map[string]struct{}, members)
	for i := at + 1; i < len(d.nodes); i = int(d.nodes[i].next) {
		key := d.key(i)
		if _, twice := seen[key]; twice {
			return d.failDuplicate(i)
		}
		seen[key] = struct{}{}
	}
	return nil
}

func (d *document) failDuplicate(i int) error {
	err := d.failOffset(i, int(d.nodes[i].keyStart), ingest.ReasonDuplicateKey)
	err.Message = "the name stands twice in one object"
	return err
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// str scans a string from its opening quote to behind its closing one. It looks at eight bytes at a time for one that
// is special: a quote, a backslash, a control character or the beginning of something beyond ASCII.
func (d *document) str(at int) (start, end uint32, escaped bool, err error) {
	data, i := d.data, d.pos+1
	start = uint32(i)
	wide := false
	for {
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			q, b := w^(lowBits*'"'), w^(lowBits*'\\')
			special := ((q-lowBits)&^q | (b-lowBits)&^b | (w-lowBits*0x20)&^w | w) & highBits
			if special != 0 {
				i += bits.TrailingZeros64(special) >> 3
				break
			}
			i += 8
		}
		if i >= len(data) {
			d.pos = len(data)
			return 0, 0, false, d.failAt(at, ingest.ReasonInvalidJSON, "a string does not end")
		}
		switch c := data[i]; {
		case c == '"':
			if i-int(start) > d.limits.StringBytes {
				return 0, 0, false, d.failAt(at, ingest.ReasonTooLarge, "a string is longer than the limit")
			}
			if wide && !utf8.ValidString(d.text[start:i]) {
				return 0, 0, false, d.failAt(at, ingest.ReasonInvalidUTF8, "a string is not UTF-8")
			}
			d.pos = i + 1
			return start, uint32(i), escaped, nil
		case c == '\\':
			escaped = true
			n := escapeLength(data[i:])
			if n == 0 {
				d.pos = i
				return 0, 0, false, d.failAt(at, ingest.ReasonInvalidJSON, "a backslash begins no known escape")
			}
			i += n
		case c < 0x20:
			d.pos = i
			return 0, 0, false, d.failAt(at, ingest.ReasonInvalidJSON, "a control character stands in a string")
		default:
			wide = wide || c >= utf8.RuneSelf
			i++
		}
	}
}

// escapeLength is the length of the escape sequence that b begins with, 0 when it is none.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if c-'0' > 9 && c|0x20-'a' > 5 {
				return 0
			}
		}
		return 6
	}
	return 0
}

func (d *document) word(at int, word string) error {
	if len(d.text)-d.pos < len(word) || d.text[d.pos:d.pos+len(word)] != word {
		return d.failAt(at, ingest.ReasonInvalidJSON, "a JSON value begins otherwise")
	}
	d.pos += len(word)
	return nil
}

// number scans the grammar of RFC 8259 section 6.
func (d *document) number(at int) error {
	i, data := d.pos, d.data
	digits := func() bool {
		from := i
		for i < len(data) && data[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if data[i] == '-' {
		i++
	}
	ok := false
	if i < len(data) && data[i] == '0' {
		i++
		ok = true
	} else {
		ok = digits()
	}
	if ok && i < len(data) && data[i] == '.' {
		i++
		ok = digits()
	}
	if ok && i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		ok = digits()
	}
	d.pos = i
	if !ok {
		return d.failAt(at, ingest.ReasonInvalidJSON, "a number is not written as JSON writes it")
	}
	return nil
}
