// Package config reads the one configuration file: YAML with every key known, an environment overlay, and all faults
// reported at once.
package config

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Example is the documented configuration: every key with its default.
//
//go:embed readtrail.yaml
var Example string

// Config is everything that `readtrail up` can be told. The zero values of the file are filled by Load.
type Config struct {
	// DataDir holds the journal, the index, the key ring and the embedded engine's data. Mode 0700.
	DataDir    string     `yaml:"data_dir"`
	Site       Site       `yaml:"site"`
	Listen     Listen     `yaml:"listen"`
	Console    Console    `yaml:"console"`
	Askers     Askers     `yaml:"askers"`
	Journal    Journal    `yaml:"journal"`
	Keys       Keys       `yaml:"keys"`
	ClickHouse ClickHouse `yaml:"clickhouse"`
	Detectors  Detectors  `yaml:"detectors"`
	Limits     Limits     `yaml:"limits"`
	Log        Log        `yaml:"log"`
}

// Site is the organisation that runs this.
type Site struct {
	// TimeZone (IANA name) is the zone that local days and hours are told in.
	TimeZone string `yaml:"time_zone"`
}

// Listen is where the server can be reached.
type Listen struct {
	// HTTP is host:port; beyond loopback TLS is required.
	HTTP string `yaml:"http"`
	// Socket is the local socket: the operating system says who asks.
	Socket string `yaml:"socket"`
	TLS    TLS    `yaml:"tls"`
}

// TLS is the server's certificate, and whose client certificates it takes.
type TLS struct {
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	ClientCAFile string `yaml:"client_ca_file"`
}

// Console is the web console.
type Console struct {
	Enabled bool `yaml:"enabled"`
	// URL is where browsers reach it, when that is not Listen.HTTP.
	URL string `yaml:"url"`
	// LinkValid is how long a one-time link can be used; 0 makes none.
	LinkValid   time.Duration `yaml:"link_valid"`
	SessionIdle time.Duration `yaml:"session_idle"`
	SessionMax  time.Duration `yaml:"session_max"`
	OIDC        OIDC          `yaml:"oidc"`
}

// OIDC is an OpenID Connect identity provider: none when Issuer is empty.
type OIDC struct {
	Issuer           string `yaml:"issuer"`
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file"`
	Scopes           string `yaml:"scopes"`
	NameClaim        string `yaml:"name_claim"`
	// ReaderClaim says which reader somebody is, within ReaderSystem.
	ReaderClaim  string `yaml:"reader_claim"`
	ReaderSystem string `yaml:"reader_system"`
	RoleClaim    string `yaml:"role_claim"`
	// Values of RoleClaim that give each role, with commas.
	Respondent     string `yaml:"respondent"`
	Viewer         string `yaml:"viewer"`
	Investigator   string `yaml:"investigator"`
	PrivacyOfficer string `yaml:"privacy_officer"`
	Administrator  string `yaml:"administrator"`
	// SiteClaim and DepartmentClaim hold what somebody is limited to; Everywhere is the value that stands for all.
	SiteClaim       string `yaml:"site_claim"`
	DepartmentClaim string `yaml:"department_claim"`
	Everywhere      string `yaml:"everywhere"`
	CAFile          string `yaml:"ca_file"`
}

// Journal is NATS JetStream: embedded when URL is empty.
type Journal struct {
	URL             string `yaml:"url"`
	CredentialsFile string `yaml:"credentials_file"`
	CAFile          string `yaml:"ca_file"`
	CertFile        string `yaml:"cert_file"`
	KeyFile         string `yaml:"key_file"`
	// SystemCredentialsFile lets Readtrail read an external server's sync settings.
	SystemCredentialsFile string `yaml:"system_credentials_file"`
	// AttestDurable says that an external server syncs before it acknowledges, where that cannot be read.
	AttestDurable bool `yaml:"attest_durable"`
	// Replicas of the stream on an external cluster: 1, 3 or 5.
	Replicas int  `yaml:"replicas"`
	MaxBytes Size `yaml:"max_bytes"`
	// Reserve is free space below which events are refused; ReservedSpace stays for questions, decisions and ticks.
	Reserve       Size `yaml:"reserve"`
	ReservedSpace Size `yaml:"reserved_space"`
	// MaxClockJump is how far the clock may run ahead before it counts as wrong.
	MaxClockJump time.Duration `yaml:"max_clock_jump"`
}

// Keys is where the keys that seal originals live: outside the journal and its backups.
type Keys struct {
	Dir           string `yaml:"dir"`
	MasterKeyFile string `yaml:"master_key_file"`
}

// ClickHouse is where the projections live: the embedded engine when DSN is empty.
type ClickHouse struct {
	DSN          string `yaml:"dsn"`
	PasswordFile string `yaml:"password_file"`
	Library      string `yaml:"library"`
	MemoryLimit  Size   `yaml:"memory_limit"`
	KeepFree     Size   `yaml:"keep_free_space"`
}

// WithPassword returns the DSN with the password of PasswordFile in it.
func (c ClickHouse) WithPassword() (string, error) {
	if c.PasswordFile == "" {
		return c.DSN, nil
	}
	text, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read clickhouse.password_file: %w", err)
	}
	dsn, err := url.Parse(c.DSN)
	if err != nil {
		return "", errors.New("read clickhouse.dsn: not a URL")
	}
	dsn.User = url.UserPassword(dsn.User.Username(), strings.TrimSpace(string(text)))
	return dsn.String(), nil
}

// Limits bound what one input may cost.
type Limits struct {
	// ResourceBytes is the largest single resource or row.
	ResourceBytes Size `yaml:"resource_bytes"`
	// RequestBytes is the largest request body after decompression, imports excepted.
	RequestBytes Size `yaml:"request_bytes"`
	// ShutdownTimeout bounds the drain at a stop.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
}

// Log is how the process tells what it does.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is text or json.
	Format string `yaml:"format"`
}

// Load reads the file at path ("" for none), lays the environment over it, fills what depends on the data directory and
// validates. env is os.Environ's form. All faults come joined in one error; where the file could be read, the configuration
// comes beside it, so that Check can look for more.
func Load(path string, env []string) (*Config, error) {
	c := &Config{}
	if err := decode([]byte(Example), c); err != nil {
		return nil, fmt.Errorf("read defaults: %w", err)
	}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read config: %w", err)
		}
		if err := decode(text, c); err != nil {
			return nil, fmt.Errorf("read config %s: %w", path, err)
		}
	}
	if err := overlay(c, env); err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	if err := c.fill(); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("config is not valid:\n%w", err)
	}
	return c, nil
}

func decode(text []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return err //nolint:wrapcheck // the callers say what was read
	}
	return nil
}

// MoveTo puts everything that lies in the data directory into another one.
func (c *Config) MoveTo(dir string) error {
	old := c.DataDir
	for _, path := range []*string{&c.Listen.Socket, &c.Keys.Dir, &c.Keys.MasterKeyFile} {
		if rel, err := filepath.Rel(old, *path); err == nil && filepath.IsLocal(rel) {
			*path = filepath.Join(dir, rel)
		}
	}
	c.DataDir = dir
	return c.Validate()
}

// fill derives what the file leaves to the data directory.
func (c *Config) fill() error {
	if c.DataDir == "" {
		base := os.Getenv("XDG_DATA_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return fmt.Errorf("find a data directory: %w (set data_dir)", err)
			}
			base = filepath.Join(home, ".local", "share")
		}
		c.DataDir = filepath.Join(base, "readtrail")
	}
	abs, err := filepath.Abs(c.DataDir)
	if err != nil {
		return fmt.Errorf("find a data directory: %w", err)
	}
	c.DataDir = abs
	for _, f := range []struct {
		path *string
		name string
	}{
		{&c.Listen.Socket, "readtrail.sock"},
		{&c.Keys.Dir, "keys"},
		{&c.Keys.MasterKeyFile, filepath.Join("secrets", "master.key")},
	} {
		if *f.path == "" {
			*f.path = filepath.Join(c.DataDir, f.name)
		}
	}
	return nil
}

// Validate reports every fault.
func (c *Config) Validate() error {
	var faults []error
	fault := func(key, text string) { faults = append(faults, fmt.Errorf("%s: %s", key, text)) }
	if _, err := time.LoadLocation(c.Site.TimeZone); err != nil || c.Site.TimeZone == "" || c.Site.TimeZone == "Local" {
		fault("site.time_zone", "want an IANA name such as Europe/Vienna")
	}
	host, _, err := net.SplitHostPort(c.Listen.HTTP)
	switch {
	case err != nil:
		fault("listen.http", "want host:port")
	case !IsLoopback(host) && (c.Listen.TLS.CertFile == "" || c.Listen.TLS.KeyFile == ""):
		fault("listen.tls", "required beyond loopback: give cert_file and key_file, or listen on 127.0.0.1")
	}
	if (c.Listen.TLS.CertFile == "") != (c.Listen.TLS.KeyFile == "") {
		fault("listen.tls", "cert_file and key_file belong together")
	}
	if c.Listen.TLS.ClientCAFile != "" && c.Listen.TLS.CertFile == "" {
		fault("listen.tls.client_ca_file", "needs cert_file and key_file")
	}
	for key, text := range c.Console.faults() {
		fault(key, text)
	}
	for key, text := range c.Askers.faults() {
		fault(key, text)
	}
	if len(c.Listen.Socket) > 100 {
		fault("listen.socket", "longer than the 100 bytes that every system takes; set a shorter path")
	}
	if (c.Journal.CertFile == "") != (c.Journal.KeyFile == "") {
		fault("journal", "cert_file and key_file belong together")
	}
	if c.Journal.ReservedSpace >= c.Journal.Reserve {
		fault("journal.reserved_space", "must be smaller than journal.reserve")
	}
	for key, size := range map[string]Size{
		"journal.max_bytes": c.Journal.MaxBytes, "limits.resource_bytes": c.Limits.ResourceBytes,
		"limits.request_bytes": c.Limits.RequestBytes, "clickhouse.memory_limit": c.ClickHouse.MemoryLimit,
	} {
		if size <= 0 {
			fault(key, "must be larger than 0")
		}
	}
	faults = append(faults, c.Detectors.faults()...)
	for key, d := range map[string]time.Duration{
		"limits.shutdown_timeout": c.Limits.ShutdownTimeout, "journal.max_clock_jump": c.Journal.MaxClockJump,
	} {
		if d <= 0 {
			fault(key, "must be larger than 0")
		}
	}
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		fault("log.level", "want debug, info, warn or error")
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		fault("log.format", "want text or json")
	}
	return errors.Join(faults...)
}

// IsLoopback reports whether a listening host is reachable from this machine only.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
