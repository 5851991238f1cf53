package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/readtrail/readtrail/deploy/serve"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/proto"
)

// StateDir is where parts keep what they can make anew.
func (c *Config) StateDir() string { return filepath.Join(c.DataDir, "state") }

// MakeDirs makes the directories that the parts expect, for this user only.
func (c *Config) MakeDirs() error {
	for _, dir := range []string{c.DataDir, filepath.Dir(c.Keys.MasterKeyFile), c.StateDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
	}
	return nil
}

// JournalConfig is what the journal is told; the caller adds keys, logger and metrics.
func (c *Config) JournalConfig() journal.Config {
	j := c.Journal
	out := journal.Config{
		Dir: filepath.Join(c.DataDir, "journal"), MaxBytes: int64(j.MaxBytes), Reserve: int64(j.Reserve), LastReserve: int64(j.ReservedSpace),
		MaxClockJump: j.MaxClockJump, OutputBytes: int64(c.Detectors.StreamBytes),
	}
	if j.URL != "" {
		out.External = &journal.External{
			URL: j.URL, Credentials: j.CredentialsFile, CA: j.CAFile, Cert: j.CertFile, Key: j.KeyFile,
			SystemCredentials: j.SystemCredentialsFile, AttestDurable: j.AttestDurable, Replicas: j.Replicas,
		}
	}
	return out
}

// EngineConfig is what the embedded engine is told; the caller adds logger and metrics.
func (c *Config) EngineConfig() embedded.Config {
	return embedded.Config{
		Dir: filepath.Join(c.DataDir, "clickhouse"), Library: c.ClickHouse.Library,
		MemoryLimit: int64(c.ClickHouse.MemoryLimit), KeepFree: int64(c.ClickHouse.KeepFree),
	}
}

// Instance is what this process says of itself to others on the machine.
func (c *Config) Instance() serve.Instance {
	return serve.Instance{PID: os.Getpid(), Socket: c.Listen.Socket, HTTP: c.Listen.HTTP}
}

// running is the server that runs on the data directory, if one does.
func (c *Config) running() (serve.Instance, bool, error) {
	return serve.Running(c.DataDir) //nolint:wrapcheck // says what failed
}

// Open opens the key ring. A master key is made only where no data key is: a lost one must be found, not replaced.
func (k Keys) Open() (*proto.KeyRing, error) {
	used, err := proto.HasKeys(k.Dir)
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	master, err := proto.LoadMasterKey(k.MasterKeyFile, !used)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open keys: %s holds data keys, but the master key that wraps them is not at %s: put it back, a new one would open none of them", k.Dir, k.MasterKeyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	return proto.OpenKeyRing(k.Dir, master) //nolint:wrapcheck // says what failed
}

// Logger writes to w what the configuration asks for.
func (l Log) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // validated with the configuration
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
