package fhir

import (
	"crypto/rand"
	"sync"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

// maxRevisions bounds the memory of revisions: 64k resources of about 100 bytes.
const maxRevisions = 1 << 16

// revisions tells a context resource that returns to an earlier state from a retry. A merge that is undone sends the
// first state again, byte for byte: as a duplicate of the first it would change nothing. So a live write whose content
// carries no version gets a random revision, which a repetition of the same content, with nothing in between, shares.
// What is forgotten (a restart, more resources than fit) makes a repetition a further fact of the same content, which
// says nothing new and harms nothing.
type revisions struct {
	mu     sync.Mutex // guards latest
	latest map[proto.EventID]revision
}

type revision struct {
	content proto.ContentHash
	nonce   [8]byte
}

func newRevisions() *revisions { return &revisions{latest: map[proto.EventID]revision{}} }

// mark gives a context fact that says nothing about its version the revision of this write.
func (r *revisions) mark(src ingest.Source, entry *ingest.Entry) {
	fact := entry.Item.GetContext()
	if fact == nil || fact.VersionId != "" || fact.EffectiveUs != 0 {
		return
	}
	content := entry.Content
	if fact.Deleted {
		content = proto.ContentHash{}
	}
	entry.ID = factID(src, fact, entry.Content, r.of(src, fact.ResourceType+"/"+fact.ResourceId, content))
	fact.EventId = entry.ID.Bytes()
}

// of returns the revision for a write of content to the resource.
func (r *revisions) of(src ingest.Source, reference string, content proto.ContentHash) []byte {
	key := proto.NewEventID(proto.EventIdentity{Source: src.Name, Observer: "revision", Key: []byte(reference)})
	r.mu.Lock()
	defer r.mu.Unlock()
	at, known := r.latest[key]
	if !known || at.content != content {
		if len(r.latest) >= maxRevisions {
			clear(r.latest)
		}
		at = revision{content: content}
		_, _ = rand.Read(at.nonce[:])
		r.latest[key] = at
	}
	return at.nonce[:]
}
