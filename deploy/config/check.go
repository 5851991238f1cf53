package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// faults collects what is wrong, each with its key's path.
type faults []error

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: %w", key, fmt.Errorf(format, args...)))
}

// Check looks at what the configuration names: files, addresses, sizes against this machine. It changes nothing, and says
// nothing against what a server that runs on this data directory holds itself. All faults come joined in one error.
func (c *Config) Check(ctx context.Context) error {
	var f faults
	c.checkDirs(&f)
	c.checkListen(ctx, &f)
	c.checkJournal(&f)
	c.checkKeys(&f)
	c.checkClickHouse(&f)
	c.checkSizes(&f)
	c.checkAskers(&f)
	return errors.Join(f...)
}

// checkAskers reads the files that say who askers are and what they may see.
func (c *Config) checkAskers(f *faults) {
	if _, err := c.Askers.Readers(); err != nil {
		f.add("askers.readers_file", "%w", err)
	}
	if _, err := c.Askers.Limits(); err != nil {
		f.add("askers.limits_file", "%w", err)
	}
}

// checkDirs: what is not there yet is made at the start, where the directory above it lets us.
func (c *Config) checkDirs(f *faults) {
	for key, dir := range map[string]string{"data_dir": c.DataDir, "keys.dir": c.Keys.Dir} {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, os.ErrNotExist):
			above := existing(dir)
			if unix.Access(above, unix.W_OK|unix.X_OK) != nil {
				f.add(key, "%s does not exist and cannot be made: %s is not writable", dir, above)
			}
		case err != nil:
			f.add(key, "%w", err)
		case !info.IsDir():
			f.add(key, "%s is no directory", dir)
		case unix.Access(dir, unix.R_OK|unix.W_OK|unix.X_OK) != nil:
			f.add(key, "%s is not writable", dir)
		case info.Mode().Perm()&0o077 != 0:
			f.add(key, "%s has mode %o, so others can look in: chmod 700 %s", dir, info.Mode().Perm(), dir)
		}
	}
}

func (c *Config) checkJournal(f *faults) {
	j := c.Journal
	if j.Replicas != 1 && j.Replicas != 3 && j.Replicas != 5 {
		f.add("journal.replicas", "%d: want 1, 3 or 5", j.Replicas)
	}
	if j.URL == "" {
		for key, value := range map[string]string{
			"journal.credentials_file": j.CredentialsFile, "journal.ca_file": j.CAFile, "journal.cert_file": j.CertFile,
			"journal.key_file": j.KeyFile, "journal.system_credentials_file": j.SystemCredentialsFile,
		} {
			if value != "" {
				f.add(key, "is for an external server: give journal.url too, or leave it empty")
			}
		}
		if j.Replicas > 1 {
			f.add("journal.replicas", "%d copies need an external cluster: give journal.url", j.Replicas)
		}
		return
	}
	known := len(*f)
	for text := range strings.SplitSeq(j.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			f.add("journal.url", "not a server address such as tls://nats.example:4222")
		}
	}
	checkSecret(f, "journal.credentials_file", j.CredentialsFile)
	checkSecret(f, "journal.system_credentials_file", j.SystemCredentialsFile)
	checkPair(f, "journal", j.CertFile, j.KeyFile)
	checkAuthorities(f, "journal.ca_file", j.CAFile)
	if len(*f) == known { // the journal says the same in its own words
		if err := c.JournalConfig().Validate(); err != nil {
			f.add("journal", "%w", err)
		}
	}
}

func (c *Config) checkKeys(f *faults) {
	const key = "keys.master_key_file"
	used, err := proto.HasKeys(c.Keys.Dir)
	if err != nil {
		f.add("keys.dir", "%w", err)
	}
	_, err = proto.LoadMasterKey(c.Keys.MasterKeyFile, false)
	switch {
	case errors.Is(err, os.ErrNotExist) && used:
		f.add(key, "%s is not there, but %s holds data keys that only it opens: put it back", c.Keys.MasterKeyFile, c.Keys.Dir)
	case errors.Is(err, os.ErrNotExist): // the first start makes it
	case err != nil:
		f.add(key, "%w", err)
	default:
		checkSecret(f, key, c.Keys.MasterKeyFile)
	}
}

func (c *Config) checkClickHouse(f *faults) {
	ch := c.ClickHouse
	checkSecret(f, "clickhouse.password_file", ch.PasswordFile)
	if ch.DSN != "" {
		if strings.HasPrefix(ch.DSN, "http+unix:") {
			f.add("clickhouse.dsn", "want https://, http:// or clickhouse://")
		} else if (store.Config{DSN: ch.DSN}).Validate() != nil { // whose text is about all schemes
			f.add("clickhouse.dsn", "want https://, http:// or clickhouse://user@host:port/database")
		}
		return
	}
	if ch.PasswordFile != "" {
		f.add("clickhouse.password_file", "is for clickhouse.dsn, which is empty")
	}
	if _, err := embedded.FindLibrary(ch.Library); err != nil {
		f.add("clickhouse.library", "%w", err)
	}
	if err := c.EngineConfig().Validate(); err != nil {
		f.add("clickhouse", "%w", err)
	}
}

// checkSizes compares sizes with each other, and with this machine.
func (c *Config) checkSizes(f *faults) {
	if c.Limits.ResourceBytes > c.Limits.RequestBytes {
		f.add("limits.resource_bytes", "%s is larger than a whole request (limits.request_bytes, %s)", c.Limits.ResourceBytes, c.Limits.RequestBytes)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(existing(c.DataDir), &disk); err == nil {
		total := Size(int64(disk.Blocks) * int64(disk.Bsize)) //nolint:unconvert // types differ between platforms
		for key, reserve := range map[string]Size{"journal.reserve": c.Journal.Reserve, "clickhouse.keep_free_space": c.ClickHouse.KeepFree} {
			if reserve >= total && (key != "journal.reserve" || c.Journal.URL == "") && (key == "journal.reserve" || c.ClickHouse.DSN == "") {
				f.add(key, "%s is more than the whole disk of %s (%.1f GiB): everything would be refused", reserve, c.DataDir, float64(total)/(1<<30))
			}
		}
	}
	if memory := machineMemory(); memory > 0 && c.ClickHouse.DSN == "" && c.ClickHouse.MemoryLimit > memory {
		f.add("clickhouse.memory_limit", "%s is more than this machine has (%.1f GiB)", c.ClickHouse.MemoryLimit, float64(memory)/(1<<30))
	}
}

// checkListen: addresses that can be listened on, or that the server on this data directory listens on.
func (c *Config) checkListen(ctx context.Context, f *faults) {
	checkPair(f, "listen.tls", c.Listen.TLS.CertFile, c.Listen.TLS.KeyFile)
	checkAuthorities(f, "listen.tls.client_ca_file", c.Listen.TLS.ClientCAFile)
	checkSecret(f, "console.oidc.client_secret_file", c.Console.OIDC.ClientSecretFile)
	checkAuthorities(f, "console.oidc.ca_file", c.Console.OIDC.CAFile)
	running, ok, err := c.running()
	if err != nil {
		f.add("data_dir", "%w", err)
	}
	if !ok || running.HTTP != c.Listen.HTTP {
		checkAddress(ctx, f, "listen.http", c.Listen.HTTP)
	}
	if !ok || running.Socket != c.Listen.Socket {
		checkSocket(ctx, f, "listen.socket", c.Listen.Socket)
	}
}

func checkAddress(ctx context.Context, f *faults, key, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return // Validate has said so
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		f.add(key, "%q is no port: want 0 to 65535", port)
		return
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		_ = on.Close()
	case errors.Is(err, unix.EADDRINUSE):
		who := holder(port)
		if who == "" {
			who = "another process"
		}
		f.add(key, "port %s is taken by %s", port, who)
	case errors.Is(err, unix.EACCES):
		f.add(key, "port %s is for privileged processes only: choose one above 1023", port)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		f.add(key, "%s is no address of this machine", host)
	default:
		if _, ok := errors.AsType[*net.DNSError](err); ok {
			f.add(key, "%s is no address of this machine", host)
			return
		}
		f.add(key, "cannot be listened on: %w", err)
	}
}

// dialTimeout is for a socket on this machine.
const dialTimeout = 2 * time.Second

func checkSocket(ctx context.Context, f *faults, key, path string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		dir := filepath.Dir(path)
		if _, err := os.Stat(dir); err != nil {
			dir = existing(dir)
		}
		if unix.Access(dir, unix.W_OK|unix.X_OK) != nil {
			f.add(key, "%s cannot be made: %s is not writable", path, dir)
		}
	case err != nil:
		f.add(key, "%w", err)
	case info.Mode()&os.ModeSocket == 0:
		f.add(key, "%s is there already and no socket", path)
	default:
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
		if err == nil { // one that nobody answers on is replaced at the start
			_ = conn.Close()
			f.add(key, "another process answers on %s", path)
		}
	}
}

// existing is the nearest directory at or above path that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}
