package store

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config says where ClickHouse is and how it is used.
type Config struct {
	// DSN is clickhouse://, http:// or https:// with user:password@host:port/database and clickhouse-go's parameters, or
	// the embedded engine's http+unix:// (embedded.Engine.DSN). Required. It holds a password: it is never logged.
	DSN string
	// Database overrides the one of the DSN. Default: the DSN's, else "default".
	Database string
	// MaxConns is the number of connections. Default: 8, as many statements as the embedded engine runs at a time.
	MaxConns int
	// DialTimeout bounds connecting, and waiting for a free connection. Default: 10 seconds.
	DialTimeout time.Duration
	// QueryTimeout is ClickHouse's max_execution_time for statements whose context has no deadline. Default: 10 minutes,
	// which an import into a slow disk stays far below.
	QueryTimeout time.Duration
	// Settings are added to every statement, after the pinned ones. Default: none.
	Settings Settings
	// Logger gets warnings. Default: none.
	Logger *slog.Logger
}

// Settings are ClickHouse settings by name.
type Settings map[string]string

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	if c.DSN == "" {
		faults = append(faults, errors.New("store: dsn is required"))
	} else if _, err := c.options(); err != nil {
		faults = append(faults, fmt.Errorf("store: dsn: %w", err))
	}
	if c.MaxConns < 0 || c.DialTimeout < 0 || c.QueryTimeout < 0 {
		faults = append(faults, errors.New("store: counts and durations must not be negative"))
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	if c.MaxConns == 0 {
		c.MaxConns = 8
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = 10 * time.Second
	}
	if c.QueryTimeout == 0 {
		c.QueryTimeout = 10 * time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With(slog.String("component", "store"))
	return c
}
