package embedded_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections/embedded"
)

// overPort speaks to the engine's loopback port as Grafana does, with the password of the file.
type overPort struct {
	t        *testing.T
	address  string
	password string
}

func (o overPort) send(method, query, body, user, password string) (int, string) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, "http://"+o.address+"/?"+query, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestReaderOnlyReads: what listens on a port reads, within bounds, and does nothing else.
func TestReaderOnlyReads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets", "reader.password")
	engine := start(t, func(c *embedded.Config) { c.Listen, c.ReadPasswordFile = "127.0.0.1:0", file })
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("password file: %v, %v", info.Mode(), err)
	}
	writer := newClient(t, engine)
	writer.must("", "CREATE DATABASE d")
	writer.must("", "CREATE TABLE d.t (a UInt32) ENGINE = MergeTree ORDER BY a")
	writer.must("", "INSERT INTO d.t SELECT number FROM numbers(1000)")
	o := overPort{t, engine.Address(), strings.TrimSpace(string(password))}

	for _, tc := range []struct{ name, method, query, body, want string }{
		{"select", "POST", "", "SELECT count() FROM d.t", "1000\n"},
		{"select by GET", "GET", q("SELECT max(a) FROM d.t"), "", "999\n"},
		{"another database", "POST", "database=d", "SELECT count() FROM t", "1000\n"},
		{"and back", "POST", "", "SELECT currentDatabase()", "default\n"},
		{"a setting that clients send", "POST", "max_execution_time=60", "SELECT getSetting('max_execution_time')", "30\n"},
		{"parameters", "POST", "param_a=7", "SELECT a FROM d.t WHERE a = {a:UInt32}", "7\n"},
		{"show", "POST", "", "SHOW TABLES FROM d", "t\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if status, body := o.send(tc.method, tc.query, tc.body, embedded.ReadUser, o.password); status != http.StatusOK || body != tc.want {
				t.Errorf("status %d: %q, want %q", status, body, tc.want)
			}
		})
	}
	for _, tc := range []struct{ name, query, body, code string }{
		{"insert", "", "INSERT INTO d.t VALUES (1)", "164"},
		{"insert with rows", q("INSERT INTO d.t FORMAT TabSeparated"), "1\n", "164"},
		{"insert behind with", "", "WITH 1 AS x INSERT INTO d.t SELECT x", ""},
		{"create", "", "CREATE TABLE d.x (a Int8) ENGINE = Memory", "164"},
		{"drop", "", "DROP TABLE d.t", "164"},
		{"alter", "", "ALTER TABLE d.t DELETE WHERE 1", "164"},
		{"kill", "", "KILL QUERY WHERE 1", "164"},
		{"system", "", "SYSTEM SHUTDOWN", "164"},
		{"set", "", "SET readonly = 0", "164"},
		{"use", "", "USE d", "164"},
		{"a setting", "max_rows_to_read=1", "SELECT 1", "164"},
		{"a setting in the statement", "", "SELECT 1 SETTINGS readonly = 0", "164"},
		{"more memory in the statement", "", "SELECT 1 SETTINGS max_memory_usage = 0", "164"},
		{"a file", "", "SELECT * FROM file('/etc/passwd', 'LineAsString')", ""},
		{"a file by its name", "", "SELECT * FROM `/etc/passwd`", ""},
		{"a file to write", "", "SELECT 1 INTO OUTFILE '/tmp/readtrail-must-not-exist'", "48"},
		{"another machine", "", "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a String')", ""},
		{"another server", "", "SELECT * FROM remote('127.0.0.1:9', 'system', 'one')", ""},
		{"object storage", "", "SELECT * FROM s3('http://127.0.0.1:9/x', 'CSV', 'a String')", ""},
		{"another database system", "", "SELECT * FROM mysql('127.0.0.1:9', 'a', 'b', 'c', 'd')", ""},
		{"a program", "", "SELECT * FROM executable('id', 'LineAsString', 'a String')", ""},
		{"memory", "", "SELECT length(groupArray(number)) FROM numbers(1000000000)", "241"},
	} {
		t.Run("not "+tc.name, func(t *testing.T) {
			status, body := o.send(http.MethodPost, tc.query, tc.body, embedded.ReadUser, o.password)
			if status == http.StatusOK || !strings.HasPrefix(body, "Code: "+tc.code) {
				t.Errorf("status %d: %.200s, want code %s", status, body, tc.code)
			}
		})
	}
	if got := writer.must("", "SELECT count() FROM d.t"); got != "1000\n" {
		t.Errorf("the table holds %s rows afterwards", got)
	}
	t.Run("not the writer by the port", func(t *testing.T) {
		if status, _ := o.send(http.MethodPost, "", "SELECT 1", embedded.User, engine.Password()); status != http.StatusForbidden {
			t.Errorf("status %d", status)
		}
	})
	t.Run("not the reader by the socket", func(t *testing.T) {
		writer.t = t
		if a := writer.send(http.MethodPost, "", "SELECT 1", "Authorization: ", "X-ClickHouse-User: "+embedded.ReadUser, "X-ClickHouse-Key: "+o.password); a.status != http.StatusForbidden {
			t.Errorf("status %d", a.status)
		}
	})
	t.Run("not with a wrong password", func(t *testing.T) {
		if status, _ := o.send(http.MethodPost, "", "SELECT 1", embedded.ReadUser, ""); status != http.StatusForbidden {
			t.Errorf("status %d", status)
		}
	})
}

// TestReaderDoesNotHoldUpTheWriter: with endless queries on every session of the reader, the writer still writes; and they
// end, at the latest by their bound.
func TestReaderDoesNotHoldUpTheWriter(t *testing.T) {
	engine := start(t, func(c *embedded.Config) { c.Listen = "127.0.0.1:0" })
	password, err := os.ReadFile(filepath.Join(filepath.Dir(socketOf(t, engine)), "reader.password"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range 4 {
		go func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+engine.Address(), strings.NewReader("SELECT max(sipHash64(number)) FROM numbers(1000000000000)"))
			req.SetBasicAuth(embedded.ReadUser, strings.TrimSpace(string(password)))
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}()
	}
	time.Sleep(300 * time.Millisecond) // until they run
	writer := newClient(t, engine)
	began := time.Now()
	writer.must("", "CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a")
	writer.must("", "INSERT INTO t SELECT 1")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the writer waited %s", took)
	}
	cancel()
}
