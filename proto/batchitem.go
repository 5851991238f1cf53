package proto

import (
	"errors"
	"fmt"
	"slices"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// BatchItem is one item on its way into a batch. It is serialised when the batch is: until then nobody may change the item,
// nor what is sealed beside it.
type BatchItem struct {
	Item        *v1.Item
	Kind        v1.Kind
	ReaderSlot  uint8
	PatientSlot uint8
	// Source and Sealed belong together: what has to be sealed, the original or free text, and whose key seals it. Both empty:
	// nothing.
	Source string
	Sealed *v1.SealedItem
	// Digest is the SHA-256 of Sealed.Original, for whoever has it: it is taken again where it is zero.
	Digest Hash

	size, sealedSize int
}

// NewBatchItem returns an item and, when there is an original or free text, what has to be sealed beside it.
func NewBatchItem(it *v1.Item, source string, sealed *v1.SealedItem) (BatchItem, error) {
	out := BatchItem{Item: it, Kind: KindOf(it), size: it.SizeVT()}
	out.ReaderSlot, out.PatientSlot = itemSlots(it)
	if out.Kind == v1.Kind_KIND_UNSPECIFIED {
		return BatchItem{}, errors.New("item has no body")
	}
	if sealed != nil {
		out.Source, out.Sealed, out.sealedSize = source, sealed, sealed.SizeVT()
	}
	return out, nil
}

// Size is how many bytes the item and what is sealed beside it take before they are packed.
func (it *BatchItem) Size() int { return it.size + it.sealedSize }

// workspace is the memory that one batch is encoded in. What a batch keeps is copied out of it.
type workspace struct {
	items, originals serialised
	compressed       []byte
}

func (c *Codec) workspace() *workspace {
	if w, ok := c.spare.Get().(*workspace); ok {
		return w
	}
	return &workspace{}
}

// serialised holds messages that were serialised one behind the other.
type serialised struct {
	bytes []byte
	each  [][]byte
}

// message is what the generated code does with every message.
type message interface {
	MarshalToSizedBufferVT(to []byte) (int, error)
}

// errChanged says that an item was changed after it was offered.
var errChanged = errors.New("the item was changed meanwhile")

// serialise serialises items. The result is valid until the next call.
func (s *serialised) serialise(items []BatchItem) ([][]byte, error) {
	total := 0
	for i := range items {
		total += items[i].size
	}
	s.begin(total)
	for i := range items {
		if err := s.add(items[i].Item, items[i].size); err != nil {
			return nil, fmt.Errorf("marshal item %d: %w", i, err)
		}
	}
	return s.each, nil
}

// serialiseSealed is serialise for what is sealed beside the items of these indexes.
func (s *serialised) serialiseSealed(items []BatchItem, indexes []uint32) ([][]byte, error) {
	total := 0
	for _, i := range indexes {
		total += items[i].sealedSize
	}
	s.begin(total)
	for _, i := range indexes {
		if err := s.add(items[i].Sealed, items[i].sealedSize); err != nil {
			return nil, fmt.Errorf("marshal original %d: %w", i, err)
		}
	}
	return s.each, nil
}

func (s *serialised) begin(total int) {
	s.bytes, s.each = slices.Grow(s.bytes[:0], total), s.each[:0]
}

func (s *serialised) add(m message, size int) (err error) {
	// The generated code writes from the end to the beginning and does not look whether there is room.
	defer func() {
		if recover() != nil {
			err = errChanged
		}
	}()
	from := len(s.bytes)
	s.bytes = s.bytes[:from+size]
	one := s.bytes[from:len(s.bytes):len(s.bytes)]
	if n, err := m.MarshalToSizedBufferVT(one); err != nil || n != size {
		return fmt.Errorf("%d bytes, expected %d: %w", n, size, errors.Join(errChanged, err))
	}
	s.each = append(s.each, one)
	return nil
}
