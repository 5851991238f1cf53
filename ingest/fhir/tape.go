package fhir

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

// none stands for "there is no such value".
const none = -1

// key is the name of a member.
func (d *document) key(i int) string {
	n := &d.nodes[i]
	raw := d.text[n.keyStart:n.keyEnd]
	if n.keyEscaped {
		return unescape(raw)
	}
	return raw
}

// first is the index of an object's first member or an array's first element; compare with end.
func (d *document) first(i int) int { return i + 1 }

// end is the index behind a value and everything in it.
func (d *document) end(i int) int { return int(d.nodes[i].next) }

// kindOf is the kind of value i; kindNone for none.
func (d *document) kindOf(i int) kind {
	if i < 0 {
		return kindNone
	}
	return d.nodes[i].kind
}

// get returns a member of an object by name, or none. Anything that is no object has no members.
func (d *document) get(i int, name string) int {
	if d.kindOf(i) != kindObject {
		return none
	}
	for j, end := d.first(i), d.end(i); j < end; j = d.end(j) {
		if d.key(j) == name {
			return j
		}
	}
	return none
}

// str is the text of a string; "" for everything else.
func (d *document) stringAt(i int) string {
	if d.kindOf(i) != kindString {
		return ""
	}
	n := &d.nodes[i]
	raw := d.text[n.start:n.end]
	if n.escaped {
		return unescape(raw)
	}
	return raw
}

// scalar is the text of a string, a number or a boolean; "" for everything else. Codes come as numbers, too.
func (d *document) scalar(i int) string {
	switch d.kindOf(i) {
	case kindString:
		return d.stringAt(i)
	case kindNumber, kindTrue, kindFalse:
		return d.text[d.nodes[i].start:d.nodes[i].end]
	}
	return ""
}

// field is the text of a member of an object.
func (d *document) field(i int, name string) string { return d.stringAt(d.get(i, name)) }

// items calls f for each element of an array, or for the value itself where a sender left the brackets out.
func (d *document) items(i int, f func(item int)) {
	switch d.kindOf(i) {
	case kindArray:
		for j, end := d.first(i), d.end(i); j < end; j = d.end(j) {
			f(j)
		}
	case kindNone, kindNull:
	default:
		f(i)
	}
}

// count is how many items there are for items.
func (d *document) count(i int) int {
	n := 0
	d.items(i, func(int) { n++ })
	return n
}

// raw is the value as it stands in the data.
func (d *document) raw(i int) []byte {
	n := &d.nodes[i]
	if n.kind == kindString {
		return d.data[n.start-1 : n.end+1]
	}
	return d.data[n.start:n.end]
}

// appendResource appends value i without whitespace and without the narratives ("text" beside a "resourceType").
func (d *document) appendResource(out []byte, i int) []byte {
	n := &d.nodes[i]
	switch n.kind {
	case kindObject:
		resource := d.get(i, "resourceType") != none
		out = append(out, '{')
		for j, end := d.first(i), d.end(i); j < end; j = d.end(j) {
			if resource && d.key(j) == "text" {
				continue
			}
			if out[len(out)-1] != '{' {
				out = append(out, ',')
			}
			m := &d.nodes[j]
			out = append(out, d.data[m.keyStart-1:m.keyEnd+1]...)
			out = append(out, ':')
			out = d.appendResource(out, j)
		}
		return append(out, '}')
	case kindArray:
		out = append(out, '[')
		for j, end := d.first(i), d.end(i); j < end; j = d.end(j) {
			if j != d.first(i) {
				out = append(out, ',')
			}
			out = d.appendResource(out, j)
		}
		return append(out, ']')
	}
	return append(out, d.raw(i)...)
}

// fail makes the error for the current position, inside the innermost open value.
func (d *document) fail(reason, message string) *ingest.DecodeError {
	return d.failAt(none, reason, message)
}

// failAt makes the error for value at, which is being scanned; none: the innermost open value.
func (d *document) failAt(at int, reason, message string) *ingest.DecodeError {
	err := d.failOffset(at, d.pos, reason)
	err.Message = message
	return err
}

func (d *document) failOffset(at, offset int, reason string) *ingest.DecodeError {
	offset = min(offset, len(d.data))
	before := d.data[:offset]
	err := &ingest.DecodeError{Reason: reason, Line: bytes.Count(before, []byte{'\n'}) + 1}
	err.Column = offset - bytes.LastIndexByte(before, '\n')
	var path strings.Builder
	path.WriteString(d.rootName())
	for n, i := range d.open {
		child := at
		if n+1 < len(d.open) {
			child = d.open[n+1]
		}
		if child <= i {
			break
		}
		if d.nodes[i].kind == kindArray {
			index := 0
			for j := d.first(i); j < child; j = int(d.nodes[j].next) {
				index++
			}
			path.WriteString("[" + strconv.Itoa(index) + "]")
			continue
		}
		path.WriteString("." + safeName(d.key(child)))
	}
	err.Element = path.String()
	return err
}

// rootName is the resource type when it was read already, so that paths begin as FHIRPath does.
func (d *document) rootName() string {
	if len(d.nodes) > 0 && d.nodes[0].kind == kindObject {
		for j := 1; j < len(d.nodes) && d.nodes[j].next > uint32(j); j = int(d.nodes[j].next) {
			if d.key(j) == "resourceType" && d.nodes[j].kind == kindString {
				return safeName(d.stringAt(j))
			}
		}
	}
	return "$this"
}

// safeName keeps a name that a sender chose only if it looks like one of FHIR's: anything else could hold a value.
func safeName(name string) string {
	if name == "" || len(name) > 64 {
		return "?"
	}
	for i := range len(name) {
		c := name[i]
		if c|0x20-'a' > 25 && c != '_' && (i == 0 || c-'0' > 9) {
			return "?"
		}
	}
	return name
}

// unescape turns the bytes between a string's quotes into its text. Half a surrogate pair becomes U+FFFD, as
// encoding/json has it. The input was scanned, so every escape is complete.
func unescape(raw string) string {
	i := strings.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i >= 0 {
		out = append(out, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(raw)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				low := rune(utf8.RuneError)
				if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
					low = hex4(raw[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					raw = raw[6:]
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
		i = strings.IndexByte(raw, '\\')
	}
	return string(append(out, raw...))
}

func hex4(s string) rune {
	var r rune
	for i := range 4 {
		c := s[i]
		if c <= '9' {
			r = r<<4 | rune(c-'0')
		} else {
			r = r<<4 | rune(c|0x20-'a'+10)
		}
	}
	return r
}

// quote writes a string as JSON.
func quote(s string) string {
	out, err := json.Marshal(s)
	if err != nil {
		// A string always has a JSON form.
		return `""`
	}
	return string(out)
}

// hashOf is a short hash of content in hexadecimal.
func hashOf(content []byte) string {
	sum := proto.HashContent(content)
	return hex.EncodeToString(sum[:])
}
