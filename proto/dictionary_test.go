package proto_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/readtrail/readtrail/proto/columns"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/sample"
)

var update = flag.Bool("update", false, "rewrite golden files")

// dictionaryDocuments are originals of the forms that sources send (R4 and R5, IHE's and DICOM's patterns), the most usual last: a
// dictionary's end is nearest. Beside each stands the item that ingest/fhir makes of it.
func dictionaryDocuments(t *testing.T) (items []*v1.Item, originals [][]byte) {
	t.Helper()
	read := func(name string) [][]byte {
		data, err := os.ReadFile(filepath.Join("testdata", "dictionary", name))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Split(bytes.TrimSpace(data), []byte{'\n'})
	}
	for _, line := range read("items.ndjson") {
		it := &v1.Item{}
		if err := protojson.Unmarshal(line, it); err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	originals = read("originals.ndjson")
	if len(items) != len(originals) {
		t.Fatalf("%d items, %d originals", len(items), len(originals))
	}
	return items, originals
}

// makeDictionary packs the documents and sample events as lone entries and strings their texts together. What such texts are
// told with, once the dictionary has said the rest, gives the tables of codes that it begins with: a lone entry would spend
// a tenth on tables of its own.
func makeDictionary(t *testing.T) []byte {
	t.Helper()
	// Packers that earlier tests gave back pack by what they learned there. The second collection empties what the first one set aside.
	runtime.GC()
	runtime.GC()
	itemSchema := columns.NewSchema((&v1.Item{}).ProtoReflect().Descriptor(), "readtrail.v1.ContextFact.resource")
	sealedSchema := columns.NewSchema((&v1.SealedItem{}).ProtoReflect().Descriptor(), "readtrail.v1.SealedItem.original", "readtrail.v1.FreeText.query_text")
	texts := func(it *v1.Item, original []byte) [][]byte {
		raw, err := it.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := (&v1.SealedItem{Original: original, MediaType: "application/fhir+json"}).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		table := columns.Read([][]byte{raw}, itemSchema)
		return [][]byte{columns.Read([][]byte{sealed}, sealedSchema).Pack(table).Text, table.Pack(nil).Text}
	}
	g := sample.New(99)
	event := func() [][]byte {
		e := g.Next()
		return texts(&v1.Item{Body: &v1.Item_Access{Access: e.Access}, Content: e.Content.Check()}, e.Original)
	}
	var history, contents [][]byte
	for range 2 {
		history = append(history, event()...)
	}
	items, originals := dictionaryDocuments(t)
	for i := range items {
		history = append(history, texts(items[i], originals[i])...)
	}
	for range 200 {
		contents = append(contents, event()...)
	}
	out, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID: 1, Contents: contents, History: bytes.Join(history, nil), Offsets: [3]int{1, 4, 8}, Level: zstd.SpeedBetterCompression,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDictionaryIsNeverChanged holds the dictionary to what its documents give: batches that were written with it can
// only be read with the very same bytes. A better one gets a new id.
func TestDictionaryIsNeverChanged(t *testing.T) {
	want, path := makeDictionary(t), "dictionary1.bin"
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, its documents give %d others: make dictionary 2 instead", path, len(got), len(want))
	}
}
