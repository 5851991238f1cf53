package csv_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
)

// FuzzPieces: whatever comes in, the pieces together are the input, however it is read.
func FuzzPieces(f *testing.F) {
	f.Add([]byte("\xef\xbb\xbfa,b\r\n\"x\n\"\"y\",2\n\n#c\n1,\"open\n2,3\n"), byte(','), byte('"'), "#", 3, 2)
	f.Add([]byte("a|b\n\"\"|\"\n"), byte('|'), byte('"'), "", 50, 0)
	f.Fuzz(func(t *testing.T, input []byte, delimiter, quote byte, comment string, lines, columns int) {
		lines, columns = lines&1023, columns&2047
		if delimiter == '\n' || delimiter == '\r' || delimiter == quote || quote == '\n' || quote == '\r' || len(comment) > 10 || strings.ContainsAny(comment, "\r\n") {
			t.Skip()
		}
		whole, bad, err := csv.Pieces(bytes.NewReader(input), delimiter, quote, comment, lines, columns)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.Join(whole, nil), input) {
			t.Fatal("the pieces are not the input")
		}
		slow, badToo, err := csv.Pieces(iotest.OneByteReader(bytes.NewReader(input)), delimiter, quote, comment, lines, columns)
		if err != nil || bad != badToo || !bytes.Equal(bytes.Join(slow, []byte{0}), bytes.Join(whole, []byte{0})) {
			t.Fatalf("read byte by byte it differs: %d and %d bad, %v", bad, badToo, err)
		}
	})
}

// FuzzDecode: decoding is deterministic, and every byte of a row is in the original of an entry.
func FuzzDecode(f *testing.F) {
	var mappings []*csv.Mapping
	for _, name := range csv.Presets() {
		mappings = append(mappings, preset(f, name))
	}
	f.Add([]byte(epicHeader+"\n1\t2\t2026-03-02 13:45\tU1\tWS1\t\"E\nD\"\t17\tChart\tZ100\t4711\n\"\n"), byte(0))
	f.Add([]byte("EMPLOYEE_ID,SHIFT_START,SHIFT_END\n1,2026-03-02 13:45,2026-03-02 13:46\n"), byte(4))
	f.Add([]byte("EMPLOYEE_ID,LAST_NAME,DEPARTMENT,JOB_TITLE,ACTIVE\n1,a,b,c,maybe\n2,a,b,c,y\n"), byte(3))
	zone := vienna(f)
	f.Fuzz(func(t *testing.T, input []byte, which byte) {
		m := mappings[int(which)%len(mappings)]
		run := func() (string, error) {
			var out strings.Builder
			cfg := csv.Config{Mapping: m, Source: ingest.Source{Name: "s", Zone: zone}, ImportID: []byte("i")}
			err := csv.Decode(t.Context(), cfg, bytes.NewReader(input), func(b csv.Batch) error {
				for _, e := range b.Entries {
					raw, err := e.Item.MarshalVT()
					if err != nil {
						return err
					}
					out.Write(raw)
					out.Write(e.ID[:])
					out.Write(e.Content[:])
					if !bytes.Contains(input, e.Sealed.Original) {
						t.Fatal("an original is not in the input")
					}
				}
				return nil
			})
			return out.String(), err
		}
		one, err1 := run()
		two, err2 := run()
		if one != two || (err1 == nil) != (err2 == nil) {
			t.Fatal("decoding twice differs")
		}
		if bad := (*ingest.DecodeError)(nil); err1 != nil && !errors.As(err1, &bad) {
			t.Fatalf("not a decode error: %v", err1)
		}
	})
}

// FuzzTime: the shortcut reads what time.Parse reads, or leaves it alone.
func FuzzTime(f *testing.F) {
	f.Add("2026-01-02 03:04:05.678")
	f.Add("2026-02-29T03:04:05Z")
	f.Add("2026-01-02 03:04")
	f.Fuzz(func(t *testing.T, text string) {
		for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05Z07:00"} {
			got, ok := csv.FastParse(layout, text)
			if !ok {
				continue
			}
			want, err := time.Parse(layout, text)
			if err != nil || !want.Equal(got) {
				t.Fatalf("%s: %q is %v, time.Parse says %v, %v", layout, text, got, want, err)
			}
		}
	})
}

// FuzzParse: a mapping that is accepted stays the same when it is accepted again.
func FuzzParse(f *testing.F) {
	for _, name := range csv.Presets() {
		text, err := csv.PresetText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := csv.Parse(text)
		if err != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatalf("accepted and not valid: %v", err)
		}
	})
}
