package store_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// nativeBlock is three columns of two rows in Native format: strings for a dictionary, a list, a time.
func nativeBlock() []byte {
	text := func(b []byte, s string) []byte { return append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b := []byte{3, 2}
	b = text(text(b, "name"), "String")
	b = text(text(b, "a\x00b;"), "")
	b = text(text(b, "list"), "Array(String)")
	b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, 2), 2)
	b = text(text(b, "x"), "y")
	b = text(text(b, "at"), "DateTime64(6, 'UTC')")
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, 1_700_000_000_123_456), 0)
}

// TestInsertNative: both ways of inserting a block give the same rows.
func TestInsertNative(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	columns := []string{"name", "list", "at"}
	ways := map[string]func(table string) error{
		"plain": func(table string) error {
			return s.InsertNative(ctx, "test", table, columns, bytes.NewReader(nativeBlock()))
		},
		"decoded": func(table string) error {
			return s.InsertDecoded(ctx, "test", table, columns, bytes.NewReader(nativeBlock()))
		},
	}
	for way, insert := range ways {
		err := s.Exec(ctx, "CREATE TABLE "+way+" (name LowCardinality(String), list Array(LowCardinality(String)), at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY name", nil)
		if err != nil {
			t.Fatal(store.Detail(err))
		}
		if err := insert(way); err != nil {
			t.Fatalf("%s: %v: %s", way, err, store.Detail(err))
		}
		var got []string
		err = s.Query(ctx, "SELECT toString(tuple(hex(name), list, at)) FROM "+way, nil, func(row store.Row) error {
			var text string
			err := row.Scan(&text)
			got = append(got, text)
			return err
		})
		if err != nil {
			t.Fatal(store.Detail(err))
		}
		slices.Sort(got)
		want := []string{"('',[],'1970-01-01 00:00:00.000000')", "('6100623B',['x','y'],'2023-11-14 22:13:20.123456')"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", way, diff)
		}
	}
	if err := s.InsertNative(ctx, "", "plain", columns, bytes.NewReader([]byte{9, 9, 9})); err == nil {
		t.Error("a damaged block was taken")
	}
}
