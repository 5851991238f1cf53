package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/proto"
)

// Defaults of Config.
const (
	DefaultReserve        = 1 << 30
	DefaultLastReserve    = 128 << 20
	DefaultTickEvery      = time.Minute
	DefaultPublishTimeout = 10 * time.Second
	DefaultIndexCache     = 32 << 20
	DefaultOutputBytes    = 64 << 30
)

// Config says where the journal is and how it guards itself.
type Config struct {
	// Dir holds the embedded server's store and the index of what was seen; made with mode 0700. Required, also with
	// an external server, for the index. One process at a time: a second one is refused.
	Dir string `yaml:"dir"`
	// External, when set, is the NATS server to use instead of the embedded one.
	External *External `yaml:"external"`
	// MaxBytes bounds the stream, in bytes; appends beyond it are refused, nothing is deleted. Default: the size of
	// Dir's file system less Reserve when the embedded stream is made, and what the stream has afterwards. Required to
	// make a stream on an external server.
	MaxBytes int64 `yaml:"max_bytes"`
	// Reserve is the free space in bytes below which entries are refused with ErrBusy. Default 1 GiB.
	Reserve int64 `yaml:"reserve_bytes"`
	// LastReserve is the same for questions, decisions and ticks (Options.Reserved); below Reserve. Default 128 MiB.
	LastReserve int64 `yaml:"last_reserve_bytes"`
	// OutputBytes bounds the FINDINGS stream, and a quarter of it the ALERTS stream, when they are made. Default 64 GiB, which is
	// some 20 billion verdicts.
	OutputBytes int64 `yaml:"output_bytes"`
	// PublishTimeout is how long an acknowledgement may take before it counts as unknown. Default 10 s: a disk that
	// takes longer to sync 512 KiB is as good as gone.
	PublishTimeout time.Duration `yaml:"publish_timeout"`
	// IndexCache is the memory in bytes for blocks of the index. Default 32 MiB.
	IndexCache int64 `yaml:"index_cache_bytes"`
	// TickEvery is how often a tick is journaled. Default one minute, which is what detectors are tuned for; negative
	// journals none, for tests that count entries.
	TickEvery time.Duration `yaml:"-"`
	// MaxClockJump is how far the clock may stand ahead of the time that has passed since Open before it counts as wrong
	// (ErrClock). Default one day. At Open, and when it is set right afterwards (clock.go), it may stand 30 days ahead of the
	// last entry, or this, if it is more.
	MaxClockJump time.Duration `yaml:"max_clock_jump"`
	// Keys seals originals. Nil: entries that carry one are refused.
	Keys *proto.KeyRing `yaml:"-"`
	// Now is the clock; default time.Now.
	Now func() time.Time `yaml:"-"`
	// Logger defaults to one that discards.
	Logger *slog.Logger `yaml:"-"`
	// Metrics registers the journal's metrics; nil registers none.
	Metrics prometheus.Registerer `yaml:"-"`

	// boot is the clock that cannot be set; default the machine's. Tests put the machine to sleep with it.
	boot func() time.Duration
	// kept reports whether a time service keeps the clock right; default asks the system.
	kept func() bool
	// noSync switches fsync off, so that a test can show that the power cut test fails without it.
	noSync bool
}

// External says how to reach a NATS server or cluster.
type External struct {
	// URL is one or more comma-separated server URLs (nats://, tls://). Beyond loopback TLS and credentials, or a
	// client certificate, are required.
	URL string `yaml:"url"`
	// Credentials is a file of NATS user credentials (JWT and seed). Empty: none.
	Credentials string `yaml:"credentials"`
	// CA, Cert and Key are PEM files: the authority that signs the server, and our client certificate. Empty: none.
	CA   string `yaml:"ca"`
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// SystemCredentials is a credentials file of the system account, or a URL user and password in SystemURL; with
	// either, the servers' sync settings are read, and durability is verified.
	SystemCredentials string `yaml:"system_credentials"`
	// SystemURL replaces URL for the system account. Empty: URL.
	SystemURL string `yaml:"system_url"`
	// Replicas of the stream, 1, 3 or 5. Default 1.
	Replicas int `yaml:"replicas"`
	// AttestDurable states that the servers sync before they acknowledge, or replicate to 3, where that cannot be read.
	AttestDurable bool `yaml:"attest_durable"`
}

func (c Config) withDefaults() Config {
	c.Reserve = orDefault(c.Reserve, DefaultReserve)
	c.LastReserve = orDefault(c.LastReserve, min(DefaultLastReserve, c.Reserve))
	c.TickEvery = orDefault(c.TickEvery, DefaultTickEvery)
	c.PublishTimeout = orDefault(c.PublishTimeout, DefaultPublishTimeout)
	c.IndexCache = orDefault(c.IndexCache, DefaultIndexCache)
	c.OutputBytes = orDefault(c.OutputBytes, DefaultOutputBytes)
	c.MaxClockJump = orDefault(c.MaxClockJump, DefaultMaxClockJump)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.boot == nil {
		c.boot = sinceBoot
	}
	if c.kept == nil {
		c.kept = clockKept
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With(slog.String("component", "journal"))
	if c.External != nil {
		external := *c.External
		external.Replicas = orDefault(external.Replicas, 1)
		c.External = &external
	}
	return c
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Dir == "" {
		fault("dir is required")
	}
	if c.MaxBytes < 0 {
		fault("max_bytes is negative")
	}
	if c.Reserve < 0 || c.LastReserve < 0 || c.LastReserve > c.Reserve {
		fault("last_reserve_bytes must lie between 0 and reserve_bytes")
	}
	if c.MaxClockJump < 0 {
		fault("max_clock_jump is negative")
	}
	if c.PublishTimeout < 0 {
		fault("publish_timeout is negative")
	}
	if c.OutputBytes < 0 {
		fault("output_bytes is negative")
	}
	if c.IndexCache < 0 {
		fault("index_cache_bytes is negative")
	}
	if c.External != nil {
		faults = append(faults, c.External.faults()...)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("journal configuration: %w", err)
	}
	return nil
}

func (e External) faults() []error {
	var faults []error
	if e.URL == "" {
		faults = append(faults, errors.New("external.url is required"))
	}
	if (e.Cert == "") != (e.Key == "") {
		faults = append(faults, errors.New("external.cert and external.key belong together"))
	}
	if e.Replicas != 1 && e.Replicas != 3 && e.Replicas != 5 {
		faults = append(faults, fmt.Errorf("external.replicas is %d: want 1, 3 or 5", e.Replicas))
	}
	for i, text := range strings.Split(e.URL+","+e.SystemURL, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			faults = append(faults, fmt.Errorf("external URL %d is not a server URL such as nats://host:4222", i+1))
			continue
		}
		if loopback(u.Hostname()) {
			continue
		}
		if u.Scheme != "tls" && u.Scheme != "wss" && e.CA == "" {
			faults = append(faults, fmt.Errorf("external URL %d leaves this machine without TLS: use tls:// or give external.ca", i+1))
		}
		if e.Credentials == "" && e.Cert == "" && u.User == nil {
			faults = append(faults, fmt.Errorf("external URL %d leaves this machine without credentials or client certificate", i+1))
		}
	}
	return faults
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
