package config_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/serve"
	"github.com/readtrail/readtrail/projections/embedded"
)

// place is a directory with files for a configuration to name.
type place struct {
	t   *testing.T
	dir string
}

func newPlace(t *testing.T) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "rt-") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv(embedded.DirVariable, filepath.Join(dir, "engine"))
	p := place{t, dir}
	p.file("engine/"+embedded.LibraryFile, "a library", 0o600)
	return p
}

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

func (p place) file(name, text string, mode os.FileMode) string {
	p.t.Helper()
	path := p.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// pair makes name.crt and name.key, valid until then.
func (p place) pair(name string, until time.Time) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.AddDate(-1, 0, 0), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		p.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.file(name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})), 0o644)
	p.file(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), 0o600)
}

// check runs `readtrail config check` over a configuration in which $DIR is the place's directory.
func (p place) check(text string) string {
	p.t.Helper()
	file := p.file("readtrail.yaml", strings.ReplaceAll(text, "$DIR", p.dir), 0o600)
	var out bytes.Buffer
	err := config.CheckCommand{}.Run(p.t.Context(), &out, func() (*config.Config, error) {
		return config.Load(file, []string{"READTRAIL_DATA_DIR=" + p.path("data")})
	})
	if err != nil {
		return err.Error()
	}
	return out.String()
}

const free = "listen: {http: '127.0.0.1:0'}\n"

func TestCheck(t *testing.T) {
	p := newPlace(t)
	p.pair("good", time.Now().AddDate(0, 6, 0))
	p.pair("other", time.Now().AddDate(0, 6, 0))
	p.pair("old", time.Now().AddDate(0, 0, -3))
	p.file("open.key", "x", 0o644)
	p.file("text", "no PEM at all", 0o600)
	p.file("creds", "-----BEGIN NATS USER JWT-----", 0o600)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	tls := func(cert, key string) string {
		return fmt.Sprintf("listen: {http: '127.0.0.1:0', tls: {cert_file: $DIR/%s, key_file: $DIR/%s}}\n", cert, key)
	}
	tests := []struct{ name, file, want string }{
		{"well", free, "The configuration is valid"},
		{"well with TLS", tls("good.crt", "good.key"), "The configuration is valid"},
		{"no certificate", tls("none.crt", "good.key"), "listen.tls.cert_file: $DIR/none.crt does not exist"},
		{"foreign key", tls("good.crt", "other.key"), "listen.tls.key_file: $DIR/other.key is not the key of $DIR/good.crt"},
		{"expired", tls("old.crt", "old.key"), "listen.tls.cert_file: $DIR/old.crt expired on " + time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly)},
		{"no PEM", tls("text", "good.key"), "listen.tls.cert_file: $DIR/text holds no PEM certificate"},
		{"open key", tls("good.crt", "open.key"), "listen.tls.key_file: $DIR/open.key is a secret and has mode 644"},
		{"authority", "listen: {http: '127.0.0.1:0', tls: {cert_file: $DIR/good.crt, key_file: $DIR/good.key, client_ca_file: $DIR/text}}", "listen.tls.client_ca_file: $DIR/text holds no PEM certificate"},
		{"port taken", "listen: {http: '127.0.0.1:" + port + "'}", "listen.http: port " + port + " is taken by "},
		{"port", "listen: {http: '127.0.0.1:70000'}", "listen.http: \"70000\" is no port"},
		{"address", "listen: {http: '192.0.2.1:0', tls: {cert_file: $DIR/good.crt, key_file: $DIR/good.key}}", "listen.http: 192.0.2.1 is no address of this machine"},
		{"socket", "listen: {http: '127.0.0.1:0', socket: $DIR/text}", "listen.socket: $DIR/text is there already and no socket"},
		{"replicas", free + "journal: {url: 'nats://127.0.0.1:4222', replicas: 2}", "journal.replicas: 2: want 1, 3 or 5"},
		{"nats scheme", free + "journal: {url: 'http://127.0.0.1:4222'}", "journal.url: not a server address"},
		{"nats without TLS", free + "journal: {url: 'nats://nats.example:4222'}", "leaves this machine without TLS"},
		{"nats credentials", free + "journal: {url: 'tls://nats.example:4222', credentials_file: $DIR/none}", "journal.credentials_file: $DIR/none does not exist"},
		{"nats well", free + "journal: {url: 'tls://nats.example:4222', credentials_file: $DIR/creds, replicas: 3}", "The configuration is valid"},
		{"nats file for nothing", free + "journal: {ca_file: $DIR/good.crt}", "journal.ca_file: is for an external server"},
		{"dsn scheme", free + "clickhouse: {dsn: 'mysql://db:9000'}", "clickhouse.dsn: want https://"},
		{"dsn socket", free + "clickhouse: {dsn: 'http+unix://a:b@engine/?socket=/x'}", "clickhouse.dsn: want https://"},
		{"dsn well", free + "clickhouse: {dsn: 'clickhouse://u@127.0.0.1:9000/rt'}", "The configuration is valid"},
		{"password", free + "clickhouse: {dsn: 'clickhouse://u@127.0.0.1:9000/rt', password_file: $DIR/open.key}", "clickhouse.password_file: $DIR/open.key is a secret"},
		{"library", free + "clickhouse: {library: $DIR/none}", "clickhouse.library: the ClickHouse engine is not installed"},
		{"engine's memory", free + "clickhouse: {memory_limit: 1MiB}", "clickhouse: engine: memory limit"},
		{"machine's memory", free + "clickhouse: {memory_limit: 4096TiB}", "clickhouse.memory_limit: 4096TiB is more than this machine has"},
		{"reserve", free + "journal: {reserve: 4096TiB}", "journal.reserve: 4096TiB is more than the whole disk"},
		{"limits", free + "limits: {resource_bytes: 2MiB, request_bytes: 1MiB}", "limits.resource_bytes: 2MiB is larger than a whole request"},
		{"master key", free + "keys: {master_key_file: $DIR/text}", "keys.master_key_file: load master key"},
		{"keys directory", free + "keys: {dir: $DIR/text}", "keys.dir: $DIR/text is no directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := p.check(tt.file), strings.ReplaceAll(tt.want, "$DIR", p.dir); !strings.Contains(got, want) {
				t.Errorf("%s\ndoes not say: %s", got, want)
			}
		})
	}
}

// TestCheckSaysAllAtOnce: faults of values and of files, in one run, each with its key.
func TestCheckSaysAllAtOnce(t *testing.T) {
	p := newPlace(t)
	got := p.check("listen: {http: '127.0.0.1:0', tls: {cert_file: $DIR/a, key_file: $DIR/b, client_ca_file: $DIR/c}}\n" +
		"site: {time_zone: Mars/Base}\nlog: {level: loud}\njournal: {replicas: 4}\nclickhouse: {dsn: 'ftp://x'}\n")
	for _, key := range []string{
		"listen.tls.cert_file", "listen.tls.key_file", "listen.tls.client_ca_file", "site.time_zone", "log.level", "journal.replicas", "clickhouse.dsn",
	} {
		if !strings.Contains(got, "\n"+key+": ") {
			t.Errorf("%s is not told of:\n%s", key, got)
		}
	}
}

// TestCheckBesideTheServer: what the server of this directory holds is not taken; what others hold is.
func TestCheckBesideTheServer(t *testing.T) {
	p := newPlace(t)
	if err := os.Mkdir(p.path("data"), 0o700); err != nil {
		t.Fatal(err)
	}
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	socket, err := net.Listen("unix", p.path("data/readtrail.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	file := "listen: {http: '" + web.Addr().String() + "'}\n"
	got := p.check(file)
	if !strings.Contains(got, "listen.http: port") || !strings.Contains(got, "listen.socket: another process answers") {
		t.Errorf("ports of a stranger:\n%s", got)
	}
	release, err := serve.Take(p.path("data"), serve.Instance{PID: 4711, Socket: p.path("data/readtrail.sock"), HTTP: web.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.check(file); !strings.Contains(got, "The configuration is valid") || !strings.Contains(got, "pid 4711") {
		t.Errorf("ports of its own server:\n%s", got)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

// TestCheckNamesTheHolder is this very process.
func TestCheckNamesTheHolder(t *testing.T) {
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("no /proc here")
	}
	p := newPlace(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if got, want := p.check("listen: {http: '"+taken.Addr().String()+"'}"), fmt.Sprintf("(pid %d)", os.Getpid()); !strings.Contains(got, want) {
		t.Errorf("%s\ndoes not name %s", got, want)
	}
}
