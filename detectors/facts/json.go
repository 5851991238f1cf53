package facts

import (
	"encoding/json"
	"iter"
	"strings"
)

// document is a JSON text, taken apart once: nodes in the order of the text, each knowing where its children end.
type document struct {
	text  string
	nodes []node
	pos   int32
}

type node struct {
	// keyStart and keyEnd delimit the member's name between its quotes; both 0 in lists.
	keyStart, keyEnd int32
	// start and end delimit the value; of a string what is between its quotes.
	start, end int32
	// next is the node behind this one and everything in it.
	next    int32
	kind    kind
	escaped bool
}

type kind uint8

const (
	kindNone kind = iota
	kindObject
	kindList
	kindString
	kindNumber
	kindTrue
	kindFalse
	kindNull
)

// none stands for "there is no such value".
const none = -1

// maxDepth bounds nesting: FHIR resources have a few levels.
const maxDepth = 64

// read takes a text apart and reports whether it is one JSON value. The document's memory is used again.
func (d *document) read(text string) bool {
	d.text, d.nodes, d.pos = text, d.nodes[:0], 0
	if len(text) > 1<<30 {
		return false
	}
	d.space()
	if !d.value(0, 0, 0) {
		return false
	}
	d.space()
	return int(d.pos) == len(text)
}

func (d *document) space() {
	for int(d.pos) < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *document) peek() byte {
	if int(d.pos) < len(d.text) {
		return d.text[d.pos]
	}
	return 0
}

func (d *document) value(keyStart, keyEnd int32, depth int) bool {
	if depth > maxDepth {
		return false
	}
	i := len(d.nodes)
	d.nodes = append(d.nodes, node{keyStart: keyStart, keyEnd: keyEnd, start: d.pos})
	ok, k, escaped := false, kindNone, false
	switch c := d.peek(); {
	case c == '{':
		k, ok = kindObject, d.object(depth)
	case c == '[':
		k, ok = kindList, d.list(depth)
	case c == '"':
		d.nodes[i].start++
		k = kindString
		escaped, ok = d.str()
	case c == 't':
		k, ok = kindTrue, d.word("true")
	case c == 'f':
		k, ok = kindFalse, d.word("false")
	case c == 'n':
		k, ok = kindNull, d.word("null")
	case c == '-' || c-'0' <= 9:
		k, ok = kindNumber, d.number()
	}
	n := &d.nodes[i]
	n.kind, n.escaped, n.end, n.next = k, escaped, d.pos, int32(len(d.nodes))
	if k == kindString {
		n.end--
	}
	return ok
}

func (d *document) word(w string) bool {
	if !strings.HasPrefix(d.text[d.pos:], w) {
		return false
	}
	d.pos += int32(len(w))
	return true
}

func (d *document) number() bool {
	start := d.pos
	for int(d.pos) < len(d.text) {
		switch c := d.text[d.pos]; {
		case c-'0' <= 9, c == '-', c == '+', c == '.', c == 'e', c == 'E':
			d.pos++
			continue
		}
		break
	}
	return json.Valid([]byte(d.text[start:d.pos]))
}

// str reads a string, the position at its first quote.
func (d *document) str() (escaped, ok bool) {
	begin := d.pos
	for i := int(begin) + 1; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			d.pos = int32(i + 1)
			return escaped, !escaped || json.Valid([]byte(d.text[begin:d.pos]))
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return false, false
		}
	}
	return false, false
}

func (d *document) object(depth int) bool {
	d.pos++
	d.space()
	if d.peek() == '}' {
		d.pos++
		return true
	}
	for {
		if d.peek() != '"' {
			return false
		}
		start := d.pos + 1
		if _, ok := d.str(); !ok {
			return false
		}
		end := d.pos - 1
		d.space()
		if d.peek() != ':' {
			return false
		}
		d.pos++
		d.space()
		if !d.value(start, end, depth+1) {
			return false
		}
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
			d.space()
		case '}':
			d.pos++
			return true
		default:
			return false
		}
	}
}

func (d *document) list(depth int) bool {
	d.pos++
	d.space()
	if d.peek() == ']' {
		d.pos++
		return true
	}
	for {
		if !d.value(0, 0, depth+1) {
			return false
		}
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
			d.space()
		case ']':
			d.pos++
			return true
		default:
			return false
		}
	}
}

func (d *document) kindOf(i int) kind {
	if i < 0 {
		return kindNone
	}
	return d.nodes[i].kind
}

func (d *document) key(i int) string { return d.text[d.nodes[i].keyStart:d.nodes[i].keyEnd] }

// get returns a member of an object by name, or none. Anything that is no object has no members.
func (d *document) get(i int, name string) int {
	if d.kindOf(i) != kindObject {
		return none
	}
	for j, end := int32(i+1), d.nodes[i].next; j < end; j = d.nodes[j].next {
		if d.key(int(j)) == name {
			return int(j)
		}
	}
	return none
}

// str is the text of a string; "" for everything else.
func (d *document) string(i int) string {
	if d.kindOf(i) != kindString {
		return ""
	}
	n := &d.nodes[i]
	if !n.escaped {
		return d.text[n.start:n.end]
	}
	var out string
	if err := json.Unmarshal([]byte(d.text[n.start-1:n.end+1]), &out); err != nil {
		return "" // read has checked it
	}
	return out
}

// scalar is the text of a string, a number or a boolean; "" for everything else.
func (d *document) scalar(i int) string {
	switch d.kindOf(i) {
	case kindNumber, kindTrue, kindFalse:
		return d.text[d.nodes[i].start:d.nodes[i].end]
	}
	return d.string(i)
}

// field is the text of a member of an object.
func (d *document) field(i int, name string) string { return d.string(d.get(i, name)) }

// items lists the elements of a list, or the value itself where a sender left the brackets out.
func (d *document) items(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		switch d.kindOf(i) {
		case kindNone, kindNull:
		case kindList:
			for j, end := int32(i+1), d.nodes[i].next; j < end; j = d.nodes[j].next {
				if !yield(int(j)) {
					return
				}
			}
		default:
			yield(i)
		}
	}
}

// walk lists what a path of member names leads to, through lists.
func (d *document) walk(i int, path ...string) iter.Seq[int] {
	return func(yield func(int) bool) { d.walkInto(i, path, yield) }
}

func (d *document) walkInto(i int, path []string, yield func(int) bool) bool {
	for j := range d.items(i) {
		if len(path) == 0 {
			if !yield(j) {
				return false
			}
			continue
		}
		if next := d.get(j, path[0]); next != none && !d.walkInto(next, path[1:], yield) {
			return false
		}
	}
	return true
}

// first is the first thing that a path leads to, or none.
func (d *document) first(i int, path ...string) int {
	for j := range d.walk(i, path...) {
		return j
	}
	return none
}
