package csv

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/readtrail/readtrail/proto"
)

// content hashes what a row says, so that quoting, delimiter, line end and the order of the columns do not matter:
// for each column in the order of the names, its name and its value; columns without a value are left out.
type content struct {
	columns []int
	names   []string
	buf     []byte
}

func (c *content) hash(v *view) proto.ContentHash {
	c.buf = c.buf[:0]
	for k, i := range c.columns {
		value := v.get(i)
		if value == "" {
			continue
		}
		c.buf = binary.AppendUvarint(c.buf, uint64(len(c.names[k])))
		c.buf = append(c.buf, c.names[k]...)
		c.buf = binary.AppendUvarint(c.buf, uint64(len(value)))
		c.buf = append(c.buf, value...)
	}
	sum := sha256.Sum256(c.buf)
	return proto.ContentHash(sum[:16])
}

// ordinals counts equal rows of one file: a set of 8-byte hashes in open addressing, 64 MiB for 5 million rows, and a
// map for the few that were seen more than once. Two rows that share 8 bytes of SHA-256 and differ would get different
// ordinals for no reason, the same ones each time: no event is lost by it.
type ordinals struct {
	slots []uint64
	used  int
	again map[uint64]uint32
}

func newOrdinals() *ordinals {
	return &ordinals{slots: make([]uint64, 1<<12), again: map[uint64]uint32{}}
}

// next returns how many rows of this content came before.
func (o *ordinals) next(h proto.ContentHash) uint32 {
	key := binary.BigEndian.Uint64(h[:8])
	if key == 0 {
		key = 1 // 0 marks a free slot
	}
	if o.used*4 >= len(o.slots)*3 {
		o.grow()
	}
	if o.insert(key) {
		o.used++
		return 0
	}
	o.again[key]++
	return o.again[key]
}

// insert reports whether the key is new.
func (o *ordinals) insert(key uint64) bool {
	mask := uint64(len(o.slots) - 1)
	for i := key & mask; ; i = (i + 1) & mask {
		switch o.slots[i] {
		case 0:
			o.slots[i] = key
			return true
		case key:
			return false
		}
	}
}

func (o *ordinals) grow() {
	old := o.slots
	o.slots = make([]uint64, 2*len(old))
	for _, key := range old {
		if key != 0 {
			o.insert(key)
		}
	}
}
