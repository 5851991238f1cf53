package embedded_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/embedded"
)

var statements = []struct {
	query string
	want  embedded.Statement
}{
	{"", embedded.Statement{}},
	{"SELECT 1", embedded.Statement{Keyword: "SELECT", ReadOnly: true, Streamable: true}},
	{"select 1 format JSON", embedded.Statement{Keyword: "SELECT", Format: "JSON", ReadOnly: true, Streamable: true}},
	{"SELECT 1 FORMAT JSON; -- end", embedded.Statement{Keyword: "SELECT", Format: "JSON", ReadOnly: true, Streamable: true}},
	{"SELECT 1 FORMAT JSON SETTINGS max_threads = 1", embedded.Statement{Keyword: "SELECT", Format: "JSON", ReadOnly: true, Streamable: true}},
	{"SELECT format FROM t", embedded.Statement{Keyword: "SELECT", ReadOnly: true, Streamable: true}},
	{"SELECT (SELECT 1 FORMAT JSON)", embedded.Statement{Keyword: "SELECT", ReadOnly: true, Streamable: true}},
	{"SELECT ' FORMAT JSON'", embedded.Statement{Keyword: "SELECT", ReadOnly: true, Streamable: true}},
	{"SELECT 1 -- FORMAT JSON", embedded.Statement{Keyword: "SELECT", ReadOnly: true, Streamable: true}},
	{"SELECT 1; SELECT 2", embedded.Statement{Keyword: "SELECT", Several: true, ReadOnly: true, Streamable: true}},
	{"SELECT $$;$$, $a$ ; $a$", embedded.Statement{Keyword: "SELECT", ReadOnly: true, Streamable: true}},
	{"(SELECT 1)", embedded.Statement{Keyword: "(", ReadOnly: true, Streamable: true}},
	{"/* x */ # y\nWITH 1 AS x SELECT x", embedded.Statement{Keyword: "WITH", ReadOnly: true, Streamable: true}},
	{"SHOW TABLES", embedded.Statement{Keyword: "SHOW", ReadOnly: true}},
	{"SET a = 1", embedded.Statement{Keyword: "SET", SessionOnly: true}},
	{"SELECT 1 INTO OUTFILE 'x'", embedded.Statement{Keyword: "SELECT", File: true, ReadOnly: true, Streamable: true}},
	{"INSERT INTO t FROM INFILE 'x' FORMAT CSV", embedded.Statement{Keyword: "INSERT", Format: "CSV", File: true}},
	{"INSERT INTO t FORMAT Native", embedded.Statement{Keyword: "INSERT", Format: "Native"}},
	{"INSERT INTO t (a, format) SETTINGS x = 1 FORMAT Native ;\n", embedded.Statement{Keyword: "INSERT", Format: "Native"}},
	{"INSERT INTO t FORMAT CSV 1;2", embedded.Statement{Keyword: "INSERT", Format: "CSV", Inline: true}},
	{"INSERT INTO t VALUES (1); (2)", embedded.Statement{Keyword: "INSERT", Inline: true}},
	{"INSERT INTO t SELECT 1", embedded.Statement{Keyword: "INSERT"}},
	{"INSERT INTO `values` SELECT 1; SELECT 2", embedded.Statement{Keyword: "INSERT", Several: true}},
	{"CREATE TABLE t (a UInt8) ENGINE = Memory", embedded.Statement{Keyword: "CREATE"}},
	{"'", embedded.Statement{}},
}

func TestScan(t *testing.T) {
	for _, tc := range statements {
		if diff := cmp.Diff(tc.want, embedded.Scan(tc.query)); diff != "" {
			t.Errorf("%q: %s", tc.query, diff)
		}
	}
}

// FuzzScan: comments and white space around a statement change nothing, and quoted text is never read as words.
func FuzzScan(f *testing.F) {
	for _, tc := range statements {
		f.Add(tc.query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		want := embedded.Scan(query)
		if got := embedded.Scan("/* FORMAT x; */\n-- INSERT;\n" + query); got != want {
			t.Fatalf("with comments before: %+v, without: %+v", got, want)
		}
		for _, quoted := range []string{embedded.QuoteString(query), embedded.QuoteName(query)} {
			got := embedded.Scan("SELECT " + quoted + " FORMAT TSV")
			if got != (embedded.Statement{Keyword: "SELECT", Format: "TSV", ReadOnly: true, Streamable: true}) {
				t.Fatalf("%s is read as %+v", quoted, got)
			}
		}
	})
}

// FuzzFrames: framed bytes come back as they were; framed bytes that were cut off are an error, never a shorter answer.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("hello"), uint16(3), uint8(0))
	f.Add(bytes.Repeat([]byte("abc"), 1000), uint16(700), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, method uint8) {
		if len(data) > 2000 {
			t.Skip("longer than it needs to be")
		}
		w := compress.NewWriter(compress.LevelZero, []compress.Method{compress.LZ4, compress.ZSTD, compress.None}[method%3])
		var framed []byte
		var ends []int
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 100+int(cut)%400)
			if err := w.Compress(rest[:n]); err != nil {
				t.Fatal(err)
			}
			framed, rest = append(framed, w.Data...), rest[n:]
			ends = append(ends, len(framed))
		}
		got, err := io.ReadAll(embedded.NewFrameReader(bytes.NewReader(framed)))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d of %d bytes, %v", len(got), len(data), err)
		}
		at := int(cut)
		if at == 0 || at >= len(framed) {
			return
		}
		whole := false
		for _, end := range ends {
			whole = whole || end == at
		}
		_, err = io.ReadAll(embedded.NewFrameReader(bytes.NewReader(framed[:at])))
		if (err == nil) != whole || errors.Is(err, io.EOF) {
			t.Fatalf("cut at %d of %d (whole frames: %v): %v", at, len(framed), whole, err)
		}
	})
}
