package journal

import (
	"slices"
	"sync"
	"weak"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// sharedBatches is how many batches are remembered: followers near the journal's end are seldom further apart, and what
	// they remember holds no memory.
	sharedBatches = 256
	// heldBytes is how much of what was appended last is held for followers, in bytes before packing; the items take about
	// as much again. Followers at the journal's end read within milliseconds of an append; one that falls further behind
	// opens the batches itself.
	heldBytes = 24 << 20
	// provedEvery is how many batches there are to one whose bytes are opened and proved although its items are at hand: a
	// journal that cannot be read back is to be noticed at once, not when it is needed.
	provedEvery = 32
)

// shared lets followers that read the same batch share it, since opening its items costs more than all else about reading.
// What this process appended last is held for them, opened. Of all else it holds no batch alive: one that no follower
// needs any more goes at the next garbage collection.
type shared struct {
	mu   sync.Mutex
	ring [sharedBatches]remembered
	// held are the batches that were appended last, bytes what they hold.
	held  []held
	bytes int
}

type remembered struct {
	sequence uint64
	batch    weak.Pointer[proto.Batch]
}

type held struct {
	batch *proto.Batch
	bytes int
}

// offer remembers a batch that is about to be published, with the items that it was made of. If it is never kept, another one
// stands at its sequence, which differs: each has a salt of its own.
func (s *shared) offer(codec *proto.Codec, b *batch) error {
	if b.sequence%provedEvery == 0 || slices.ContainsFunc(b.items, func(it proto.BatchItem) bool { return made(it.Kind) }) {
		return nil
	}
	opened, err := codec.Opened(b.sequence, b.message, b.items)
	if err != nil {
		return err //nolint:wrapcheck // says which batch and why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring[b.sequence%sharedBatches] = remembered{b.sequence, weak.Make(opened)}
	s.held = append(s.held, held{opened, b.bytes})
	s.bytes += b.bytes
	for len(s.held) > 1 && (s.bytes > heldBytes || len(s.held) > sharedBatches) {
		s.bytes -= s.held[0].bytes
		s.held[0] = held{}
		s.held = s.held[1:]
	}
	return nil
}

// made reports whether items of a kind are none of those that adapters make of input and let go of: commands, questions and ticks are
// few, and whoever made one may still work with it.
func made(kind v1.Kind) bool {
	return kind != v1.Kind_KIND_ACCESS && kind != v1.Kind_KIND_CONTEXT && kind != v1.Kind_KIND_DEAD_LETTER
}

// decode returns the batch that data hold, the one of the append or of another follower where it was made from the same
// bytes.
func (s *shared) decode(codec *proto.Codec, sequence uint64, data []byte) (*proto.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := &s.ring[sequence%sharedBatches]
	if slot.sequence == sequence {
		if b := slot.batch.Value(); b != nil && b.Is(data) {
			return b, nil
		}
	}
	b, err := codec.Decode(sequence, data)
	if err != nil {
		return nil, err //nolint:wrapcheck // says which batch and why
	}
	if sequence%provedEvery == 0 {
		if err := b.VerifyRoot(); err != nil {
			return nil, err //nolint:wrapcheck // says which batch and why
		}
	}
	*slot = remembered{sequence, weak.Make(b)}
	return b, nil
}
