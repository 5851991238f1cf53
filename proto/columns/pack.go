package columns

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
	"sync"
	"unicode/utf8"
)

// How a column is told.
const (
	modeConstant = iota // the value
	modeSame            // which other column it equals
	modeWithin          // which other column, and what stands before and after it
	modeFixed           // equal lengths: which bytes never change, and the others in the bits of their alphabet
	modeSet             // few values: them, and an index each
	modeAlpha           // any length: common prefix, length and bytes in the bits of their alphabet
	modePlain           // each with its length, in the text
)

const (
	// textBits is what a byte of the text costs about, once it is compressed; binaryBits, one that is no text.
	textBits, binaryBits = 5, 8
	// longEnough is how long a value must be for a reference to pay even when nothing else repeats, and for one to be
	// looked for within another.
	longEnough = 6
	// shortestWithin is how long a value within another one must be when it saves something in several records.
	shortestWithin = 3
	// searchFactor times the size of a record, and leastSearch bytes, are compared at most in the search for references: a
	// record of thousands of values that resemble each other would take seconds else.
	searchFactor, leastSearch = 64, 64 << 10
	// typicalValues of an event: 40 normalised, 45 in its original.
	typicalValues = 48
)

// Packed is a packed table: text, to be compressed, and bits, which hold no redundancy any more. The text begins with the
// length of its first half, which says how columns are told; the second half is what they are told with. Apart, each half
// repeats itself from shape to shape.
type Packed struct {
	Text, Bits []byte

	packer *packer
}

// Release gives the memory of what Pack made to later tables. Nobody may use it any more.
func (p Packed) Release() {
	if p.packer != nil {
		sparePackers.Put(p.packer)
	}
}

// Table holds records taken apart.
type Table struct {
	shapes  []shape
	records []record
	// Values of what was read stand at spans of data; those of what was unpacked are values.
	data   []byte
	spans  []span
	values [][]byte

	reader *reader // whose memory it is
}

type shape struct {
	program []byte
	width   int
	members []int
	// next is the shape, by its number plus one, whose program has the same hash.
	next int
}

type record struct{ shape, from int }

// row is the values of an unpacked record.
func (t *Table) row(i int) [][]byte {
	r := t.records[i]
	return t.values[r.from : r.from+t.shapes[r.shape].width]
}

// spansOf is where the values of a record stand that was read.
func (t *Table) spansOf(i int) []span {
	r := t.records[i]
	return t.spans[r.from : r.from+t.shapes[r.shape].width]
}

// at is value c of a record that was read.
func (t *Table) at(i, c int) []byte {
	s := t.spans[t.records[i].from+c]
	return t.data[s.from:s.to]
}

// Read takes records apart.
func Read(records [][]byte, s *Schema) *Table {
	r, ok := spareReaders.Get().(*reader)
	if !ok {
		r = &reader{seed: maphash.MakeSeed(), found: map[uint64]int{}}
	}
	t := &Table{shapes: r.shapes[:0], records: r.records[:0], reader: r}
	size := 0
	for _, record := range records {
		size += len(record)
	}
	r.lexer.data = slices.Grow(r.lexer.data[:0], size+size/8) // with room for what is decoded
	r.lexer.values = slices.Grow(r.lexer.values[:0], typicalValues*len(records))
	for i, record := range records {
		t.records = append(t.records, r.take(t, record, i, s))
	}
	t.data, t.spans = r.lexer.data, r.lexer.values
	r.shapes, r.records = t.shapes, t.records
	clear(r.found)
	return t
}

// reader makes tables, one after the other, in the memory of those that are done with.
type reader struct {
	lexer   lexer
	seed    maphash.Seed
	found   map[uint64]int // the last shape, by its number plus one, whose program has this hash
	shapes  []shape
	records []record
}

// take takes record i apart, which is of a shape that the table has, or of a new one.
func (r *reader) take(t *Table, data []byte, i int, s *Schema) record {
	l := &r.lexer
	from := len(l.values)
	l.take(data, s)
	hash := maphash.Bytes(r.seed, l.program)
	last := r.found[hash]
	at := last - 1
	for at >= 0 && !bytes.Equal(t.shapes[at].program, l.program) {
		at = t.shapes[at].next - 1
	}
	if at < 0 {
		at = len(t.shapes)
		t.shapes = addShape(t.shapes)
		one := &t.shapes[at]
		one.program, one.width, one.members, one.next = append(one.program[:0], l.program...), len(l.values)-from, one.members[:0], last
		r.found[hash] = at + 1
	}
	t.shapes[at].members = append(t.shapes[at].members, i)
	return record{at, from}
}

// addShape appends a shape that keeps the memory of the one that stood there before.
func addShape(shapes []shape) []shape {
	if len(shapes) < cap(shapes) {
		return shapes[:len(shapes)+1]
	}
	return append(shapes, shape{})
}

// spareReaders and sparePackers keep the memory of what is done with. They are caches: the garbage collector empties them.
var spareReaders, sparePackers sync.Pool

// Release gives the table's memory to later ones. Nobody may use the table, or one selected from it, any more.
func (t *Table) Release() {
	if r := t.reader; r != nil { // else it was unpacked, or selected from another one
		*t = Table{}
		spareReaders.Put(r)
	}
}

// packer writes a table.
type packer struct {
	t      *Table
	beside *Table
	layout []byte
	text   []byte
	whole  []byte // both
	bits   bitWriter
	// next is the value beside that a column refers to when it goes on where the last one did.
	next int
	// Where the values of each member of the shape under work begin, here and in the record beside.
	rows, besideRows []rowSpan
	// column is the column under work, spans of data; measured is what is measured of it.
	data     []byte
	column   []span
	measured measured
	// code numbers the bytes of the column's alphabet.
	code [256]uint8
	// budget is how many bytes may still be compared in the search for the shape's references.
	budget int
	// besides and own are sketches of what a reference can mean: the values of the shape's first member. They are made when the shape's first
	// search begins.
	besides, own []sketch
	sketched     bool
	// learned is where references were found in tables before, and hint is that of the shape under work.
	learned hints
	hint    *hint
}

// Pack packs the table. beside, when given, has a record for each of this one's, and will be there to unpack with.
func (t *Table) Pack(beside *Table) Packed {
	p, ok := sparePackers.Get().(*packer)
	if !ok {
		p = &packer{}
	}
	return p.table(t, beside)
}

func (p *packer) table(t, beside *Table) Packed {
	p.begin(t, beside)
	defer p.end()
	p.number(len(t.shapes))
	for _, s := range t.shapes {
		p.bytes(s.program)
	}
	if width := bits.Len(uint(len(t.shapes) - 1)); len(t.shapes) > 1 {
		for _, r := range t.records {
			p.bits.write(uint64(r.shape), width)
		}
	}
	for i := range t.shapes {
		p.start(&t.shapes[i])
		for c := range t.shapes[i].width {
			p.pack(&t.shapes[i], c)
		}
	}
	p.whole = append(append(binary.AppendUvarint(p.whole[:0], uint64(len(p.layout))), p.layout...), p.text...)
	return Packed{Text: p.whole, Bits: p.bits.bytes(), packer: p}
}

func (p *packer) begin(t, beside *Table) {
	p.t, p.beside, p.data = t, beside, t.data
	p.layout, p.text = p.layout[:0], p.text[:0]
	p.bits.reset()
}

// end lets go of the records, and of the patients in them.
func (p *packer) end() { p.t, p.beside, p.data = nil, nil, nil }

// rowSpan is where the values of a record begin among the spans of its table, and how many they are.
type rowSpan struct{ from, width int }

// rowsOf appends where the values of some records begin.
func (t *Table) rowsOf(to []rowSpan, records []int) []rowSpan {
	for _, i := range records {
		r := t.records[i]
		to = append(to, rowSpan{r.from, t.shapes[r.shape].width})
	}
	return to
}

// value is the value of member i in the column under work.
func (p *packer) value(i int) []byte { return p.column[i].of(p.data) }

// number and mode write to the layout; bytes writes their number there, and them to the text.
func (p *packer) number(n int)   { p.layout = binary.AppendUvarint(p.layout, uint64(n)) }
func (p *packer) mode(m byte)    { p.layout = append(p.layout, m) }
func (p *packer) bytes(b []byte) { p.number(len(b)); p.text = append(p.text, b...) }
func (p *packer) inline(b []byte) {
	p.text = append(binary.AppendUvarint(p.text, uint64(len(b))), b...)
}

func (p *packer) pack(s *shape, c int) {
	p.column = slices.Grow(p.column[:0], len(p.rows))[:len(p.rows)]
	for i, row := range p.rows {
		p.column[i] = p.t.spans[row.from+c]
	}
	first := p.value(0)
	constant := true
	for _, v := range p.column[1:] {
		if v.size() != len(first) || string(v.of(p.data)) != string(first) {
			constant = false
			break
		}
	}
	if (!constant || len(first) >= longEnough) && p.packRef(s, c) {
		return
	}
	switch {
	case len(p.column) == 1 && !utf8.Valid(first):
		p.packLoneBinary()
	case constant:
		p.mode(modeConstant)
		p.bytes(first)
	default:
		p.packCheapest()
	}
}

// packCheapest tells a column that changes, in the way that takes the fewest bits.
func (p *packer) packCheapest() {
	m := &p.measured
	m.measure(p.data, p.column)
	plain := m.plainBits()
	fixed, set, alpha := m.fixedBits(), m.setBits(), m.alphaBits()
	switch min(plain, fixed, set, alpha) {
	case set:
		p.packSet(m)
	case fixed:
		p.packFixed(m)
	case alpha:
		p.packAlpha(m)
	default:
		p.mode(modePlain)
		for _, v := range p.column {
			p.inline(v.of(p.data))
		}
	}
}

func (p *packer) packSet(m *measured) {
	p.mode(modeSet)
	p.number(len(m.set))
	for _, v := range m.set {
		p.inline(v.of(p.data))
	}
	width := bits.Len(uint(len(m.set) - 1))
	for _, i := range m.index {
		p.bits.write(uint64(i), width)
	}
}

func (p *packer) packFixed(m *measured) {
	first := p.value(0)
	p.mode(modeFixed)
	p.number(len(first))
	mask := len(p.layout)
	p.layout = append(p.layout, make([]byte, (len(first)+7)/8)...)
	for _, i := range m.varying {
		p.layout[mask+i/8] |= 1 << (i % 8)
	}
	for i, diff := range m.varies {
		if diff == 0 {
			p.text = append(p.text, first[i])
		}
	}
	width := p.alphabet(&m.seenFixed)
	for _, at := range p.column {
		v := at.of(p.data)
		for _, i := range m.varying {
			p.bits.write(uint64(p.code[v[i]]), width)
		}
	}
}

func (p *packer) packAlpha(m *measured) {
	p.mode(modeAlpha)
	p.bytes(p.value(0)[:m.prefix])
	p.number(m.shortest - m.prefix)
	lengths := bits.Len(uint(m.longest - m.shortest))
	p.number(lengths)
	width := p.alphabet(&m.seenAlpha)
	for _, at := range p.column {
		v := at.of(p.data)
		p.bits.write(uint64(len(v)-m.shortest), lengths)
		for _, b := range v[m.prefix:] {
			p.bits.write(uint64(p.code[b]), width)
		}
	}
}

// packLoneBinary keeps a value that is no text out of the text, whose compression it would spoil.
func (p *packer) packLoneBinary() {
	v := p.value(0)
	p.mode(modeAlpha)
	p.bytes(nil)
	p.number(len(v))
	p.number(0) // bits of a length
	p.number(0) // symbols: all
	for _, b := range v {
		p.bits.write(uint64(b), 8)
	}
}

// alphabet writes the symbols, none for all 256, numbers them in p.code and returns how many bits a number takes.
func (p *packer) alphabet(seen *byteSet) int {
	n := seen.len()
	if n > maxAlphabet {
		p.number(0)
		for b := range p.code {
			p.code[b] = uint8(b)
		}
		return seen.width()
	}
	p.number(n)
	next := uint8(0)
	for b := range 256 {
		if seen.has(byte(b)) {
			p.text = append(p.text, byte(b))
			p.code[b] = next
			next++
		}
	}
	return seen.width()
}

// Select returns the table of some of the records, to pack or unpack others beside them.
func (t *Table) Select(records []uint32) *Table {
	out := &Table{shapes: t.shapes, data: t.data, spans: t.spans, values: t.values, records: make([]record, len(records))}
	for i, r := range records {
		out.records[i] = t.records[r]
	}
	return out
}
