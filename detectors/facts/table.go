package facts

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// table numbers pairs of a system and a value densely from 1, in the order of their first mention. Values stand in pages
// that never move, so a million of them cost little more than their letters.
type table struct {
	pages [][]byte
	// at is where each number's entry begins: page << pageBits | offset.
	at []uint32
	// slots is an open hash table of numbers; 0 is free. Its size is a power of two.
	slots []uint32
}

const (
	pageBits = 16
	pageSize = 1 << pageBits
)

func hashOf(system ID, value string) uint64 { return xxhash.Sum64String(value) ^ spread(system) }

func spread(system ID) uint64 { return bits.RotateLeft64(uint64(system)*0x9E3779B97F4A7C15, 31) }

// size is the largest number in use.
func (t *table) size() ID { return ID(len(t.at) - 1) }

// find returns the number of a pair, 0 for none.
func (t *table) find(system ID, value string) ID {
	if len(t.slots) == 0 {
		return 0
	}
	mask := uint64(len(t.slots) - 1)
	for i := hashOf(system, value) & mask; ; i = (i + 1) & mask {
		n := t.slots[i]
		if n == 0 {
			return 0
		}
		if sys, text := t.entry(ID(n)); sys == system && string(text) == value {
			return ID(n)
		}
	}
}

// number returns the number of a pair, a new one when it has none.
func (t *table) number(system ID, value string) ID {
	if n := t.find(system, value); n != 0 {
		return n
	}
	if len(t.at) == 0 {
		t.at = append(t.at, 0)
	}
	if len(t.at)*5 > len(t.slots)*4 {
		t.rehash(max(64, 2*len(t.slots)))
	}
	n := ID(len(t.at))
	t.at = append(t.at, store(t, system, value))
	t.place(hashOf(system, value), n)
	return n
}

func (t *table) place(hash uint64, n ID) {
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = uint32(n)
}

func (t *table) rehash(size int) {
	t.slots = make([]uint32, size)
	for n := ID(1); n <= t.size(); n++ {
		system, text := t.entry(n)
		t.place(xxhash.Sum64(text)^spread(system), n)
	}
}

// index finds the places of all numbers anew; until then a table that was filled by add answers nothing.
func (t *table) index() {
	size := 64
	for len(t.at)*5 > size*4 {
		size *= 2
	}
	t.rehash(size)
}

// add numbers a pair that has no number yet, without a place to find it by: index makes the places of many at once.
func (t *table) add(system ID, value []byte) {
	if len(t.at) == 0 {
		t.at = append(t.at, 0)
	}
	t.at = append(t.at, store(t, system, value))
}

func store[V string | []byte](t *table, system ID, value V) uint32 {
	need := 2*binary.MaxVarintLen64 + len(value)
	last := len(t.pages) - 1
	if last < 0 || len(t.pages[last])+need > cap(t.pages[last]) {
		t.pages = append(t.pages, make([]byte, 0, max(pageSize, need)))
		last++
	}
	page := t.pages[last]
	begin := len(page)
	page = binary.AppendUvarint(page, uint64(system))
	page = binary.AppendUvarint(page, uint64(len(value)))
	t.pages[last] = append(page, value...)
	return uint32(last)<<pageBits | uint32(begin)
}

// entry is what a number stands for. The text is shared: read it only.
func (t *table) entry(n ID) (system ID, text []byte) {
	at := t.at[n]
	entry := t.pages[at>>pageBits][at&(pageSize-1):]
	sys, n1 := binary.Uvarint(entry)
	size, n2 := binary.Uvarint(entry[n1:])
	return ID(sys), entry[n1+n2 : n1+n2+int(size)]
}
