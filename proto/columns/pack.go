package columns

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// How a column is told.
const (
	modeConstant = iota // the value
	modeRef             // which other column, and what stands before and after it
	modeFixed           // equal lengths: which bytes never change, and the others in the bits of their alphabet
	modeSet             // few values: them, and an index each
	modeAlpha           // any length: common prefix, length and bytes in the bits of their alphabet
	modePlain           // each with its length, in the text
)

const (
	// textBits is what a byte of the text costs about, once it is compressed.
	textBits = 5
	// longEnough is how long a value must be for a reference to pay even when nothing else repeats, and for one to be
	// looked for within another.
	longEnough = 6
	// typicalValues of an event: 40 normalised, 45 in its original.
	typicalValues = 48
)

// Packed is a packed table: text, to be compressed, and bits, which hold no redundancy any more.
type Packed struct {
	Text, Bits []byte
}

// Table holds records taken apart.
type Table struct {
	shapes  []shape
	records []record
	values  [][]byte
}

type shape struct {
	program []byte
	width   int
	members []int
}

type record struct{ shape, from int }

func (t *Table) row(i int) []([]byte) {
	r := t.records[i]
	return t.values[r.from : r.from+t.shapes[r.shape].width]
}

// Read takes records apart.
func Read(records [][]byte, s *Schema) *Table {
	t := &Table{records: make([]record, len(records))}
	found := map[string]int{}
	l := lexer{values: make([][]byte, 0, typicalValues*len(records))}
	for i, r := range records {
		from := len(l.values)
		l.take(r, s)
		at, ok := found[string(l.program)]
		if !ok {
			at = len(t.shapes)
			t.shapes = append(t.shapes, shape{program: bytes.Clone(l.program), width: len(l.values) - from})
			found[string(l.program)] = at
		}
		t.shapes[at].members = append(t.shapes[at].members, i)
		t.records[i] = record{at, from}
	}
	t.values = l.values
	return t
}

// packer writes a table.
type packer struct {
	t      *Table
	beside *Table
	text   []byte
	bits   bitWriter
	// column under work, and what was measured of it.
	column [][]byte
}

// Pack packs the table. beside, when given, has a record for each of this one's, and will be there to unpack with.
func (t *Table) Pack(beside *Table) Packed {
	p := packer{t: t, beside: beside}
	p.text = binary.AppendUvarint(p.text, uint64(len(t.shapes)))
	for _, s := range t.shapes {
		p.text = appendBytes(p.text, s.program)
	}
	if width := bits.Len(uint(len(t.shapes) - 1)); len(t.shapes) > 1 {
		for _, r := range t.records {
			p.bits.write(uint64(r.shape), width)
		}
	}
	for i := range t.shapes {
		for c := range t.shapes[i].width {
			p.pack(&t.shapes[i], c)
		}
	}
	return Packed{Text: p.text, Bits: p.bits.bytes()}
}

func appendBytes(to, b []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(b))), b...)
}

func (p *packer) pack(s *shape, c int) {
	p.column = p.column[:0]
	for _, m := range s.members {
		p.column = append(p.column, p.t.values[p.t.records[m].from+c])
	}
	first := p.column[0]
	constant := true
	for _, v := range p.column[1:] {
		if !bytes.Equal(v, first) {
			constant = false
			break
		}
	}
	if (!constant || len(first) >= longEnough) && p.packRef(s, c) {
		return
	}
	if constant {
		p.text = appendBytes(append(p.text, modeConstant), first)
		return
	}
	p.packCheapest()
}

// candidate returns the value that a reference means, for a member of the shape.
func (p *packer) candidate(member, ref int) ([]byte, bool) {
	if ref&1 == 0 {
		return p.t.values[p.t.records[member].from+ref>>1], true
	}
	if row := p.beside.row(member); ref>>1 < len(row) {
		return row[ref>>1], true
	}
	return nil, false
}

// packRef tells the column by another one, if there is one that fits every record.
func (p *packer) packRef(s *shape, c int) bool {
	first := p.column[0]
	if len(first) == 0 {
		return false
	}
	lone := len(p.column) == 1
	best, bestLen := -1, 0
	consider := func(ref int, v []byte) bool {
		if len(v) == len(first) && bytes.Equal(v, first) && p.fits(s, ref, 0, 0) {
			best, bestLen = ref, len(v)
			return true
		}
		if len(v) > bestLen && len(v) < len(first) && len(v) >= 3 && (!lone || len(v) >= longEnough) && bytes.Contains(first, v) {
			if at := bytes.Index(first, v); p.fits(s, ref, at, len(first)-at-len(v)) {
				best, bestLen = ref, len(v)
			}
		}
		return false
	}
	p.search(s, c, consider)
	if best < 0 {
		return false
	}
	v, _ := p.candidate(s.members[0], best)
	at := bytes.Index(first, v)
	p.text = binary.AppendUvarint(append(p.text, modeRef), uint64(best))
	p.text = appendBytes(p.text, first[:at])
	p.text = appendBytes(p.text, first[at+len(v):])
	return true
}

// search offers every value that a reference could mean, until one is taken.
func (p *packer) search(s *shape, c int, consider func(ref int, v []byte) bool) {
	member := s.members[0]
	if p.beside != nil {
		for k, v := range p.beside.row(member) {
			if consider(2*k+1, v) {
				return
			}
		}
	}
	from := p.t.records[member].from
	for k := range c {
		if consider(2*k, p.t.values[from+k]) {
			return
		}
	}
}

// fits reports whether every value of the column is the referred one between before and after bytes of the first.
func (p *packer) fits(s *shape, ref, before, after int) bool {
	first := p.column[0]
	for i, v := range p.column {
		w, ok := p.candidate(s.members[i], ref)
		if !ok || len(v) != before+len(w)+after || !bytes.Equal(v[:before], first[:before]) ||
			!bytes.Equal(v[before:before+len(w)], w) || !bytes.Equal(v[before+len(w):], first[len(first)-after:]) {
			return false
		}
	}
	return true
}

// packCheapest tells a column that changes, in the way that takes the fewest bits.
func (p *packer) packCheapest() {
	m := measure(p.column)
	plain := textBits * (m.total + m.n)
	fixed, set, alpha := m.fixedBits(), m.setBits(), m.alphaBits()
	switch min(plain, fixed, set, alpha) {
	case set:
		p.packSet(m)
	case fixed:
		p.packFixed(m)
	case alpha:
		p.packAlpha(m)
	default:
		p.text = append(p.text, modePlain)
		for _, v := range p.column {
			p.text = appendBytes(p.text, v)
		}
	}
}

func (p *packer) packSet(m *measured) {
	p.text = binary.AppendUvarint(append(p.text, modeSet), uint64(len(m.set)))
	for _, v := range m.set {
		p.text = appendBytes(p.text, v)
	}
	width := bits.Len(uint(len(m.set) - 1))
	for _, v := range p.column {
		p.bits.write(uint64(m.index[string(v)]), width)
	}
}

func (p *packer) packFixed(m *measured) {
	first := p.column[0]
	p.text = binary.AppendUvarint(append(p.text, modeFixed), uint64(len(first)))
	mask := make([]byte, (len(first)+7)/8)
	for i, varies := range m.varies {
		if varies {
			mask[i/8] |= 1 << (i % 8)
		}
	}
	p.text = append(p.text, mask...)
	for i, varies := range m.varies {
		if !varies {
			p.text = append(p.text, first[i])
		}
	}
	symbols, width := m.alphabet(m.seenFixed)
	p.alphabet(symbols)
	for _, v := range p.column {
		for i, varies := range m.varies {
			if varies {
				p.bits.write(uint64(symbols.code[v[i]]), width)
			}
		}
	}
}

func (p *packer) packAlpha(m *measured) {
	p.text = appendBytes(append(p.text, modeAlpha), p.column[0][:m.prefix])
	p.text = binary.AppendUvarint(p.text, uint64(m.shortest-m.prefix))
	lengths := bits.Len(uint(m.longest - m.shortest))
	p.text = append(p.text, byte(lengths))
	symbols, width := m.alphabet(m.seenAlpha)
	p.alphabet(symbols)
	for _, v := range p.column {
		p.bits.write(uint64(len(v)-m.shortest), lengths)
		for _, b := range v[m.prefix:] {
			p.bits.write(uint64(symbols.code[b]), width)
		}
	}
}

// alphabet writes the symbols; none stands for all 256.
func (p *packer) alphabet(s *alphabet) {
	if s.n > maxAlphabet {
		p.text = append(p.text, 0)
		return
	}
	p.text = append(p.text, byte(s.n))
	for b := range 256 {
		if s.has[b] {
			p.text = append(p.text, byte(b))
		}
	}
}

// Select returns the table of some of the records, to pack or unpack others beside them.
func (t *Table) Select(records []uint32) *Table {
	out := &Table{shapes: t.shapes, values: t.values, records: make([]record, len(records))}
	for i, r := range records {
		out.records[i] = t.records[r]
	}
	return out
}
