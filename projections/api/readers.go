package api

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Bounds of what one answer follows to find out which of its readers are one human. Readers beyond them stay apart, and a
// note says so.
const (
	// maxReaderSteps: both ends of a link are asked about, so identifiers up to 12 links apart meet.
	maxReaderSteps = 6
	// maxReaderIdentifiers is four for each reader listed: staff number, account, resource and its base URL.
	maxReaderIdentifiers = 4 * maxReaders
	// readerChunk is how many identifiers one statement asks about: with texts of a hundred bytes, 60 KB of parameters.
	readerChunk = 500
)

// humans says which identifiers of readers are one human's as of the pin.
type humans struct {
	walk *walk
	// strangers are roots that join more identifiers than one human can have: a shared number, not a human.
	strangers map[ident]bool
	// bounded is true when links were left unread or strangers were found.
	bounded bool
}

// of returns what stands for the human behind an identifier; the identifier itself when nothing links it.
func (h *humans) of(id ident) ident {
	if _, ok := h.walk.group[id]; !ok {
		return id
	}
	if root := h.walk.root(id); !h.strangers[root] {
		return root
	}
	return id
}

// humans follows the links of all readers of an answer together: a few statements a step, however many readers there are.
func (p *pin) humans(ctx context.Context, readers []ident, sources []*source) (*humans, error) {
	// A name in place of an identifier is nobody's alone: nothing links it.
	seeds := slices.DeleteFunc(slices.Clone(readers), ident.byName)
	h := &humans{walk: newWalk(seeds), strangers: map[ident]bool{}}
	w := h.walk
	for step := 0; len(w.frontier) > 0; step++ {
		if step == maxReaderSteps || len(w.group) > maxReaderIdentifiers {
			h.bounded = true
			break
		}
		at := w.frontier
		w.frontier = nil
		edges, whole, err := p.readerLinks(ctx, at)
		if err != nil {
			return nil, fmt.Errorf("link readers: %w", err)
		}
		h.bounded = h.bounded || !whole
		for _, e := range slices.Concat(edges, baseLinks(at, sources)) {
			w.follow(e)
		}
	}
	members := map[ident]int{}
	for id := range w.group {
		root := w.root(id)
		if members[root]++; members[root] > maxIdentifiers {
			h.strangers[root], h.bounded = true, true
		}
	}
	return h, nil
}

// readerLinks reads one step of links. whole is false when there were more than it may read.
func (p *pin) readerLinks(ctx context.Context, at []ident) (edges []edge, whole bool, err error) {
	whole = true
	edges, ask := p.knownLinks(at)
	for chunk := range slices.Chunk(ask, readerChunk) {
		found, err := p.step(ctx, chunk, nil, readerRole)
		if err != nil {
			return nil, false, err
		}
		if found.bounded {
			whole = false
		} else {
			p.keepLinks(chunk, found.edges())
		}
		edges = append(edges, found.edges()...)
	}
	return edges, whole, nil
}

// maxKnownReaders bounds the readers whose links are remembered: 20,000 of half a kilobyte are 10 MB, and more than most
// hospitals employ.
const maxKnownReaders = 20_000

// readerLinks are the links of readers as of one change of what states any. All questions ask about the same few
// thousand readers, and their links change seldom.
type readerLinks struct {
	mu      sync.Mutex // guards the rest
	version uint64
	changed proto.Position
	links   map[ident][]edge
}

// knownLinks returns the links of those readers whose links are known, and the other readers.
func (p *pin) knownLinks(at []ident) (edges []edge, others []ident) {
	l := &p.engine.readers
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.keepsLinks() || l.version != p.version || l.changed != p.written.ReaderLinks {
		return nil, at
	}
	for _, id := range at {
		if known, ok := l.links[id]; ok {
			edges = append(edges, known...)
		} else {
			others = append(others, id)
		}
	}
	return edges, others
}

// keepLinks remembers all links of some readers.
func (p *pin) keepLinks(of []ident, edges []edge) {
	l := &p.engine.readers
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.keepsLinks() || l.version == p.version && l.changed > p.written.ReaderLinks {
		return
	}
	if l.version != p.version || l.changed != p.written.ReaderLinks || len(l.links)+len(of) > maxKnownReaders {
		l.version, l.changed, l.links = p.version, p.written.ReaderLinks, make(map[ident][]edge, len(of))
	}
	for _, id := range of {
		l.links[id] = nil
	}
	for _, e := range edges {
		l.links[e.from] = append(l.links[e.from], e)
	}
}

// keepsLinks reports whether the links that hold at the pin are those that hold now: the projector of this process tells of
// changes, and there was none since.
func (p *pin) keepsLinks() bool { return p.live && p.written.ReaderLinks <= p.position }

// join makes one summary of those that are about one human. They stay in order: latest access first.
func (t *tally) join(h *humans) {
	first := map[ident]*v1.ReaderSummary{}
	kept := t.order[:0]
	for _, s := range t.order {
		root := h.of(s.ident)
		into, ok := first[root]
		if !ok {
			first[root] = s.ReaderSummary
			kept = append(kept, s)
			continue
		}
		merge(into, s.ReaderSummary)
	}
	clear(t.order[len(kept):])
	t.order = kept
	t.bounded = h.bounded
}

// merge adds an earlier summary of the same human; what both state, the later one keeps.
func merge(into, s *v1.ReaderSummary) {
	into.Accesses += s.Accesses
	into.Events += s.Events
	into.Failed += s.Failed
	into.Incidental += s.Incidental
	into.FirstUs, into.LastUs = min(into.FirstUs, s.FirstUs), max(into.LastUs, s.LastUs)
	into.BreakGlass = into.BreakGlass || s.BreakGlass
	for _, a := range s.Actions {
		into.Actions = include(into.Actions, a, true)
	}
	for _, d := range s.Departments {
		into.Departments = include(into.Departments, d, true)
	}
	for _, p := range s.Purposes {
		into.Purposes = include(into.Purposes, p, true)
	}
	into.Reader.Identifiers = append(into.Reader.Identifiers, s.Reader.Identifiers...)
	complete(into.Reader, s.Reader.Name, s.Reader.Department, s.Reader.Type, s.Reader.Role)
}

// complete fills what later events did not state of a reader.
func complete(r *v1.Reader, name, department string, typ v1.ReaderType, role *v1.Coding) {
	if r.Name == "" {
		r.Name = name
	}
	if r.Department == "" {
		r.Department = department
	}
	if r.Type == v1.ReaderType_READER_TYPE_UNSPECIFIED {
		r.Type = typ
	}
	if r.Role == nil {
		r.Role = role
	}
}
