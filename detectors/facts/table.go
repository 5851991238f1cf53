package facts

import (
	"bytes"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// table numbers pairs of a system and a value densely from 1, in the order of their first mention. Values stand packed in pages without
// pointers, so twenty million of them cost little more than their bytes.
type table struct {
	packer
	pages [][]byte
	// at is where each group of numbers begins, page << pageBits | offset; a group stands in one page.
	at []uint32
	// count is the largest number in use.
	count ID
	// shards are hash tables of numbers by the first byte of the hash. Each grows on its own, by a little: nobody waits for all places
	// to be found anew, and few are empty.
	shards [256]shard
}

// shard is an open hash table; 0 is free. A slot holds a number in its low bits, and bits of the hash above them, so that hardly any
// other entry is looked at on the way to the right one.
type shard struct {
	slots []uint32
	used  int
	bits  int // of numbers
}

const (
	pageBits = 16
	pageSize = 1 << pageBits
	// groupSize weighs the bytes of at against the entries that are passed over on the way to one.
	groupSize = 4
	// lastGroup is where the last group of a page begins at the latest, so that few pages grow.
	lastGroup = pageSize - 1024
)

// size is the largest number in use.
func (t *table) size() ID { return t.count }

// find returns the number of a pair, 0 for none.
func (t *table) find(system ID, value string) ID {
	var room [2 * maxValue]byte
	packed := t.pack(room[:0], system, value, false)
	return t.lookup(packed, xxhash.Sum64(packed))
}

// number returns the number of a pair, a new one when it has none.
func (t *table) number(system ID, value string) ID {
	var room [2 * maxValue]byte
	packed := t.pack(room[:0], system, value, true)
	hash := xxhash.Sum64(packed)
	if n := t.lookup(packed, hash); n != 0 {
		return n
	}
	t.store(packed)
	t.place(hash, t.count)
	return t.count
}

func (t *table) lookup(packed []byte, hash uint64) ID {
	s := &t.shards[hash>>56]
	if s.used == 0 {
		return 0
	}
	tag := s.tag(hash)
	for i := first(hash, len(s.slots)); s.slots[i] != 0; {
		if slot := s.slots[i]; slot>>s.bits == tag {
			if n := ID(slot & (1<<s.bits - 1)); bytes.HasPrefix(t.from(n), packed) {
				return n
			}
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	return 0
}

// first is the place where a hash is looked for first, by its low half.
func first(hash uint64, places int) int { return int(hash & (1<<32 - 1) * uint64(places) >> 32) }

// tag is what a slot says of a hash: bits that neither its shard nor its place depends on.
func (s *shard) tag(hash uint64) uint32 { return uint32(hash>>24) >> s.bits }

// place remembers where a number is found. A shard is at most seven eighths full.
func (t *table) place(hash uint64, n ID) {
	s := &t.shards[hash>>56]
	if s.used++; s.used*8 > len(s.slots)*7 || n>>s.bits != 0 {
		t.grow(s, n)
	}
	s.put(hash, n)
}

// grow makes room for one more number, as large as n, and for as many that are twice as large.
func (t *table) grow(s *shard, n ID) {
	before, held := s.slots, s.bits
	s.bits = bits.Len32(uint32(n)) + 1
	if s.used*8 > len(before)*7 {
		s.slots = make([]uint32, max(8, len(before)+len(before)/4))
	} else {
		s.slots = make([]uint32, len(before))
	}
	for _, slot := range before {
		if slot != 0 {
			n := ID(slot & (1<<held - 1))
			entry := t.from(n)
			s.put(xxhash.Sum64(entry[:t.length(entry)]), n)
		}
	}
}

func (s *shard) put(hash uint64, n ID) {
	i := first(hash, len(s.slots))
	for s.slots[i] != 0 {
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	s.slots[i] = s.tag(hash)<<s.bits | uint32(n)
}

// store appends a pair, which gets the next number.
func (t *table) store(packed []byte) {
	last := len(t.pages) - 1
	if t.count%groupSize == 0 {
		if last < 0 || len(t.pages[last]) > lastGroup {
			t.pages = append(t.pages, make([]byte, 0, pageSize))
			last++
		}
		t.at = append(t.at, uint32(last<<pageBits|len(t.pages[last])))
	}
	t.pages[last] = append(t.pages[last], packed...)
	t.count++
}

// from is the page from the entry of a number on.
func (t *table) from(n ID) []byte {
	at := t.at[(n-1)/groupSize]
	page := t.pages[at>>pageBits][at&(pageSize-1):]
	for range (n - 1) % groupSize {
		page = page[t.length(page):]
	}
	return page
}

// entry is what a number stands for. The text may be shared: read it only.
func (t *table) entry(n ID) (system ID, text []byte) { return t.unpack(t.from(n)) }

// system is that of a number.
func (t *table) system(n ID) ID { return t.systemOf(t.from(n)) }

// text is the value of a number. It may be shared: read it only.
func (t *table) text(n ID) []byte {
	_, text := t.entry(n)
	return text
}

// open numbers what stands in pages. It returns false when that is nothing that store wrote.
func (t *table) open() bool {
	for p, page := range t.pages {
		if t.count%groupSize != 0 { // a group goes over two pages
			return false
		}
		for at := 0; at < len(page); t.count++ {
			if t.count%groupSize == 0 {
				if at >= pageSize {
					return false
				}
				t.at = append(t.at, uint32(p<<pageBits|at))
			}
			size := t.length(page[at:])
			if size <= 0 {
				return false
			}
			at += size
		}
	}
	return true
}

// index finds the places of all numbers; until then a table that was opened answers nothing.
func (t *table) index() {
	for i := range t.shards { // about as many in each
		t.shards[i] = shard{slots: make([]uint32, max(8, int(t.count)/len(t.shards)*5/4)), bits: bits.Len32(uint32(t.count)) + 1}
	}
	n := ID(1)
	for _, page := range t.pages {
		for len(page) > 0 {
			size := t.length(page)
			t.place(xxhash.Sum64(page[:size]), n)
			page = page[size:]
			n++
		}
	}
}
