package columns

import "math/bits"

// maxAlphabet is the largest alphabet that is written out; beyond, a byte takes 8 bits.
const maxAlphabet = 64

// maxSet is the largest set of values that is written out.
const maxSet = 256

// measured is what the ways of telling a column depend on.
type measured struct {
	n, total          int
	shortest, longest int
	prefix            int
	varies            []bool // of equal lengths: which bytes change
	seenFixed         [256]bool
	seenAlpha         [256]bool
	set               [][]byte // distinct values, nil when there are too many
	setTotal          int
	index             map[string]int
	varying           int
}

// alphabet numbers the bytes that occur.
type alphabet struct {
	has  *[256]bool
	code [256]uint8
	n    int
}

func measure(column [][]byte) *measured {
	first := column[0]
	m := &measured{n: len(column), shortest: len(first), longest: len(first), prefix: len(first), index: map[string]int{}}
	limit := min(maxSet, len(column)/2+1)
	for _, v := range column {
		m.total += len(v)
		m.shortest, m.longest = min(m.shortest, len(v)), max(m.longest, len(v))
		m.prefix = min(m.prefix, len(v))
		for i := range m.prefix {
			if v[i] != first[i] {
				m.prefix = i
				break
			}
		}
		if m.index != nil {
			if _, ok := m.index[string(v)]; !ok {
				m.index[string(v)] = len(m.set)
				m.set = append(m.set, v)
				m.setTotal += len(v) + 1
				if len(m.set) > limit {
					m.index, m.set = nil, nil
				}
			}
		}
	}
	for _, v := range column {
		for _, b := range v[m.prefix:] {
			m.seenAlpha[b] = true
		}
	}
	if m.shortest == m.longest {
		m.measureFixed(column)
	}
	return m
}

func (m *measured) measureFixed(column [][]byte) {
	first := column[0]
	m.varies = make([]bool, len(first))
	for _, v := range column[1:] {
		for i := m.prefix; i < len(first); i++ {
			m.varies[i] = m.varies[i] || v[i] != first[i]
		}
	}
	for i, varies := range m.varies {
		if !varies {
			continue
		}
		m.varying++
		for _, v := range column {
			m.seenFixed[v[i]] = true
		}
	}
}

// never is a cost that nothing costs.
const never = 1 << 60

func (m *measured) fixedBits() int {
	if m.varies == nil {
		return never
	}
	_, width := m.alphabet(m.seenFixed)
	return m.n*m.varying*width + len(m.varies) + textBits*(len(m.varies)-m.varying+width)
}

func (m *measured) setBits() int {
	if m.set == nil {
		return never
	}
	return m.n*bits.Len(uint(len(m.set)-1)) + textBits*m.setTotal
}

func (m *measured) alphaBits() int {
	_, width := m.alphabet(m.seenAlpha)
	return m.n*bits.Len(uint(m.longest-m.shortest)) + width*(m.total-m.n*m.prefix) + textBits*(m.prefix+width)
}

// alphabet numbers the bytes that were seen and says how many bits a number takes.
func (m *measured) alphabet(seen [256]bool) (*alphabet, int) {
	a := &alphabet{has: &seen}
	for b := range 256 {
		if seen[b] {
			a.code[b] = uint8(a.n)
			a.n++
		}
	}
	if a.n > maxAlphabet {
		for b := range 256 {
			a.code[b] = uint8(b)
		}
		return a, 8
	}
	return a, bits.Len(uint(max(0, a.n-1)))
}
