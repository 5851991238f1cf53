package columns_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/readtrail/readtrail/proto/columns"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/sample"
)

const limit = 64 << 20

func itemSchema() *columns.Schema {
	return columns.NewSchema((&v1.Item{}).ProtoReflect().Descriptor(), "readtrail.v1.ContextFact.resource")
}

func sealedSchema() *columns.Schema {
	return columns.NewSchema((&v1.SealedItem{}).ProtoReflect().Descriptor(), "readtrail.v1.SealedItem.original", "readtrail.v1.FreeText.query_text")
}

// roundTrip packs and unpacks records beside others, which may be none.
func roundTrip(t *testing.T, records, beside [][]byte) {
	t.Helper()
	var besideTable, besideRead *columns.Table
	if beside != nil {
		besideTable = columns.Read(beside, itemSchema())
		packed := besideTable.Pack(nil)
		var err error
		if besideRead, err = columns.Unpack(packed, len(beside), limit, nil); err != nil {
			t.Fatal(err)
		}
		same(t, besideRead, beside)
	}
	packed := columns.Read(records, sealedSchema()).Pack(besideTable)
	table, err := columns.Unpack(packed, len(records), limit, besideRead)
	if err != nil {
		t.Fatal(err)
	}
	same(t, table, records)
}

func same(t *testing.T, table *columns.Table, want [][]byte) {
	t.Helper()
	got, err := table.Records(limit)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("record %d:\n got %q\nwant %q", i, got[i], want[i])
		}
	}
}

func marshal(t testing.TB, m interface{ MarshalVT() ([]byte, error) }) []byte {
	t.Helper()
	out, err := m.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSampleEvents(t *testing.T) {
	for _, n := range []int{1, 2, 3, 64, 500} {
		g := sample.New(uint64(n))
		var items, originals [][]byte
		for range n {
			e := g.Next()
			items = append(items, marshal(t, &v1.Item{Body: &v1.Item_Access{Access: e.Access}, Content: e.Content.Check()}))
			originals = append(originals, marshal(t, &v1.SealedItem{Original: e.Original, MediaType: "application/fhir+json"}))
		}
		roundTrip(t, originals, items)
	}
}

// TestTexts packs originals of every form, alone and together.
func TestTexts(t *testing.T) {
	texts := []string{
		"", "{", `{"a":1}`, `{"a":-1.5e+3,"b":"x"}`, `{"a":"x\"y","b":"\\"}`, `{"a":"x\\\"y"}`, `["a",2,true,null]`, `{"open`,
		`{"a` + "\x00" + `":1}`, `{"a":"` + "\x00" + `"}`, "\x00", "a,b,c\r\n", "MSH|^~\\&|A|B\rPID|1||X", "<a b=\"c\">d</a>", "ø,\xff|\x00",
		`{"a":[1,22,333],"b":{"c":"d"}}`, `{}`, "{}{}", `"`, `{"n":12345678901234567890}`, " {\"a\":1}",
		`{"q":"R0VUIC9PYnNlcnZhdGlvbj9wYXRpZW50PTQyJmNvZGU9MQ=="}`, `{"q":"R0VUIC9PYnNlcnZhdGlvbj9wYXRpZW50PTQyJmNvZGU9MR=="}`, // the latter not canonical
		`{"q":"R0VUIC9PYnNlcnZhdGlvbj9wYXRpZW50PTQyAWNvZGU9"}`, `{"R0VUIC9PYnNlcnZhdGlvbj9wYXRpZW50PTQyAWNvZGU9":1}`, // a mark within
		"{\"a\u0001\":1}", "{\"a" + "\x01\x02" + "\":\"b\"}", "a\x01b\x02", "{\"a\":\"" + "\x01" + "\"}", `{"q":"AAAAAAAAAAAAAAAAAAAAAAAA"}`,
	}
	var all, items [][]byte
	for i, text := range texts {
		r := marshal(t, &v1.SealedItem{Original: []byte(text), MediaType: "text/plain"})
		item := marshal(t, &v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{Source: "s", Line: uint64(i), Message: text[:len(text)/2]}}})
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			roundTrip(t, [][]byte{r}, [][]byte{item})
			roundTrip(t, [][]byte{r, r, r}, nil)
			roundTrip(t, [][]byte{r, r, r}, [][]byte{item, item, item})
		})
		all, items = append(all, r), append(items, item)
	}
	roundTrip(t, all, items)
	roundTrip(t, append(all, all...), append(items, items...))
}

// TestOddRecords packs what no protobuf library writes.
func TestOddRecords(t *testing.T) {
	roundTrip(t, [][]byte{
		nil,
		{},
		{0},
		{0xff},
		{0x08, 0x80, 0x00},
		{0x0a, 0x81, 0x00, 'x'},
		{0x0a, 5, 'x'},
		{0x0d, 1, 2, 3, 4},
		{0x0b, 0x0c},
		{0x8a, 0x00, 1, 'x'},
		{0x1a, 2, 0x0a, 9},
		{0x1a, 2, 0x0a, 0},
		bytes.Repeat([]byte{0x08, 1}, 5000),
	}, nil)
}

func FuzzRoundTrip(f *testing.F) {
	g := sample.New(7)
	for range 3 {
		a, b := g.Next(), g.Next()
		f.Add(marshal(f, a.Access), marshal(f, b.Access), a.Original, b.Original)
	}
	f.Add([]byte("\x0a\x00"), []byte("\x0a\x01x"), []byte(`{"a":"1\"2"}`), []byte("a|b"))
	f.Fuzz(func(t *testing.T, a, b, text1, text2 []byte) {
		items := [][]byte{
			append(marshal(t, &v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{EventId: text1}}}), a...), b,
			marshal(t, &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{Resource: text2}}}), a,
		}
		s1, s2 := marshal(t, &v1.SealedItem{Original: text1}), marshal(t, &v1.SealedItem{Original: text2, MediaType: string(bytes.ToValidUTF8(a, nil))})
		roundTrip(t, [][]byte{s1, s2, append(bytes.Clone(s1), b...), a}, items)
		roundTrip(t, [][]byte{s1, s1, s2, s2}, items)
		roundTrip(t, [][]byte{s2}, items[:1])
	})
}

// FuzzUnpack feeds noise to Unpack: it fails or gives records, and packing those again gives the same ones.
func FuzzUnpack(f *testing.F) {
	g := sample.New(7)
	var items [][]byte
	for range 5 {
		items = append(items, marshal(f, &v1.Item{Body: &v1.Item_Access{Access: g.Next().Access}}))
	}
	packed := columns.Read(items, itemSchema()).Pack(nil)
	f.Add(packed.Text, packed.Bits, 5)
	f.Add(packed.Text[:len(packed.Text)/2], packed.Bits, 5)
	f.Fuzz(func(t *testing.T, text, bits []byte, n int) {
		if n < 0 || n > 4096 {
			return
		}
		table, err := columns.Unpack(columns.Packed{Text: text, Bits: bits}, n, 1<<20, nil)
		if err != nil {
			return
		}
		records, err := table.Records(1 << 20)
		if err != nil {
			return
		}
		again := columns.Read(records, itemSchema()).Pack(nil)
		read, err := columns.Unpack(again, n, 64<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		same(t, read, records)
	})
}

// TestManyAlike packs a record of thousands of values that resemble each other: the search for references is bounded.
func TestManyAlike(t *testing.T) {
	var text []byte
	text = append(text, '[')
	for i := range 3900 {
		if i > 0 {
			text = append(text, ',')
		}
		value := bytes.Repeat([]byte("ab"), 100)
		for k := range 12 {
			value[2*k] = "ab"[i>>k&1]
		}
		text = append(append(append(text, '"'), value...), '"')
	}
	record := marshal(t, &v1.SealedItem{Original: append(text, ']')})
	compared := columns.Compared(columns.Read([][]byte{record}, sealedSchema()), nil)
	if most := 65*len(record) + 64<<10; compared > most {
		t.Errorf("%d bytes were compared, want at most %d", compared, most)
	}
	roundTrip(t, [][]byte{record}, nil)
}

// TestReferencesAddUp: a few bytes that mean a large value many times do not unpack beyond the limit.
func TestReferencesAddUp(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 1<<20)
	var record []byte
	for range 100 {
		record = append(record, marshal(t, &v1.SealedItem{Original: large})...)
	}
	packed := columns.Read([][]byte{record}, sealedSchema()).Pack(nil)
	table, err := columns.Unpack(packed, 1, 8<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := table.Records(8 << 20); !errors.Is(err, columns.ErrCorrupt) {
		t.Errorf("100 MiB were unpacked under a limit of 8: %v", err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("%d bytes were taken to refuse", took)
	}
}

// TestHintsMislead packs the same shapes again and again, whose values refer to each other in another way each time, with the memory that
// remembers how they did before.
func TestHintsMislead(t *testing.T) {
	values := []string{"alpha-0001", "beta-00002", "gamma-0003", "x-alpha-0001-y", "1", "", "delta"}
	at := func(i int) string { return values[i%len(values)] }
	var without, with int
	for round := range 200 {
		var items, originals [][]byte
		for i := range 1 + round%3 {
			k := round*(i+1) + round/7
			items = append(items, marshal(t, &v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{
				Source: at(k), Reason: at(k + 1), Message: at(k + 2), Element: at(k + 3), Origin: at(k / 2),
			}}}))
			text := fmt.Sprintf(`{"a":%q,"b":%q,"c":%q,"d":%q,"e":%q}`, at(k+round), at(k+1), at(k*round), "x-"+at(k)+"-y", at(k+3))
			originals = append(originals, marshal(t, &v1.SealedItem{Original: []byte(text), MediaType: "application/json"}))
		}
		read := columns.Read(items, itemSchema())
		packedItems := read.Pack(nil)
		beside, err := columns.Unpack(packedItems, len(items), limit, nil)
		if err != nil {
			t.Fatal(err)
		}
		same(t, beside, items)
		table := columns.Read(originals, sealedSchema())
		fresh := columns.PackFresh(table, read)
		packed := table.Pack(read)
		without, with = without+len(fresh.Text)+len(fresh.Bits), with+len(packed.Text)+len(packed.Bits)
		unpacked, err := columns.Unpack(packed, len(originals), limit, beside)
		if err != nil {
			t.Fatal(err)
		}
		same(t, unpacked, originals)
		for _, p := range []columns.Packed{packed, packedItems} {
			p.Release()
		}
		table.Release()
		read.Release()
	}
	if with > without*6/5 {
		t.Errorf("with hints that mislead it takes %d bytes, without %d", with, without)
	}
}
