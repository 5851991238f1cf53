package api

import (
	"maps"
	"slices"
	"sync"

	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/proto"
)

const (
	// maxKnownSubjects bounds the readers whose identity is remembered by what was asked for: 2,000 of a kilobyte or two are 4 MB, and more than are
	// asked about between two changes.
	maxKnownSubjects = 2_000
	// maxKnownIdentity is up to how many identifiers and candidates an identity has that is remembered; nearly all readers have one or two.
	maxKnownIdentity = 32
)

// knownReaders are the readers that questions named, followed, as of one change of anything by which readers are known. Whoever looks into
// a reader asks many questions about them: months, pages, the profile, a scope; and of every asker it is asked which reader they are.
type knownReaders struct {
	mu    sync.Mutex // guards the rest
	at    knownAt
	whoIs map[Subject]*identity
}

// knownAt is what an identity rests on: the version, the last change about any reader, and that of the sources' base URLs.
type knownAt struct {
	version          uint64
	readers, sources proto.Position
}

// keepsReaders reports whether whom the tables know at the pin is whom they know now: the projector of this process tells of changes,
// and there was none since.
func (p *pin) keepsReaders() bool {
	return p.live && p.written.Readers <= p.position && p.written.Sources <= p.position
}

func (p *pin) knownAt() knownAt { return knownAt{p.version, p.written.Readers, p.written.Sources} }

// knownReader is who was found for a subject before, nil where that is not known.
func (p *pin) knownReader(subject Subject) *identity {
	if !p.keepsReaders() {
		return nil
	}
	k := &p.engine.known
	k.mu.Lock()
	defer k.mu.Unlock()
	who, ok := k.whoIs[subject]
	if !ok || k.at != p.knownAt() {
		return nil
	}
	return who.clone()
}

// keepReader remembers who was found for a subject.
func (p *pin) keepReader(subject Subject, who *identity) {
	if !p.keepsReaders() || len(who.followed)+len(who.candidates) > maxKnownIdentity {
		return
	}
	k, at := &p.engine.known, p.knownAt()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at.version == at.version && (k.at.readers > at.readers || k.at.sources > at.sources) {
		return // a later question knows more
	}
	if k.at != at || len(k.whoIs) >= maxKnownSubjects {
		k.at, k.whoIs = at, map[Subject]*identity{}
	}
	k.whoIs[subject] = who.clone()
}

// clone copies an identity: answers take its identifiers, and the veil changes what leaves.
func (i *identity) clone() *identity {
	out := &identity{known: i.known, candidates: slices.Clone(i.candidates), keyed: slices.Clone(i.keyed), names: maps.Clone(i.names)}
	for _, f := range i.followed {
		out.followed = append(out.followed, pb.CloneOf(f))
	}
	return out
}
