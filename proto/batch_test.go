package proto_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/sample"
)

func received() time.Time { return time.Date(2026, 11, 3, 9, 0, 0, 123000, time.UTC) }

func newKeys(tb testing.TB) (*proto.KeyRing, string) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "keys")
	keys, err := proto.OpenKeyRing(dir, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return keys, dir
}

func newCodec(tb testing.TB, keys *proto.KeyRing) *proto.Codec {
	tb.Helper()
	codec, err := proto.NewCodec(keys)
	if err != nil {
		tb.Fatal(err)
	}
	return codec
}

type part struct {
	item   *v1.Item
	source string
	sealed *v1.SealedItem
}

func encode(tb testing.TB, codec *proto.Codec, sequence uint64, parts []part) []byte {
	tb.Helper()
	items := make([]proto.BatchItem, len(parts))
	for i, p := range parts {
		var err error
		if items[i], err = proto.NewBatchItem(p.item, p.source, p.sealed); err != nil {
			tb.Fatal(err)
		}
	}
	out, err := codec.Encode(sequence, received(), items)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// mixed are items of many kinds, from two sources, with originals and without.
func mixed(n int) []part {
	g := sample.New(uint64(n))
	out := make([]part, n)
	for i := range out {
		switch i % 5 {
		case 0, 1:
			e := g.Next()
			out[i] = part{&v1.Item{Body: &v1.Item_Access{Access: e.Access}, Content: e.Content.Check()}, sample.Source, &v1.SealedItem{Original: e.Original, MediaType: "application/fhir+json"}}
		case 2:
			out[i] = part{item: &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: int64(i)}}}}
		case 3:
			out[i] = part{&v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{Source: "lab", Reason: "invalid_json", Line: uint64(i)}}}, "lab", &v1.SealedItem{Original: fmt.Appendf(nil, "{broken %d", i)}}
		case 4:
			out[i] = part{item: &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{Source: "emr", ResourceType: "Patient", Resource: fmt.Appendf(nil, `{"resourceType":"Patient","id":"%d"}`, i)}}}}
		}
	}
	return out
}

func checkBatch(t *testing.T, codec *proto.Codec, data []byte, sequence uint64, parts []part) {
	t.Helper()
	b, err := codec.Decode(sequence, data)
	if err != nil {
		t.Fatal(err)
	}
	if b.Sequence() != sequence || b.Count() != len(parts) || !b.Received().Equal(received()) || b.Size() != len(data) {
		t.Errorf("head is %v", b.Head)
	}
	if err := b.VerifyRoot(); err != nil {
		t.Error(err)
	}
	items, err := b.Items()
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parts {
		if !protobuf.Equal(p.item, items[i]) {
			t.Fatalf("item %d (-want +got):\n%s", i, cmp.Diff(p.item, items[i], protocmp.Transform()))
		}
		if b.Kind(i) != proto.KindOf(p.item) || !b.Has(b.Kind(i)) || b.Position(i) != proto.At(sequence, i) {
			t.Errorf("item %d: kind %s, position %s", i, b.Kind(i), b.Position(i))
		}
		original, err := b.Original(i)
		if p.sealed == nil {
			if !errors.Is(err, proto.ErrNotSealed) {
				t.Errorf("item %d without original: %v", i, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !protobuf.Equal(p.sealed, original) {
			t.Fatalf("original %d (-want +got):\n%s", i, cmp.Diff(p.sealed, original, protocmp.Transform()))
		}
	}
}

func TestBatchRoundTrip(t *testing.T) {
	keys, _ := newKeys(t)
	codec := newCodec(t, keys)
	for _, n := range []int{1, 2, 5, 64, 500, proto.MaxBatchItems} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			checkBatch(t, codec, encode(t, codec, uint64(n), mixed(n)), uint64(n), mixed(n))
		})
	}
	t.Run("all sealed", func(t *testing.T) {
		parts := []part{mixed(2)[0], mixed(2)[1]}
		checkBatch(t, codec, encode(t, codec, 9, parts), 9, parts)
	})
	t.Run("long strings", func(t *testing.T) {
		text := string(bytes.Repeat([]byte("a long text "), 50_000))
		parts := []part{{&v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{Site: text}}}, "emr", &v1.SealedItem{Original: []byte(text)}}}
		checkBatch(t, codec, encode(t, codec, 9, parts), 9, parts)
	})
	if _, err := codec.Encode(1, received(), nil); err == nil {
		t.Error("an empty batch was encoded")
	}
	if _, err := codec.Encode(1, received(), make([]proto.BatchItem, proto.MaxBatchItems+1)); err == nil {
		t.Error("a batch of too many items was encoded")
	}
	if _, err := proto.NewBatchItem(&v1.Item{}, "", nil); err == nil {
		t.Error("an item without body was taken")
	}
}

func TestDecodeRefuses(t *testing.T) {
	keys, _ := newKeys(t)
	codec := newCodec(t, keys)
	good := encode(t, codec, 5, mixed(10))
	alter := func(change func(*v1.Batch)) []byte {
		m := &v1.Batch{}
		if err := m.UnmarshalVT(bytes.Clone(good)); err != nil {
			t.Fatal(err)
		}
		change(m)
		out, err := m.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	cases := map[string][]byte{
		"nothing": nil, "noise": []byte("noise"), "no head": alter(func(m *v1.Batch) { m.Head = nil }),
		"format":          alter(func(m *v1.Batch) { m.Head.Format = 1 }),
		"other sequence":  alter(func(m *v1.Batch) { m.Head.Sequence = 6 }),
		"no items":        alter(func(m *v1.Batch) { m.Head.Count = 0 }),
		"too many items":  alter(func(m *v1.Batch) { m.Head.Count = 5000 }),
		"no kinds":        alter(func(m *v1.Batch) { m.Head.Kinds = nil }),
		"too few kinds":   alter(func(m *v1.Batch) { m.Head.Kinds = m.Head.Kinds[1:] }),
		"too few readers": alter(func(m *v1.Batch) { m.Head.ReaderSlots = nil }),
		"short root":      alter(func(m *v1.Batch) { m.Head.Root = m.Head.Root[1:] }),
	}
	for name, data := range cases {
		if _, err := codec.Decode(5, data); !errors.Is(err, proto.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := codec.Decode(6, good); !errors.Is(err, proto.ErrCorrupt) {
		t.Errorf("moved: %v", err)
	}
}

// TestEveryByteCounts flips each byte of a batch: decoding fails, or its root does.
func TestEveryByteCounts(t *testing.T) {
	keys, _ := newKeys(t)
	codec := newCodec(t, keys)
	good := encode(t, codec, 5, mixed(10))
	for i := range good {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= mask
			b, err := codec.Decode(5, bad)
			if err == nil {
				err = b.VerifyRoot()
			}
			if !errors.Is(err, proto.ErrCorrupt) {
				t.Fatalf("byte %d of %d xor %#x: %v", i, len(good), mask, err)
			}
		}
	}
}

func TestDestroyedKey(t *testing.T) {
	keys, dir := newKeys(t)
	codec := newCodec(t, keys)
	data := encode(t, codec, 5, mixed(10))
	day := int32(received().Unix() / 86400)
	b, err := codec.Decode(5, data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Original(0); err != nil {
		t.Fatal(err)
	}
	typed := []proto.BatchItem{typedItem(t)}
	message, err := codec.Encode(6, received(), typed)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := codec.Opened(6, message, typed)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := opened.FreeText(0); err != nil || text.GetBreakGlassText() != "on call" {
		t.Fatalf("%v, %v", text, err)
	}
	if n, err := keys.Destroy(sample.Source, day); n != 1 || err != nil {
		t.Fatalf("destroyed %d keys: %v", n, err)
	}
	if text, err := opened.FreeText(0); text != nil || !errors.Is(err, proto.ErrKeyGone) {
		t.Errorf("what was typed outlives its key: %v, %v", text, err)
	}
	for name, c := range map[string]*proto.Codec{"the same codec": codec, "no key ring": newCodec(t, nil)} {
		again, err := c.Decode(5, data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Original(0); !errors.Is(err, proto.ErrKeyGone) {
			t.Errorf("%s: %v", name, err)
		}
		if err := again.VerifyRoot(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Original(0); !errors.Is(err, proto.ErrKeyGone) {
		t.Errorf("a batch that was open: %v", err)
	}
	if _, err := b.Original(3); err != nil {
		t.Errorf("another source's original: %v", err)
	}
	// The next batch of that day gets a new key, which a ring that is opened anew finds.
	after := encode(t, codec, 6, mixed(10))
	reopened, err := proto.OpenKeyRing(dir, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	checkBatch(t, newCodec(t, reopened), after, 6, mixed(10))
	if _, err := proto.OpenKeyRing(dir, bytes.Repeat([]byte{8}, 32)); !errors.Is(err, proto.ErrMasterKey) {
		t.Errorf("under another master key: %v, want ErrMasterKey", err)
	}
}

// TestOriginalsCannotBeMoved puts the sealed frame of one batch into another.
func TestOriginalsCannotBeMoved(t *testing.T) {
	keys, _ := newKeys(t)
	codec := newCodec(t, keys)
	var a, b v1.Batch
	if err := a.UnmarshalVT(encode(t, codec, 1, mixed(2))); err != nil {
		t.Fatal(err)
	}
	if err := b.UnmarshalVT(encode(t, codec, 2, mixed(2))); err != nil {
		t.Fatal(err)
	}
	b.Sealed = a.Sealed
	data, err := b.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	moved, err := codec.Decode(2, data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := moved.Original(0); !errors.Is(err, proto.ErrCorrupt) {
		t.Errorf("original: %v", err)
	}
	if err := moved.VerifyRoot(); !errors.Is(err, proto.ErrCorrupt) {
		t.Errorf("root: %v", err)
	}
}

func TestMasterKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := proto.LoadMasterKey(path, false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	made, err := proto.LoadMasterKey(path, true)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := proto.LoadMasterKey(path, false)
	if err != nil || !bytes.Equal(made, loaded) {
		t.Errorf("loaded another key: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %s, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := proto.LoadMasterKey(path, true); err == nil {
		t.Error("a short key was loaded")
	}
	if _, err := proto.OpenKeyRing(t.TempDir(), []byte("short")); err == nil {
		t.Error("a ring opened under a short key")
	}
}

// FuzzDecode feeds noise to Decode. What it accepts, it opens without panic, and what has its root encodes and decodes to
// the same items.
func FuzzDecode(f *testing.F) {
	keys, _ := newKeys(f)
	codec := newCodec(f, keys)
	for _, n := range []int{1, 7} {
		f.Add(encode(f, codec, 5, mixed(n)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := codec.Decode(5, data)
		if err != nil {
			if !errors.Is(err, proto.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		items, err := b.Items()
		for i := range b.Count() {
			_, _ = b.Original(i) // must not panic
		}
		if err != nil || b.VerifyRoot() != nil {
			return
		}
		parts := make([]part, len(items))
		for i, it := range items {
			parts[i] = part{item: it}
		}
		again, err := codec.Decode(5, encode(t, codec, 5, parts))
		if err != nil {
			t.Fatal(err)
		}
		back, err := again.Items()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(items, back, protocmp.Transform()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestMasterKeyIsChecked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys[1]") // a name that a pattern would not match
	right, wrong := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	seal := func(keys *proto.KeyRing) {
		t.Helper()
		codec, err := proto.NewCodec(keys)
		if err != nil {
			t.Fatal(err)
		}
		item := &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{EventId: bytes.Repeat([]byte{7}, 20), Source: "ehr"}}}
		entry, err := proto.NewBatchItem(item, "ehr", &v1.SealedItem{Original: []byte("as it came")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := codec.Encode(1, time.Unix(1_800_000_000, 0), []proto.BatchItem{entry}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second ring finds the first one's key
		keys, err := proto.OpenKeyRing(dir, right)
		if err != nil {
			t.Fatal(err)
		}
		seal(keys)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d key files of one source and day, %v; want 1", len(files), err)
	}
	if used, err := proto.HasKeys(dir); err != nil || !used {
		t.Errorf("has keys: %v, %v", used, err)
	}
	if _, err := proto.OpenKeyRing(dir, wrong); !errors.Is(err, proto.ErrMasterKey) {
		t.Errorf("another master key: %v, want ErrMasterKey", err)
	}
	keys, err := proto.OpenKeyRing(dir, right)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := keys.Destroy("ehr", int32(1_800_000_000/86400)); err != nil || n != 1 {
		t.Errorf("destroyed %d keys, %v; want 1", n, err)
	}
}

// TestNativeIDs: an id that follows from its event takes one byte, and comes back whole; any other stays as it is.
func TestNativeIDs(t *testing.T) {
	codec := newCodec(t, nil)
	access := func(native bool) *v1.AccessEvent {
		a := &v1.AccessEvent{Source: "emr", Observer: "a", Site: "b", SourceEventId: "17", RecordedUs: 1_800_000_000_000_000}
		if a.EventId = proto.NativeMark(); !native {
			a.EventId = proto.NewEventID(proto.EventIdentity{Source: "emr", Key: []byte("17")}).Bytes()
		}
		return a
	}
	var items []proto.BatchItem
	var want [][]byte
	for _, native := range []bool{true, false, true} {
		a := access(native)
		it := &v1.Item{Body: &v1.Item_Access{Access: a}}
		id, err := proto.ItemID(it)
		if err != nil {
			t.Fatal(err)
		}
		if native && id != proto.NativeID(a) || !native && !bytes.Equal(id.Bytes(), a.EventId) {
			t.Fatalf("native %t: the item stands for %s", native, id)
		}
		item, err := proto.NewBatchItem(it, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		items, want = append(items, item), append(want, id.Bytes())
	}
	if items[0].Size()+proto.EventIDSize-1 != items[1].Size() {
		t.Errorf("items take %d and %d bytes", items[0].Size(), items[1].Size())
	}
	message, err := codec.Encode(5, received(), items)
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.Decode(5, message)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Items()
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if id, err := proto.ItemID(got[i]); err != nil || !bytes.Equal(id.Bytes(), want[i]) {
			t.Errorf("item %d has another id, %v", i, err)
		}
		one, err := b.Item(i)
		if err != nil || !bytes.Equal(one.GetAccess().EventId, want[i]) {
			t.Errorf("item %d alone has another id, %v", i, err)
		}
	}
	if err := b.VerifyRoot(); err != nil {
		t.Error(err)
	}
	if len(b.Head.Kinds) != 1 || b.Kind(2) != v1.Kind_KIND_ACCESS || !b.Has(v1.Kind_KIND_ACCESS) || b.Has(v1.Kind_KIND_TICK) {
		t.Errorf("kinds are %v", b.Head.Kinds)
	}
}

// typedItem is an access with a text that its reader typed.
func typedItem(t *testing.T) proto.BatchItem {
	t.Helper()
	e := sample.New(1).Next()
	it, err := proto.NewBatchItem(&v1.Item{Body: &v1.Item_Access{Access: e.Access}, Content: e.Content.Check()}, sample.Source,
		&v1.SealedItem{Original: e.Original, FreeText: &v1.FreeText{BreakGlassText: "on call"}})
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// TestOpened: a batch that is opened with the items that it was made of says what one says that is opened from its bytes.
func TestOpened(t *testing.T) {
	keys, _ := newKeys(t)
	codec := newCodec(t, keys)
	items := []proto.BatchItem{typedItem(t)}
	for _, p := range mixed(40) {
		it, err := proto.NewBatchItem(p.item, p.source, p.sealed)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	message, err := codec.Encode(9, received(), items)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := codec.Opened(9, message, items)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := codec.Decode(9, message)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decoded.Items()
	if err != nil {
		t.Fatal(err)
	}
	got, err := opened.Items()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("the items differ (-bytes +made of):\n%s", diff)
	}
	if err := opened.VerifyRoot(); err != nil {
		t.Error(err)
	}
	for i := range items {
		first, err := opened.FreeText(i)
		if second, other := decoded.FreeText(i); err != nil || other != nil || (first != nil) != (i == 0) || !cmp.Equal(first, second, protocmp.Transform()) {
			t.Errorf("item %d: what was typed differs: %v, %v, %v, %v", i, first, second, err, other)
		}
	}
	first, err := opened.Original(6)
	if second, other := decoded.Original(6); err != nil || other != nil || !cmp.Equal(first, second, protocmp.Transform()) {
		t.Errorf("the originals differ, %v, %v", err, other)
	}
	if _, err := codec.Opened(9, message, items[1:]); err == nil {
		t.Error("a batch was opened with items that are not all its own")
	}
	if _, err := codec.Opened(9, message, make([]proto.BatchItem, len(items))); err == nil {
		t.Error("a batch was opened without its items")
	}
}

// TestEncodeAgain: what one batch was encoded in says nothing in the next one, of other sizes and kinds, and encoders that work side
// by side do not share it.
func TestEncodeAgain(t *testing.T) {
	keys, _ := newKeys(t)
	codec := newCodec(t, keys)
	for worker := range 4 {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{300, 1, 40, 2000, 3} {
				parts := append(mixed(n), part{item: &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{}}}, source: "a", sealed: &v1.SealedItem{}})
				checkBatch(t, codec, encode(t, codec, 7, parts), 7, parts)
			}
		})
	}
}

// TestChangedMeanwhile: an item that was changed after it was offered is refused, not written half.
func TestChangedMeanwhile(t *testing.T) {
	keys, _ := newKeys(t)
	for _, site := range []string{"", "north", "north of everything that is known here"} {
		it := &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{Source: "ehr", Site: "north"}}}
		before, err := proto.NewBatchItem(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: 1}}}, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := proto.NewBatchItem(it, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		it.GetAccess().Site = site
		if _, err := newCodec(t, keys).Encode(1, received(), []proto.BatchItem{before, entry}); (err == nil) != (site == "north") {
			t.Errorf("changed to %d bytes: %v", len(site), err)
		}
	}
}

// TestDigest: an original's hash that its reader took already makes the same leaf, and a wrong one is found when the original is opened.
func TestDigest(t *testing.T) {
	keys, _ := newKeys(t)
	codec := newCodec(t, keys)
	for _, sealed := range []*v1.SealedItem{
		{Original: []byte(`{"resourceType":"AuditEvent"}`), MediaType: "application/fhir+json"},
		{Original: bytes.Repeat([]byte("long "), 100), FreeText: &v1.FreeText{QueryText: "name=x"}},
		{FreeText: &v1.FreeText{QueryText: "name=x"}},
		{MediaType: "text/plain"},
		{},
	} {
		for _, digest := range []proto.Hash{{}, sha256.Sum256(sealed.Original), {1}} {
			it, err := proto.NewBatchItem(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: 1}}}, "a", sealed)
			if err != nil {
				t.Fatal(err)
			}
			it.Digest = digest
			message, err := codec.Encode(3, received(), []proto.BatchItem{it, it})
			if err != nil {
				t.Fatal(err)
			}
			b, err := codec.Decode(3, message)
			if err != nil {
				t.Fatal(err)
			}
			original, err := b.Original(1)
			if digest == (proto.Hash{1}) {
				if !errors.Is(err, proto.ErrCorrupt) {
					t.Errorf("a wrong digest of %q was not found: %v", sealed.Original, err)
				}
				continue
			}
			if err != nil || !protobuf.Equal(original, sealed) {
				t.Errorf("got %v and %v, want %v", original, err, sealed)
			}
		}
	}
}
