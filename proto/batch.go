package proto

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/readtrail/readtrail/proto/columns"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// BatchFormat is the format that this code writes. Any change to the bytes of a batch is a new format; 1 and 2 were never released.
const BatchFormat = 3

// Limits on what a batch may unpack to: 4,096 items of at most 1 MiB would be 4 GiB, so the sum is bounded too.
const (
	maxItemsFrame  = 64 << 20
	maxSealedFrame = 256 << 20
)

// ErrCorrupt marks a message that is no batch, or one that was altered after it was committed. A follower that meets
// it must stop and raise an alarm, never skip it.
var ErrCorrupt = errors.New("corrupt batch")

// Codec encodes and decodes batches. It is safe for concurrent use.
type Codec struct {
	encoder *zstd.Encoder
	// brief encodes short texts with the dictionary, which long ones do not need; medium those between lone and many events.
	brief, medium *zstd.Encoder
	decoder       *zstd.Decoder
	keys          *KeyRing
	// spare keeps what encoding needs from batch to batch.
	spare sync.Pool

	itemSchema, sealedSchema *columns.Schema
}

// NewCodec returns a codec. Without a key ring it can neither seal nor open; followers that only read items need none.
func NewCodec(keys *KeyRing) (*Codec, error) {
	options := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithWindowSize(longText),
	}
	encoder, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	// The dictionary makes up for the level, whose tables take a quarter of the time to make ready.
	brief, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(briefText),
		zstd.WithEncoderDict(dictionary))...)
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	medium, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(briefText),
		zstd.WithEncoderDict(dictionary))...)
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxSealedFrame), zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderDicts(dictionary))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	return &Codec{
		encoder: encoder, brief: brief, medium: medium, decoder: decoder, keys: keys,
		itemSchema:   columns.NewSchema((&v1.Item{}).ProtoReflect().Descriptor(), "readtrail.v1.ContextFact.resource"),
		sealedSchema: columns.NewSchema((&v1.SealedItem{}).ProtoReflect().Descriptor(), "readtrail.v1.SealedItem.original", "readtrail.v1.FreeText.query_text"),
	}, nil
}

// Encode returns the message for the batch that will stand at stream sequence. Items keep their order.
func (c *Codec) Encode(sequence uint64, received time.Time, items []BatchItem) ([]byte, error) {
	out, _, err := c.EncodeWithRoot(sequence, received, items)
	return out, err
}

// EncodeWithRoot is Encode for a caller that also wants the root, which no other batch shares: its salt is random.
func (c *Codec) EncodeWithRoot(sequence uint64, received time.Time, items []BatchItem) ([]byte, Hash, error) {
	if len(items) == 0 || len(items) > MaxBatchItems {
		return nil, Hash{}, fmt.Errorf("encode batch of %d items: want 1 to %d", len(items), MaxBatchItems)
	}
	head := &v1.BatchHead{
		Format: BatchFormat, Sequence: sequence, ReceivedUs: received.UnixMicro(), Count: uint32(len(items)),
		Kinds: make([]byte, len(items)), ReaderSlots: make([]byte, len(items)), PatientSlots: make([]byte, len(items)),
	}
	work := c.workspace()
	defer c.spare.Put(work)
	frame := &v1.Items{Salt: make([]byte, SaltSize)}
	if _, err := rand.Read(frame.Salt); err != nil {
		return nil, Hash{}, fmt.Errorf("salt batch: %w", err)
	}
	for i := range items {
		it := &items[i]
		head.Kinds[i], head.ReaderSlots[i], head.PatientSlots[i] = byte(it.Kind), it.ReaderSlot, it.PatientSlot
	}
	head.Kinds = sayOnce(head.Kinds)
	raws, err := work.items.serialise(items)
	if err != nil {
		return nil, Hash{}, fmt.Errorf("encode batch: %w", err)
	}
	table := columns.Read(raws, c.itemSchema)
	defer table.Release()
	sealed, err := c.sealAll(head, items, table, work)
	if err != nil {
		return nil, Hash{}, err
	}
	packed := table.Pack(nil)
	defer packed.Release()
	work.compressed = c.compress(packed.Text, work.compressed[:0])
	frame.Text, frame.Bits = work.compressed, packed.Bits
	msg := &v1.Batch{Head: head, Sealed: sealed}
	if msg.Items, err = frame.MarshalVT(); err != nil {
		return nil, Hash{}, fmt.Errorf("marshal items: %w", err)
	}
	root := TreeHash(batchLeaves(msg, frame.Salt, raws))
	head.Root = root[:]
	out, err := msg.MarshalVT()
	if err != nil {
		return nil, Hash{}, fmt.Errorf("marshal batch: %w", err)
	}
	return out, root, nil
}

// batchLeaves returns the leaves of a batch: its items, then its sealed frames, then the rest of the message.
func batchLeaves(msg *v1.Batch, salt []byte, items [][]byte) []Hash {
	leaves, hasher := make([]Hash, 0, len(items)+len(msg.Sealed)+1), newLeafHasher([SaltSize]byte(salt))
	for i, raw := range items {
		leaves = append(leaves, hasher.leaf(i, raw))
	}
	for _, s := range msg.Sealed {
		leaves = append(leaves, hasher.leaf(len(leaves), sealedLeaf(s)))
	}
	return append(leaves, hasher.leaf(len(leaves), headLeaf(msg)))
}

// headLeaf is what a batch's root says of its head and of the form that its items are packed in.
func headLeaf(msg *v1.Batch) []byte {
	h := msg.Head
	out := []byte("readtrail batch\x00")
	out = binary.BigEndian.AppendUint32(out, h.Format)
	out = binary.BigEndian.AppendUint64(out, h.Sequence)
	out = binary.BigEndian.AppendUint64(out, uint64(h.ReceivedUs))
	out = binary.BigEndian.AppendUint32(out, h.Count)
	out = append(append(append(out, h.Kinds...), h.ReaderSlots...), h.PatientSlots...)
	sum := sha256.Sum256(msg.Items)
	return append(out, sum[:]...)
}

// Batch is a decoded message. Its frames open when they are asked for, and stay open. It is safe for concurrent use.
type Batch struct {
	Head  *v1.BatchHead
	codec *Codec
	msg   *v1.Batch // aliases data
	data  []byte

	mu     sync.Mutex // guards what was opened
	opened *openedItems
	items  []*v1.Item
	sealed map[int][][]byte // originals by the index of their frame
	// typed is what was typed beside items, of a batch that was just made; nil: it is opened from the bytes. Never changed.
	typed map[int]*v1.FreeText
}

// Decode reads a message that stands at stream sequence and checks that its head is whole and belongs there. It keeps
// data. Errors wrap ErrCorrupt.
func (c *Codec) Decode(sequence uint64, data []byte) (*Batch, error) {
	msg := &v1.Batch{}
	if err := msg.UnmarshalVTUnsafe(data); err != nil {
		return nil, fmt.Errorf("decode batch %d: %w: %w", sequence, ErrCorrupt, err)
	}
	head := msg.Head
	n := int(head.GetCount())
	switch {
	case head == nil:
		return nil, fmt.Errorf("decode batch %d: no head: %w", sequence, ErrCorrupt)
	case head.Format != BatchFormat:
		return nil, fmt.Errorf("decode batch %d: format %d, this version reads %d: %w", sequence, head.Format, BatchFormat, ErrCorrupt)
	case head.Sequence != sequence:
		return nil, fmt.Errorf("decode batch %d: it was committed at %d: %w", sequence, head.Sequence, ErrCorrupt)
	case n == 0 || n > MaxBatchItems || len(head.Kinds) != n && len(head.Kinds) != 1 || len(head.ReaderSlots) != n || len(head.PatientSlots) != n || len(head.Root) != 32:
		return nil, fmt.Errorf("decode batch %d: head does not describe %d items: %w", sequence, n, ErrCorrupt)
	}
	return &Batch{Head: head, codec: c, msg: msg, data: data}, nil
}

// Opened is Decode for a message that Encode just made of these items: they are not unpacked again, and nobody may change
// them any more.
func (c *Codec) Opened(sequence uint64, data []byte, items []BatchItem) (*Batch, error) {
	b, err := c.Decode(sequence, data)
	if err != nil {
		return nil, err
	}
	if len(items) != b.Count() {
		return nil, fmt.Errorf("open batch %d with %d items: it has %d", sequence, len(items), b.Count())
	}
	b.items, b.typed = make([]*v1.Item, len(items)), map[int]*v1.FreeText{}
	for i := range items {
		if b.items[i] = items[i].Item; b.items[i] == nil {
			return nil, fmt.Errorf("open batch %d: item %d is missing", sequence, i)
		}
		if typed := items[i].Sealed.GetFreeText(); typed != nil {
			b.typed[i] = typed
		}
	}
	return b, nil
}

// Is reports whether the batch was decoded from these bytes.
func (b *Batch) Is(data []byte) bool { return bytes.Equal(b.data, data) }

// Size is the length of the message in bytes.
func (b *Batch) Size() int { return len(b.data) }

// Sequence is the batch's stream sequence.
func (b *Batch) Sequence() uint64 { return b.Head.Sequence }

// Count is the number of items.
func (b *Batch) Count() int { return int(b.Head.Count) }

// Position returns the position of item i.
func (b *Batch) Position(i int) Position { return At(b.Head.Sequence, i) }

// Received is when the journal received the batch.
func (b *Batch) Received() time.Time { return time.UnixMicro(b.Head.ReceivedUs).UTC() }

// Kind returns the kind of item i without opening the frame.
func (b *Batch) Kind(i int) v1.Kind {
	if len(b.Head.Kinds) == 1 {
		i = 0
	}
	return v1.Kind(b.Head.Kinds[i])
}

// sayOnce is the kinds of a head: one stands for all where all are the same.
func sayOnce(kinds []byte) []byte {
	if bytes.Count(kinds, kinds[:1]) == len(kinds) {
		return kinds[:1]
	}
	return kinds
}

// Has reports whether any item is of one of the kinds, without opening the frame.
func (b *Batch) Has(kinds ...v1.Kind) bool {
	for _, k := range kinds {
		if bytes.IndexByte(b.Head.Kinds, byte(k)) >= 0 {
			return true
		}
	}
	return false
}

// Items opens the item frame, once: all callers get the same items and must not change them. An id that follows from its
// event stands there as its mark; ItemID tells it. A string of an item keeps its neighbours in memory; who keeps one for
// long clones it. Errors wrap ErrCorrupt.
func (b *Batch) Items() ([]*v1.Item, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.items != nil {
		return b.items, nil
	}
	opened, err := b.openItems()
	if err != nil {
		return nil, err
	}
	items := make([]*v1.Item, len(opened.raws))
	for i, raw := range opened.raws {
		items[i] = &v1.Item{}
		if err := items[i].UnmarshalVTUnsafe(raw); err != nil {
			return nil, fmt.Errorf("decode item %d of batch %d: %w: %w", i, b.Head.Sequence, ErrCorrupt, err)
		}
		if KindOf(items[i]) != b.Kind(i) {
			return nil, fmt.Errorf("decode item %d of batch %d: kind differs from its head: %w", i, b.Head.Sequence, ErrCorrupt)
		}
	}
	b.items = items
	return items, nil
}

// Item returns item i for the caller's own, with its event id in its place. Errors wrap ErrCorrupt.
func (b *Batch) Item(i int) (*v1.Item, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	opened, err := b.openItems()
	if err != nil {
		return nil, err
	}
	it := &v1.Item{}
	if err := it.UnmarshalVT(opened.raws[i]); err != nil {
		return nil, fmt.Errorf("decode item %d of batch %d: %w: %w", i, b.Head.Sequence, ErrCorrupt, err)
	}
	if KindOf(it) != b.Kind(i) {
		return nil, fmt.Errorf("decode item %d of batch %d: kind differs from its head: %w", i, b.Head.Sequence, ErrCorrupt)
	}
	if a := it.GetAccess(); a != nil && isNativeMark(a.EventId) {
		a.EventId = NativeID(a).Bytes()
	}
	return it, nil
}

// openedItems is the item frame of a batch, opened.
type openedItems struct {
	salt  []byte
	raws  [][]byte
	table *columns.Table
}

// openItems opens the item frame, once. b.mu is held.
func (b *Batch) openItems() (*openedItems, error) {
	if b.opened != nil {
		return b.opened, nil
	}
	opened, err := b.unpackItems()
	if err != nil {
		return nil, fmt.Errorf("open items of batch %d: %w: %w", b.Head.Sequence, ErrCorrupt, err)
	}
	b.opened = opened
	return opened, nil
}

func (b *Batch) unpackItems() (*openedItems, error) {
	frame := &v1.Items{}
	if err := frame.UnmarshalVT(b.msg.Items); err != nil {
		return nil, fmt.Errorf("unmarshal: %w", err)
	}
	if len(frame.Salt) != SaltSize {
		return nil, fmt.Errorf("salt of %d bytes", len(frame.Salt))
	}
	text, err := b.codec.decompress(frame.Text, maxItemsFrame)
	if err != nil {
		return nil, err
	}
	table, err := columns.Unpack(columns.Packed{Text: text, Bits: frame.Bits}, b.Count(), maxItemsFrame, nil)
	if err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	raws, err := table.Records(maxItemsFrame)
	if err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	return &openedItems{salt: frame.Salt, raws: raws, table: table}, nil
}

// VerifyRoot recomputes the root from the stored bytes. It needs no key. The error wraps ErrCorrupt.
func (b *Batch) VerifyRoot() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	opened, err := b.openItems()
	if err != nil {
		return err
	}
	if root := TreeHash(batchLeaves(b.msg, opened.salt, opened.raws)); !bytes.Equal(root[:], b.Head.Root) {
		return fmt.Errorf("verify batch %d: root differs: %w", b.Head.Sequence, ErrCorrupt)
	}
	return nil
}

// compress compresses the text of a table and appends it.
func (c *Codec) compress(text, to []byte) []byte {
	switch n := len(text); {
	case n > briefText:
		return c.encoder.EncodeAll(text, to)
	case n >= mediumFrom && n <= mediumTo:
		return c.medium.EncodeAll(text, to)
	}
	return c.brief.EncodeAll(text, to)
}

func (c *Codec) decompress(data []byte, limit int) ([]byte, error) {
	var header zstd.Header
	if err := header.Decode(data); err != nil {
		return nil, fmt.Errorf("read zstd header: %w", err)
	}
	if !header.HasFCS || header.FrameContentSize > uint64(limit) {
		return nil, fmt.Errorf("zstd frame without a size, or over %d bytes", limit)
	}
	out, err := c.decoder.DecodeAll(data, make([]byte, 0, header.FrameContentSize))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if uint64(len(out)) != header.FrameContentSize {
		return nil, errors.New("decompress: more than one zstd frame")
	}
	return out, nil
}
