package columns

import "hash/maphash"

const (
	// maxHints is how many shapes' references are remembered: a few dozen are in use, an adversary's are forgotten.
	maxHints = 1024
	// searchEvery is how many times a shape is packed by what was learned of it to once that all is searched for again.
	searchEvery = 16
	// maxHintWidth is how many columns of a shape are remembered.
	maxHintWidth = 512
)

// hints remember of shapes where their references were found: sources send the same shapes in batch after batch. A hint says only what is
// tried first, and what was searched for in vain lately. It holds nothing of what records say.
type hints struct {
	seed  maphash.Seed
	known map[uint64]*hint
}

// hint is, for each column of a shape, a reference plus two, one for none, 0 for not known.
type hint struct {
	refs []int32
	uses int
}

// of returns the hint of a shape beside records of another shape, whose program is beside.
func (h *hints) of(s *shape, beside []byte) *hint {
	if h.known == nil {
		h.seed, h.known = maphash.MakeSeed(), map[uint64]*hint{}
	}
	key := maphash.Bytes(h.seed, s.program)*3 + maphash.Bytes(h.seed, beside)
	one := h.known[key]
	width := min(s.width, maxHintWidth)
	if one == nil || len(one.refs) != width {
		if len(h.known) >= maxHints {
			clear(h.known)
		}
		one = &hint{refs: make([]int32, width)}
		h.known[key] = one
	}
	if one.uses++; one.uses%searchEvery == 0 {
		clear(one.refs)
	}
	return one
}

// at returns what is known of column c: a reference, -1 for none.
func (h *hint) at(c int) (ref int, known bool) {
	if c >= len(h.refs) || h.refs[c] == 0 {
		return -1, false
	}
	return int(h.refs[c]) - 2, true
}

func (h *hint) put(c, ref int) {
	if c < len(h.refs) {
		h.refs[c] = int32(ref + 2)
	}
}
