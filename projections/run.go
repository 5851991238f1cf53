package projections

import (
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// run is a contiguous run of whole messages on its way into the tables: what one round of inserts carries. All its
// messages were received in one year, so that each insert touches one partition and is one part: all of it or nothing.
type run struct {
	first, last uint64
	messages    int
	end         proto.Position
	// received is the received time of the last message, since that of the first.
	received, since int64
	year            int
	// size is how many bytes the blocks hold.
	size   int
	blocks [firstRollup]*block
	// want counts the rows that each table must hold of this run; blocks lack those that recovery found there.
	want [firstMerging]int
	// unresolved says that a row names its patient by text only, live that an access came by no import.
	unresolved, live bool
	// said is the memory of a row's packed text.
	said []byte
	// readerLinks says that there are links between identifiers of a reader, readerNames that there are identifiers of readers.
	readerLinks, readerNames bool
}

// spareRuns is how many runs are kept for their memory: the one that collects and the one that is inserted.
const spareRuns = 2

// runPool keeps the memory of runs that were inserted for those to come, where they are large: those of an import come one after the
// other, and each would grow its blocks anew. Small ones are let go, and with the first of them what large ones left.
type runPool struct {
	spare chan *run // capacity spareRuns
	// worth is how large, in bytes, a run must be to be kept.
	worth int
}

func newRunPool(maxBytes int) *runPool {
	return &runPool{spare: make(chan *run, spareRuns), worth: maxBytes / 64}
}

// get returns an empty run.
func (p *runPool) get() *run {
	select {
	case r := <-p.spare:
		return r
	default:
		return &run{}
	}
}

// put takes a run back; the caller must not use it any more.
func (p *runPool) put(r *run) {
	if r.size < p.worth {
		for len(p.spare) > 0 {
			p.get()
		}
		return
	}
	for _, b := range r.blocks {
		if b != nil {
			b.reset()
		}
	}
	select {
	case p.spare <- &run{blocks: r.blocks}:
	default:
	}
}

func (r *run) empty() bool { return r.messages == 0 }

// rows is how many rows of accesses the run has.
func (r *run) rows() int {
	if b := r.blocks[accessesByPatient]; b != nil {
		return b.rows
	}
	return 0
}

// block returns the run's block of a table, made when it is first needed.
func (r *run) block(id tableID) *block {
	if r.blocks[id] == nil {
		r.blocks[id] = newBlock(tables[id])
	}
	return r.blocks[id]
}

// add appends a message. seen drops the identifiers and links that are known to stand in the tables.
func (r *run) add(f *folded, seen *seenSet) {
	if r.messages == 0 {
		r.first, r.year, r.since = f.sequence, yearOf(f.received), f.received
	}
	r.last, r.end, r.received = f.sequence, f.end, f.received
	r.messages++
	r.unresolved, r.live = r.unresolved || f.unresolved, r.live || f.live
	for id, b := range f.blocks {
		if b != nil {
			r.want[id] += b.rows
			r.size += b.bytes()
			r.block(tableID(id)).join(b)
			messageBlocks.put(b)
			f.blocks[id] = nil
		}
		r.want[id] += f.skipped[id]
	}
	for i := range f.names {
		r.addName(&f.names[i], seen)
	}
	for i := range f.links {
		r.addLink(&f.links[i], seen)
	}
	for i := range f.groups {
		r.addGroup(&f.groups[i], seen)
	}
	for i := range f.places {
		r.addPlace(&f.places[i], seen)
	}
}

func (r *run) addName(n *identifierRow, seen *seenSet) {
	if !seen.add(n.hash) {
		return
	}
	r.readerNames = r.readerNames || n.kind == IdentifierReader || n.kind == IdentifierContextReader
	r.identity(NameOf(n.kind), NameKey(n.value), appendPacked(r.said[:0], true, n.system, n.value), n.text, 0, n.position)
}

// addLink writes a link under both of its ends; an identifier that stands alone has one.
func (r *run) addLink(l *linkRow, seen *seenSet) {
	if l.fact == nil && !seen.add(l.hash) {
		return
	}
	r.readerLinks = r.readerLinks || l.kind == LinkOfReader
	r.linkEnd(l, l.from, l.to, "0")
	if l.to != nil {
		r.linkEnd(l, l.to, l.from, "1")
	}
}

// linkEnd writes a link under one of its ends; reverse is what it says where that is the end of a context fact's link.
func (r *run) linkEnd(l *linkRow, from, to *v1.Identifier, reverse string) {
	said, version := appendPacked(r.said[:0], true, from.System, from.Value, to.GetSystem(), to.GetValue(), l.source), uint64(0)
	if l.fact != nil {
		resource := strconv.FormatUint(l.fact.resource, 10)
		said, version = appendPacked(said, false, resource, strconv.Itoa(int(small(l.fact.kind))), reverse, l.fact.resourceType), l.position
	}
	r.identity(l.kind, Key(from.System, from.Value), said, "", version, l.position)
}

// identityBytes is what a row of identities_vN holds beside its texts: a kind, three numbers, two lengths.
const identityBytes = 1 + 3*8 + 2*4

// identity writes a row of identities_vN.
func (r *run) identity(kind uint8, key uint64, said []byte, text string, version, position uint64) {
	r.said = said
	r.size += identityBytes + len(said) + len(text)
	w := r.block(identities).begin()
	w.u8(kind)
	w.u64(key)
	w.bytes(said)
	w.text(text)
	w.u64(version)
	w.u64(position)
	w.end()
}

// hashOf hashes a kind and texts with their bounds.
func hashOf(kind uint8, parts ...string) uint64 {
	var d xxhash.Digest
	d.Reset()
	mark := [1]byte{kind}
	for _, p := range parts {
		_, _ = d.Write(mark[:])
		_, _ = d.WriteString(p)
		mark[0] = 0
	}
	return d.Sum64()
}

// maxSeen bounds the set of identifiers and links that were written lately: 200,000 of about 20 bytes, twice.
const maxSeen = 200_000

// seenSet remembers hashes of rows that merge by key, so that an identifier is not inserted with each of its events. To
// forget one costs a row that merges away. Two rows of equal hash among 400,000 would lose one: at 64 bits that is one
// in 200 million such sets, and it loses a search term, no access.
type seenSet struct {
	young, old map[uint64]struct{}
}

func newSeenSet() *seenSet { return &seenSet{young: map[uint64]struct{}{}} }

// add reports whether the hash is new.
func (s *seenSet) add(h uint64) bool {
	if _, ok := s.young[h]; ok {
		return false
	}
	_, known := s.old[h]
	if len(s.young) >= maxSeen {
		s.old, s.young = s.young, make(map[uint64]struct{}, maxSeen)
	}
	s.young[h] = struct{}{}
	return !known
}

func yearOf(us int64) int { return time.UnixMicro(us).UTC().Year() }
