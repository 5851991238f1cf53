package columns

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
	"unicode/utf8"
)

// maxAlphabet is the largest alphabet that is written out; beyond, a byte takes 8 bits.
const maxAlphabet = 64

// maxSet is the largest set of values that is written out.
const maxSet = 256

// sketch has a bit for each pair of bytes that a value holds. A value whose sketch has a bit that another's lacks does not
// stand within the other one: most are told apart without reading them again.
type sketch uint64

func sketchOf(v []byte) (s sketch) {
	for i := 1; i < len(v); i++ {
		s |= 1 << ((v[i-1]*29 + v[i]*7) & 63)
	}
	return s
}

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) has(b byte) bool { return s[b>>6]>>(b&63)&1 == 1 }

// with is the set of what is in either.
func (s *byteSet) with(other byteSet) byteSet {
	for i := range other {
		other[i] |= s[i]
	}
	return other
}

func (s *byteSet) len() int {
	return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) + bits.OnesCount64(s[2]) + bits.OnesCount64(s[3])
}

// width is how many bits it takes to number the bytes of the set.
func (s *byteSet) width() int {
	n := s.len()
	if n > maxAlphabet {
		return 8
	}
	return bits.Len(uint(max(0, n-1)))
}

// measured is what the ways of telling a column depend on. It is used for one column after the other.
type measured struct {
	n, total          int
	binary            bool // the first value is no text
	shortest, longest int
	prefix            int
	seenFixed         byteSet
	seenAlpha         byteSet
	// Of equal lengths: the bits in which the bytes at each place differ, and the places where any do.
	equal   bool
	varies  []byte
	varying []int
	// Distinct values, none when there are too many, and the index of each row's value among them.
	set      []span
	setTotal int
	index    []uint16
	finder   setFinder
}

// measure measures a column, spans of data.
func (m *measured) measure(data []byte, column []span) {
	first := column[0].of(data)
	m.n, m.total, m.shortest, m.longest, m.prefix = len(column), 0, len(first), len(first), len(first)
	m.seenFixed, m.seenAlpha, m.binary = byteSet{}, byteSet{}, !utf8.Valid(first)
	for _, at := range column {
		v := at.of(data)
		m.total += len(v)
		m.shortest, m.longest = min(m.shortest, len(v)), max(m.longest, len(v))
		m.prefix = min(m.prefix, len(v))
		for i := range m.prefix {
			if v[i] != first[i] {
				m.prefix = i
				break
			}
		}
	}
	m.measureSet(data, column)
	if m.equal = m.shortest == m.longest; m.equal {
		m.measureFixed(data, column)
		return
	}
	var even, odd byteSet // two, because a byte that is added waits for the one before it
	for _, at := range column {
		v := at.of(data)[m.prefix:]
		for ; len(v) > 1; v = v[2:] {
			even.add(v[0])
			odd.add(v[1])
		}
		if len(v) > 0 {
			even.add(v[0])
		}
	}
	m.seenAlpha = even.with(odd)
}

func (m *measured) measureSet(data []byte, column []span) {
	m.set, m.index, m.setTotal = m.set[:0], m.index[:0], 0
	m.finder.reset()
	limit := min(maxSet, len(column)/2+1)
	for _, v := range column {
		i, found := m.finder.find(data, m.set, v)
		if !found {
			if len(m.set) == limit {
				m.set = m.set[:0]
				return
			}
			m.set = append(m.set, v)
			m.setTotal += v.size() + 1
		}
		m.index = append(m.index, i)
	}
}

func (m *measured) measureFixed(data []byte, column []span) {
	first := column[0].of(data)
	m.varies, m.varying = append(m.varies[:0], make([]byte, len(first))...), m.varying[:0]
	for _, at := range column[1:] {
		v, i := at.of(data), m.prefix
		for ; i+8 <= len(first) && i+8 <= len(v); i += 8 {
			diff := binary.LittleEndian.Uint64(v[i:]) ^ binary.LittleEndian.Uint64(first[i:])
			binary.LittleEndian.PutUint64(m.varies[i:], binary.LittleEndian.Uint64(m.varies[i:])|diff)
		}
		for ; i < len(first); i++ {
			m.varies[i] |= v[i] ^ first[i]
		}
	}
	var same byteSet
	for i, diff := range m.varies {
		switch {
		case diff != 0:
			m.varying = append(m.varying, i)
		case i >= m.prefix:
			same.add(first[i])
		}
	}
	var even, odd byteSet
	for _, at := range column {
		v := at.of(data)
		places := m.varying
		for ; len(places) > 1; places = places[2:] {
			even.add(v[places[0]])
			odd.add(v[places[1]])
		}
		if len(places) > 0 {
			even.add(v[places[0]])
		}
	}
	m.seenFixed = even.with(odd)
	m.seenAlpha = m.seenFixed.with(same)
}

// never is a cost that nothing costs.
const never = math.MaxInt

func (m *measured) plainBits() int {
	if m.binary {
		return binaryBits * (m.total + m.n)
	}
	return textBits * (m.total + m.n)
}

func (m *measured) fixedBits() int {
	if !m.equal {
		return never
	}
	width := m.seenFixed.width()
	return m.n*len(m.varying)*width + len(m.varies) + textBits*(len(m.varies)-len(m.varying)+width)
}

func (m *measured) setBits() int {
	if len(m.set) == 0 {
		return never
	}
	return m.n*bits.Len(uint(len(m.set)-1)) + textBits*m.setTotal
}

func (m *measured) alphaBits() int {
	width := m.seenAlpha.width()
	return m.n*bits.Len(uint(m.longest-m.shortest)) + width*(m.total-m.n*m.prefix) + textBits*(m.prefix+width)
}

// setFinder finds values among few: a table with open addressing, at most half full.
type setFinder struct {
	seed  maphash.Seed
	slots [4 * maxSet]uint16 // index + 1
}

func (f *setFinder) reset() {
	if f.seed == (maphash.Seed{}) {
		f.seed = maphash.MakeSeed()
	}
	clear(f.slots[:])
}

// find returns where v stands in set, or takes note that it will be appended. What is written does not depend on the seed.
func (f *setFinder) find(data []byte, set []span, value span) (index uint16, found bool) {
	v := value.of(data)
	for at := maphash.Bytes(f.seed, v); ; at++ {
		slot := &f.slots[at%uint64(len(f.slots))]
		if *slot == 0 {
			*slot = uint16(len(set) + 1)
			return uint16(len(set)), false
		}
		if string(set[*slot-1].of(data)) == string(v) {
			return *slot - 1, true
		}
	}
}
