package proto

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/readtrail/readtrail/proto/columns"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ErrNotSealed says that an item has no original: nothing was sealed beside it.
var ErrNotSealed = errors.New("item has no original")

// sealAll groups what has to be sealed by source, in the order sources first appear, and seals each group.
func (c *Codec) sealAll(head *v1.BatchHead, items []BatchItem, table *columns.Table, work *workspace) ([]*v1.SealedFrame, error) {
	var order []string
	groups := map[string][]uint32{}
	for i, it := range items {
		if it.Sealed == nil {
			continue
		}
		if _, seen := groups[it.Source]; !seen {
			order = append(order, it.Source)
		}
		groups[it.Source] = append(groups[it.Source], uint32(i))
	}
	var out []*v1.SealedFrame
	for _, source := range order {
		frame, err := c.sealGroup(head, items, table, sealGroup{source, groups[source], work})
		if err != nil {
			return nil, err
		}
		out = append(out, frame)
	}
	return out, nil
}

// sealGroup is what a batch seals of one source, and the memory to do it in.
type sealGroup struct {
	source  string
	indexes []uint32
	work    *workspace
}

func (c *Codec) sealGroup(head *v1.BatchHead, items []BatchItem, table *columns.Table, g sealGroup) (*v1.SealedFrame, error) {
	if c.keys == nil {
		return nil, errors.New("seal originals: no key ring")
	}
	content := &v1.SealedItems{Salt: make([]byte, SaltSize)}
	if _, err := rand.Read(content.Salt); err != nil {
		return nil, fmt.Errorf("salt originals: %w", err)
	}
	raws, err := g.work.originals.serialiseSealed(items, g.indexes)
	if err != nil {
		return nil, fmt.Errorf("seal originals: %w", err)
	}
	originals := columns.Read(raws, c.sealedSchema)
	defer originals.Release()
	packed := originals.Pack(table.Select(g.indexes))
	defer packed.Release()
	g.work.compressed = c.compress(packed.Text, g.work.compressed[:0])
	content.Text, content.Bits = g.work.compressed, packed.Bits
	plain, err := content.MarshalVT()
	if err != nil {
		return nil, fmt.Errorf("marshal originals: %w", err)
	}
	frame := &v1.SealedFrame{Source: g.source, Day: dayOf(head.ReceivedUs)}
	if len(g.indexes) < len(items) {
		frame.Items = g.indexes
	}
	root := TreeHash(sealedLeaves(content.Salt, raws, func(k int) Hash { return items[g.indexes[k]].Digest }))
	frame.Root = root[:]
	key, err := c.keys.forSealing(g.source, frame.Day)
	if err != nil {
		return nil, fmt.Errorf("seal originals: %w", err)
	}
	frame.KeyId = key.id[:]
	frame.Nonce = make([]byte, key.aead.NonceSize())
	if _, err := rand.Read(frame.Nonce); err != nil {
		return nil, fmt.Errorf("seal originals: %w", err)
	}
	frame.Ciphertext = key.aead.Seal(nil, frame.Nonce, plain, associated(head.Sequence, frame))
	return frame, nil
}

// frameOf returns which sealed frame holds what was sealed beside item i, and where in it; -1 when nothing was.
func (b *Batch) frameOf(i int) (n, at int) {
	for n, frame := range b.msg.Sealed {
		if at := indexIn(frame.Items, i); at >= 0 {
			return n, at
		}
	}
	return -1, -1
}

// keyOf returns the key that opens a sealed frame.
func (b *Batch) keyOf(frame *v1.SealedFrame) (*dataKey, error) {
	if b.codec.keys == nil {
		return nil, fmt.Errorf("open originals of batch %d: no key ring: %w", b.Head.Sequence, ErrKeyGone)
	}
	key, err := b.codec.keys.forOpening(frame.Source, frame.Day, frame.KeyId)
	if err != nil {
		return nil, fmt.Errorf("open originals of batch %d: %w", b.Head.Sequence, err)
	}
	return key, nil
}

// FreeText returns what was typed beside item i, nil for nothing; errors are those of Original. In a batch of Opened nothing is
// decrypted for it, but the key has to be there as for any other.
func (b *Batch) FreeText(i int) (*v1.FreeText, error) {
	n, _ := b.frameOf(i)
	if n < 0 {
		return nil, nil
	}
	if b.typed == nil {
		sealed, err := b.Original(i)
		return sealed.GetFreeText(), err
	}
	if _, err := b.keyOf(b.msg.Sealed[n]); err != nil {
		return nil, err
	}
	return b.typed[i], nil
}

// Original opens the sealed part of item i. It returns ErrNotSealed when there is none and ErrKeyGone when its key was
// destroyed: then the original was redacted on purpose, or the key ring is the wrong one.
func (b *Batch) Original(i int) (*v1.SealedItem, error) {
	if n, at := b.frameOf(i); n >= 0 {
		raws, err := b.openSealed(n)
		if err != nil {
			return nil, err
		}
		if at >= len(raws) {
			return nil, fmt.Errorf("open original %d of batch %d: frame is short: %w", i, b.Head.Sequence, ErrCorrupt)
		}
		out := &v1.SealedItem{}
		if err := out.UnmarshalVT(raws[at]); err != nil {
			return nil, fmt.Errorf("open original %d of batch %d: %w: %w", i, b.Head.Sequence, ErrCorrupt, err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("open original %d of batch %d: %w", i, b.Head.Sequence, ErrNotSealed)
}

// openSealed opens sealed frame n, once while its key is there: a destroyed key closes it again.
func (b *Batch) openSealed(n int) ([][]byte, error) {
	frame := b.msg.Sealed[n]
	key, err := b.keyOf(frame)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	items, err := b.openItems()
	if err != nil {
		return nil, err
	}
	if raws, ok := b.sealed[n]; ok {
		return raws, nil
	}
	raws, err := b.unseal(frame, key, items)
	if err != nil {
		return nil, fmt.Errorf("open originals of batch %d: %w: %w", b.Head.Sequence, ErrCorrupt, err)
	}
	if b.sealed == nil {
		b.sealed = map[int][][]byte{}
	}
	b.sealed[n] = raws
	return raws, nil
}

func (b *Batch) unseal(frame *v1.SealedFrame, key *dataKey, items *openedItems) ([][]byte, error) {
	if len(frame.Nonce) != key.aead.NonceSize() {
		return nil, fmt.Errorf("nonce of %d bytes", len(frame.Nonce))
	}
	plain, err := key.aead.Open(nil, frame.Nonce, frame.Ciphertext, associated(b.Head.Sequence, frame))
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	content := &v1.SealedItems{}
	if err := content.UnmarshalVT(plain); err != nil {
		return nil, fmt.Errorf("unmarshal: %w", err)
	}
	if len(content.Salt) != SaltSize {
		return nil, fmt.Errorf("salt of %d bytes", len(content.Salt))
	}
	text, err := b.codec.decompress(content.Text, maxSealedFrame)
	if err != nil {
		return nil, err
	}
	beside, n := items.table, b.Count()
	if len(frame.Items) > 0 {
		if slices.Max(frame.Items) >= b.Head.Count {
			return nil, errors.New("original of an item that is not there")
		}
		beside, n = beside.Select(frame.Items), len(frame.Items)
	}
	table, err := columns.Unpack(columns.Packed{Text: text, Bits: content.Bits}, n, maxSealedFrame, beside)
	if err != nil {
		return nil, fmt.Errorf("originals: %w", err)
	}
	raws, err := table.Records(maxSealedFrame)
	if err != nil {
		return nil, fmt.Errorf("originals: %w", err)
	}
	if root := TreeHash(sealedLeaves(content.Salt, raws, nil)); string(root[:]) != string(frame.Root) {
		return nil, errors.New("root differs")
	}
	return raws, nil
}

// sealedLeaves are the leaves of what was sealed together. A leaf's data are the SHA-256 of the original and what stands beside it: so
// an original is hashed once, by whoever reads it, and anyone can take that hash of the file that they are shown. digest, when given,
// tells it where it is known.
func sealedLeaves(salt []byte, raws [][]byte, digest func(i int) Hash) []Hash {
	leaves, hasher := make([]Hash, len(raws)), newLeafHasher([SaltSize]byte(salt))
	var known Hash
	for i, raw := range raws {
		original, beside := splitOriginal(raw)
		if digest != nil {
			known = digest(i)
		}
		if digest == nil || known == (Hash{}) {
			known = sha256.Sum256(original)
		}
		leaves[i] = hasher.original(i, &known, beside)
	}
	return leaves
}

// splitOriginal cuts a serialised SealedItem into its original, which is its first field, and the rest.
func splitOriginal(raw []byte) (original, beside []byte) {
	number, kind, n := protowire.ConsumeTag(raw)
	if n < 0 || number != originalField || kind != protowire.BytesType {
		return nil, raw
	}
	original, size := protowire.ConsumeBytes(raw[n:])
	if size < 0 {
		return nil, raw
	}
	return original, raw[n+size:]
}

// originalField is the number of SealedItem.original.
const originalField = 1

// sealedLeaf is what a batch's root says of a sealed frame. It needs no key, so it can be checked after the key is gone.
func sealedLeaf(frame *v1.SealedFrame) []byte {
	sum := sha256.Sum256(frame.Ciphertext)
	out := sealContext(0, frame)
	out = append(out, frame.KeyId...)
	out = append(out, frame.Nonce...)
	out = append(out, frame.Root...)
	out = append(out, sum[:]...)
	for _, i := range frame.Items {
		out = binary.BigEndian.AppendUint32(out, i)
	}
	return out
}

// associated is the associated data of a frame: it cannot be moved to another batch, source, day or key, nor its originals
// to other items.
func associated(sequence uint64, frame *v1.SealedFrame) []byte {
	out := append(sealContext(sequence, frame), frame.KeyId...)
	for _, i := range frame.Items {
		out = binary.BigEndian.AppendUint32(out, i)
	}
	return out
}

// sealContext says which batch, source and day a frame belongs to.
func sealContext(sequence uint64, frame *v1.SealedFrame) []byte {
	out := []byte("readtrail sealed 1\x00")
	out = binary.BigEndian.AppendUint64(out, sequence)
	out = binary.BigEndian.AppendUint32(out, uint32(frame.Day))
	out = binary.BigEndian.AppendUint32(out, uint32(len(frame.Source)))
	return append(out, frame.Source...)
}

func indexIn(items []uint32, i int) int {
	if len(items) == 0 {
		return i
	}
	for k, at := range items {
		if int(at) == i {
			return k
		}
	}
	return -1
}

func dayOf(us int64) int32 {
	return int32(time.UnixMicro(us).UTC().Unix() / 86400)
}

// dataKey seals the originals of one source and day.
type dataKey struct {
	id   [8]byte
	aead cipher.AEAD
}
