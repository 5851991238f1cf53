package columns

import (
	"bytes"
	"math/bits"
)

// start prepares the search for a shape's references.
func (p *packer) start(s *shape) {
	p.next, p.budget, p.sketched = 0, leastSearch, false
	p.rows, p.besideRows = p.t.rowsOf(p.rows[:0], s.members), p.besideRows[:0]
	beside := []byte(nil)
	if p.beside != nil {
		p.besideRows = p.beside.rowsOf(p.besideRows, s.members)
		beside = p.beside.shapes[p.beside.records[s.members[0]].shape].program
	}
	for c := range s.width {
		p.budget += searchFactor * p.t.spans[p.rows[0].from+c].size()
	}
	p.hint = p.learned.of(s, beside)
}

// sketch sketches the values of the shape's first member, and what stands beside them.
func (p *packer) sketch(s *shape) {
	if p.sketched {
		return
	}
	first := s.members[0]
	p.sketched, p.besides, p.own = true, p.besides[:0], p.own[:0]
	if p.beside != nil {
		for c := range p.beside.spansOf(first) {
			p.besides = append(p.besides, sketchOf(p.beside.at(first, c)))
		}
	}
	for c := range s.width {
		p.own = append(p.own, sketchOf(p.t.at(first, c)))
	}
}

// candidate returns the value that a reference means, for member i of the shape.
func (p *packer) candidate(i, ref int) ([]byte, bool) {
	t, row := p.t, p.rows
	if ref&1 == 1 {
		t, row = p.beside, p.besideRows
	}
	if ref>>1 >= row[i].width {
		return nil, false
	}
	return t.spans[row[i].from+ref>>1].of(t.data), true
}

// packRef tells the column by another one, if there is one that fits every record: an equal one, else the longest within.
func (p *packer) packRef(s *shape, c int) bool {
	if p.column[0].size() == 0 {
		return false
	}
	shortest := shortestWithin
	if len(p.column) == 1 {
		shortest = longEnough
	}
	ref, known := p.hint.at(c)
	if known && ref >= 0 {
		known = p.holds(ref, c, shortest)
	}
	if !known {
		ref = p.find(s, c, shortest)
		p.hint.put(c, ref)
	}
	if ref < 0 {
		return false
	}
	first := p.value(0)
	v, _ := p.candidate(0, ref)
	if len(v) == len(first) {
		p.mode(modeSame)
		p.reference(ref, c)
		return true
	}
	at := bytes.Index(first, v)
	p.mode(modeWithin)
	p.reference(ref, c)
	p.bytes(first[:at])
	p.bytes(first[at+len(v):])
	return true
}

// holds reports whether a reference that was found in another table holds in this one, too.
func (p *packer) holds(ref, c, shortest int) bool {
	if ref&1 == 1 && p.beside == nil || ref&1 == 0 && ref>>1 >= c {
		return false
	}
	first := p.value(0)
	v, ok := p.candidate(0, ref)
	if !ok || len(v) != len(first) && len(v) < shortest {
		return false
	}
	at := bytes.Index(first, v)
	return at >= 0 && p.fits(ref, at, len(first)-at-len(v))
}

// find searches for what column c can refer to; -1 for nothing.
func (p *packer) find(s *shape, c, shortest int) int {
	p.sketch(s)
	f := finder{packer: p, first: p.value(0), sketch: p.own[c], best: -1, shortest: shortest}
	member, found := s.members[0], false
	if p.beside != nil {
		found = f.search(1, p.beside.spansOf(member), p.besides)
	}
	if !found {
		f.search(0, p.t.spansOf(member)[:c], p.own)
	}
	return f.best
}

// reference writes a reference of column c: how many columns back, or how far from the one that would come next beside.
func (p *packer) reference(ref, c int) {
	if ref&1 == 0 {
		p.number((c - ref>>1) << 1)
		return
	}
	step := ref>>1 - p.next
	p.next = ref>>1 + 1
	p.number((step<<1^step>>(bits.UintSize-1))<<1 | 1)
}

// finder finds what a column can refer to.
type finder struct {
	*packer
	first  []byte
	sketch sketch
	// shortest is the length from which a value within another one is worth a reference.
	shortest int
	// best is the reference found, -1 for none, and bestLen how much of the first value it covers.
	best, bestLen int
}

// search looks through the first member's values, and ends when one equals the column. side is a reference's lowest bit.
func (f *finder) search(side int, spans []span, sketches []sketch) bool {
	data := f.t.data
	if side == 1 {
		data = f.beside.data
	}
	for k, at := range spans {
		size := at.size()
		switch {
		case sketches[k]&^f.sketch != 0, size > len(f.first), f.budget < len(f.first):
		case size == len(f.first):
			f.budget -= size
			if bytes.Equal(data[at.from:at.to], f.first) && f.fits(2*k+side, 0, 0) {
				f.best, f.bestLen = 2*k+side, size
				return true
			}
		case size > f.bestLen && size >= f.shortest:
			f.budget -= len(f.first)
			if at := bytes.Index(f.first, data[at.from:at.to]); at >= 0 && f.fits(2*k+side, at, len(f.first)-at-size) {
				f.best, f.bestLen = 2*k+side, size
			}
		}
	}
	return false
}

// fits reports whether every value of the column is the referred one between before and after bytes of the first.
func (p *packer) fits(ref, before, after int) bool {
	if before == 0 && after == 0 {
		return p.same(ref)
	}
	first := p.value(0)
	for i, at := range p.column[1:] {
		v := at.of(p.data)
		w, ok := p.candidate(i+1, ref)
		if !ok || len(v) != before+len(w)+after || !bytes.Equal(v[:before], first[:before]) ||
			!bytes.Equal(v[before:before+len(w)], w) || !bytes.Equal(v[before+len(w):], first[len(first)-after:]) {
			return false
		}
	}
	return true
}

// same is fits of nothing before and nothing after.
func (p *packer) same(ref int) bool {
	t, rows := p.t, p.rows
	if ref&1 == 1 {
		t, rows = p.beside, p.besideRows
	}
	for i, at := range p.column[1:] {
		row := rows[i+1]
		if ref>>1 >= row.width {
			return false
		}
		w := t.spans[row.from+ref>>1]
		if at.size() != w.size() || string(at.of(p.data)) != string(w.of(t.data)) {
			return false
		}
	}
	return true
}
