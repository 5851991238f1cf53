package journal

import (
	"maps"

	"github.com/readtrail/readtrail/proto"
)

// lost holds the roots of batches whose fate is unknown, by the sequence that they were made for: if one of them turns
// up in the stream after all, it is no other writer's. A sequence can have several, since a probe is made for the
// sequence of the batch that failed, and that batch may still be on its way.
type lost map[uint64]map[proto.Hash]struct{}

func (l lost) add(sequence uint64, root proto.Hash) {
	if l[sequence] == nil {
		l[sequence] = map[proto.Hash]struct{}{}
	}
	l[sequence][root] = struct{}{}
}

// drop forgets a batch that certainly was not kept.
func (l lost) drop(sequence uint64, root proto.Hash) {
	if delete(l[sequence], root); len(l[sequence]) == 0 {
		delete(l, sequence)
	}
}

func (l lost) has(sequence uint64, root proto.Hash) bool {
	_, ok := l[sequence][root]
	return ok
}

// addAll adds what other holds.
func (l lost) addAll(other lost) {
	for sequence, roots := range other {
		for root := range roots {
			l.add(sequence, root)
		}
	}
}

// settle forgets sequences up to last, where it is known what stands.
func (l lost) settle(last uint64) {
	maps.DeleteFunc(l, func(sequence uint64, _ map[proto.Hash]struct{}) bool { return sequence <= last })
}
