package embedded_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/compress"

	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// client speaks plain HTTP to an engine's socket, as curl would.
type client struct {
	t        *testing.T
	http     *http.Client
	password string
}

func newClient(t *testing.T, engine *embedded.Engine) *client {
	t.Helper()
	u, err := url.Parse(engine.DSN())
	if err != nil {
		t.Fatal(err)
	}
	socket := u.Query().Get("socket")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t: t, http: &http.Client{Transport: transport, Timeout: time.Minute}, password: engine.Password()}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// send posts body with the URL parameters in query and optional headers ("Name: value").
func (c *client) send(method, query, body string, headers ...string) answer {
	c.t.Helper()
	res, err := c.begin(c.t.Context(), method, query, body, headers...)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	maps.Copy(res.Header, res.Trailer)
	return answer{res.StatusCode, res.Header, string(data)}
}

// begin is send as far as the answer's header.
func (c *client) begin(ctx context.Context, method, query, body string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://engine/?"+query, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(embedded.User, c.password)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return c.http.Do(req)
}

func (c *client) must(query, body string) string {
	c.t.Helper()
	a := c.send(http.MethodPost, query, body)
	if a.status != http.StatusOK {
		c.t.Fatalf("%s %.100q: status %d: %s", query, body, a.status, a.body)
	}
	return a.body
}

func q(sql string) string { return "query=" + url.QueryEscape(sql) }

// TestHTTPInterface: what curl and clickhouse-go send, and what they get.
func TestHTTPInterface(t *testing.T) {
	c := newClient(t, storetest.Engine(t))
	c.must("", "CREATE DATABASE http")
	defer func() { c.t = t; c.must("", "DROP DATABASE http SYNC") }()
	c.must("database=http", "CREATE TABLE t (a UInt32, s String) ENGINE = MergeTree ORDER BY a")

	for _, tc := range []struct{ name, query, body, want string }{
		{"query in the body", "", "SELECT 1", "1\n"},
		{"query in the URL", q("SELECT 2"), "", "2\n"},
		{"both are joined", q("SELECT 3,"), "4", "3\t4\n"},
		{"format in the query", "default_format=CSV", "SELECT 'a', 1 FORMAT JSONEachRow", "{\"'a'\":\"a\",\"1\":1}\n"},
		{"format with settings after it", "", "SELECT 'a', 1 FORMAT CSV SETTINGS max_threads = 1", "\"a\",1\n"},
		{"default format", "default_format=CSV", "SELECT 'a', 1", "\"a\",1\n"},
		{"a comment first", "", "-- hello\n/* there */ SELECT 5 -- end", "5\n"},
		{"a final semicolon", "", "SELECT 6; -- done\n", "6\n"},
		{"semicolons in strings", "", "SELECT 'a;b', `x;y` FROM (SELECT 1 AS `x;y`)", "a;b\t1\n"},
		{"union in brackets", "", "(SELECT 1) UNION ALL (SELECT 1)", "1\n1\n"},
		{"with", "", "WITH 7 AS x SELECT x", "7\n"},
		{"not streamable", "", "EXISTS TABLE http.t", "1\n"},
		{"settings", "max_threads=3", "SELECT getSetting('max_threads')", "3\n"},
		{"settings do not stay", "", "SELECT getSetting('max_threads') = 3", "0\n"},
		{"database", "database=http", "SELECT currentDatabase()", "http\n"},
		{"database does not stay", "", "SELECT currentDatabase()", "default\n"},
		{"typed parameter", "param_a=" + url.QueryEscape(`it's\n"`), "SELECT {a:String}, {a:String} = 'it\\'s\\n\"'", "it\\'s\\n\"\t1\n"},
		{"insert values", "", "INSERT INTO http.t VALUES (1, 'one; two')", ""},
		{"insert rows in the body", q("INSERT INTO http.t FORMAT CSV"), "2,\"a;b\nc\"\n", ""},
		{"insert rows after the query", "", "INSERT INTO http.t FORMAT JSONEachRow {\"a\": 3, \"s\": \"x\"}", ""},
		{"insert select", "", "INSERT INTO http.t SELECT 4, 'y'", ""},
		{"with insert", "", "INSERT INTO http.t WITH 5 AS n SELECT n, 'z'", ""},
		{"rows are there", "", "SELECT a, s FROM http.t ORDER BY a", "1\tone; two\n2\ta;b\\nc\n3\tx\n4\ty\n5\tz\n"},
		{"set is accepted", "", "SET max_threads = 7", ""},
		{"and has no effect", "", "SELECT getSetting('max_threads') = 7", "0\n"},
		{"empty answer", "default_format=Native", "SELECT a FROM http.t WHERE a > 100", ""},
		{"merges make no statistics", "", "SELECT value = '' FROM system.merge_tree_settings WHERE name = 'auto_statistics_types'", "1\n"},
		{"timezone", "", "SELECT timezone(), toString(toDateTime(0))", "UTC\t1970-01-01 00:00:00\n"},
		{"no implicit select is needed for numbers", "", "SELECT count() FROM numbers(10)", "10\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.t = t
			if got := c.must(tc.query, tc.body); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("JSON", func(t *testing.T) {
		c.t = t
		a := c.send(http.MethodGet, q("SELECT a FROM http.t ORDER BY a FORMAT JSON"), "")
		var doc struct {
			Rows int              `json:"rows"`
			Data []map[string]any `json:"data"`
		}
		if err := json.Unmarshal([]byte(a.body), &doc); err != nil || doc.Rows != 5 || len(doc.Data) != 5 {
			t.Errorf("%v: %s", err, a.body)
		}
		if ct := a.header.Get("Content-Type"); ct != "application/json; charset=UTF-8" {
			t.Errorf("content type %q", ct)
		}
	})
	t.Run("summary", func(t *testing.T) {
		c.t = t
		a := c.send(http.MethodPost, "", "SELECT sum(number) FROM numbers(1000)")
		if s := a.header.Get("X-ClickHouse-Summary"); !strings.Contains(s, `"read_rows":"1000"`) {
			t.Errorf("summary %q", s)
		}
	})
}

func TestHTTPRefuses(t *testing.T) {
	c := newClient(t, storetest.Engine(t))
	for _, tc := range []struct {
		name, method, query, body string
		status                    int
		code                      string
	}{
		{"unknown table", "POST", "", "SELECT * FROM nowhere", 500, "60"},
		{"syntax", "POST", "", "SELEC 1", 500, "62"},
		{"empty", "POST", "", " -- nothing\n", 500, "62"},
		{"two statements", "POST", "", "SELECT 1; SELECT 2", 500, "62"},
		{"unknown setting", "POST", "no_such_setting=1", "SELECT 1", 500, "115"},
		{"bad setting", "POST", "max_threads=x", "SELECT 1", 500, "27"},
		{"protected setting", "POST", "readonly=1", "SELECT 1", 500, "36"},
		{"unknown database", "POST", "database=nowhere", "SELECT 1", 500, "81"},
		{"GET that changes", "GET", q("CREATE TABLE x (a Int8) ENGINE = Memory"), "", 500, "164"},
		{"a file to write", "POST", "", "SELECT 1 INTO OUTFILE '/tmp/readtrail-must-not-exist'", 500, "48"},
		{"a file to read", "POST", "", "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", 500, "48"},
		{"a file as a table", "POST", "", "SELECT * FROM file('/etc/passwd', 'LineAsString')", 500, "497"},
		{"a file by its name", "POST", "", "SELECT * FROM `/etc/passwd`", 500, ""},
		{"another machine", "POST", "", "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a String')", 500, "497"},
		{"a file as an engine", "POST", "", "CREATE TABLE f (a Int8) ENGINE = File(CSV)", 500, "497"},
		{"temporary table", "POST", "", "CREATE TEMPORARY TABLE x (a Int8)", 500, "48"},
		{"session", "POST", "session_id=1", "SELECT 1", 500, "48"},
		{"credentials in the URL", "POST", "user=x&password=y", "SELECT 1", 500, "36"},
		{"missing parameter", "POST", "", "SELECT {x:String}", 500, "456"},
		{"bad parameter", "POST", "param_x=abc", "SELECT {x:UInt8}", 500, "457"},
		{"insert without rows", "POST", q("INSERT INTO t FORMAT Native"), "", 500, "108"},
		{"quotes in the id", "POST", "query_id=" + url.QueryEscape("a*/'"), "SELECT 1", 500, "36"},
		{"memory", "POST", "max_memory_usage=10000000", "SELECT groupArray(number) FROM numbers(100000000)", 500, "241"},
		{"time", "POST", "max_execution_time=0.2", "SELECT max(sipHash64(number)) FROM numbers(100000000000)", 500, "159"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.t = t
			a := c.send(tc.method, tc.query, tc.body)
			if a.status != tc.status || (tc.code != "" && a.header.Get("X-ClickHouse-Exception-Code") != tc.code) {
				t.Errorf("status %d, code %s: %s", a.status, a.header.Get("X-ClickHouse-Exception-Code"), a.body)
			}
			if !strings.HasPrefix(a.body, "Code: ") {
				t.Errorf("body %q", a.body)
			}
		})
	}
	t.Run("still answers", func(t *testing.T) {
		c.t = t
		if got := c.must("", "SELECT 1"); got != "1\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAuthentication(t *testing.T) {
	engine := storetest.Engine(t)
	c := newClient(t, engine)
	for name, headers := range map[string][]string{
		"wrong password":  {"Authorization: Basic cmVhZHRyYWlsOng="},
		"no credentials":  {"Authorization: "},
		"another user":    {"Authorization: ", "X-ClickHouse-User: default", "X-ClickHouse-Key: " + engine.Password()},
		"password prefix": {"Authorization: ", "X-ClickHouse-User: readtrail", "X-ClickHouse-Key: " + engine.Password()[:5]},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			a := c.send(http.MethodPost, "", "SELECT 1", headers...)
			if a.status != http.StatusForbidden || a.header.Get("X-ClickHouse-Exception-Code") != "516" {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	c.t = t
	if a := c.send(http.MethodPost, "", "SELECT 1", "Authorization: ", "X-ClickHouse-User: readtrail", "X-ClickHouse-Key: "+engine.Password()); a.status != http.StatusOK {
		t.Errorf("ClickHouse's headers: status %d: %s", a.status, a.body)
	}
}

func TestEncodings(t *testing.T) {
	c := newClient(t, storetest.Engine(t))
	const sql = "SELECT number, toString(number) FROM numbers(200000)"
	plain := c.must("", sql)

	t.Run("ClickHouse frames", func(t *testing.T) {
		c.t = t
		for _, method := range []string{"LZ4", "ZSTD"} {
			a := c.send(http.MethodPost, "compress=1&network_compression_method="+method, sql)
			got, err := unframe(a.body)
			if err != nil || got != plain {
				t.Errorf("%s: %v, %d bytes of %d", method, err, len(got), len(plain))
			}
		}
	})
	t.Run("an error in frames", func(t *testing.T) {
		c.t = t
		a := c.send(http.MethodPost, "compress=1", "SELECT * FROM nowhere")
		got, err := unframe(a.body)
		if err != nil || !strings.HasPrefix(got, "Code: 60.") {
			t.Errorf("%v: %s", err, got)
		}
	})
	t.Run("gzip", func(t *testing.T) {
		c.t = t
		a := c.send(http.MethodPost, "enable_http_compression=1", sql, "Accept-Encoding: gzip")
		zip, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(zip); err != nil || string(got) != plain {
			t.Errorf("%v, %d bytes of %d", err, len(got), len(plain))
		}
	})
	t.Run("framed and zipped insert", func(t *testing.T) {
		c.t = t
		c.must("", "CREATE TABLE default.enc (a UInt64, s String) ENGINE = Memory")
		defer c.must("", "DROP TABLE default.enc SYNC")
		w := compress.NewWriter(compress.LevelZero, compress.LZ4)
		if err := w.Compress([]byte(plain)); err != nil {
			t.Fatal(err)
		}
		c.must("decompress=1&"+q("INSERT INTO default.enc FORMAT TSV"), string(w.Data))
		if a := c.send(http.MethodPost, "decompress=1&"+q("INSERT INTO default.enc FORMAT TSV"), string(w.Data[:len(w.Data)-100])); a.status == http.StatusOK {
			t.Error("rows that break off inside a frame were taken")
		}
		var zipped bytes.Buffer
		zip := gzip.NewWriter(&zipped)
		if _, err := io.WriteString(zip, plain); err != nil {
			t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
		if a := c.send(http.MethodPost, q("INSERT INTO default.enc FORMAT TSV"), zipped.String(), "Content-Encoding: gzip"); a.status != http.StatusOK {
			t.Fatal(a.body)
		}
		if got := c.must("", "SELECT count(), sum(a), uniqExact(s) FROM default.enc"); got != "400000\t39999800000\t200000\n" {
			t.Errorf("got %q", got)
		}
	})
}

// unframe undoes ClickHouse's block framing.
func unframe(body string) (string, error) {
	got, err := io.ReadAll(compress.NewReader(strings.NewReader(body)))
	if errors.Is(err, io.EOF) {
		err = nil // the library's word for the end
	}
	return string(got), err
}

// TestFailureInTheMiddle: an answer that has begun ends with a marked exception.
func TestFailureInTheMiddle(t *testing.T) {
	c := newClient(t, storetest.Engine(t))
	a := c.send(http.MethodPost, "max_threads=1", "SELECT throwIf(number = 5000000), number FROM numbers(10000000)")
	tag := a.header.Get("X-ClickHouse-Exception-Tag")
	if a.status != http.StatusOK || !strings.Contains(a.body, "\r\n__exception__\r\n"+tag+"\r\nCode: 395.") || len(a.body) < 1<<20 {
		t.Errorf("status %d, %d bytes, ends in %q", a.status, len(a.body), a.body[max(0, len(a.body)-300):])
	}
}
