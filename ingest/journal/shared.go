package journal

import (
	"sync"
	"weak"

	"github.com/readtrail/readtrail/proto"
)

// sharedBatches is how many batches are remembered: followers near the journal's end are seldom further apart, and what
// they remember holds no memory.
const sharedBatches = 64

// shared lets followers that read the same batch share it, since opening its items costs more than all else about reading.
// It holds no batch alive: one that no follower needs any more goes at the next garbage collection.
type shared struct {
	mu   sync.Mutex
	ring [sharedBatches]remembered
}

type remembered struct {
	sequence uint64
	batch    weak.Pointer[proto.Batch]
}

// decode returns the batch that data hold, the one of another follower where it was made from the same bytes.
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
	*slot = remembered{sequence, weak.Make(b)}
	return b, nil
}
