package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// MinVersion is the oldest ClickHouse that is accepted, as year and month of the release: the pinned settings and the
// meaning of inserts into materialized views are those of 26.3, the long-term release.
const MinVersion = "26.3"

// readSlack is how much longer the client waits for an answer than ClickHouse works on it.
const readSlack = 30 * time.Second

// Store is a pool of connections. It is safe for concurrent use.
type Store struct {
	cfg     Config
	conn    clickhouse.Conn
	pinned  Settings
	columns *columnCache
	// http says that the store speaks the HTTP interface; database is where statements run.
	http     bool
	database string
}

// Open connects, checks the version and finds out which of the pinned settings this release has. The error is an
// ErrUnavailable when ClickHouse cannot be reached, an ErrTooOld when it is too old.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	opts, err := cfg.options()
	if err != nil {
		return nil, err
	}
	opts.MaxOpenConns, opts.MaxIdleConns, opts.DialTimeout = cfg.MaxConns, cfg.MaxConns, cfg.DialTimeout
	opts.ReadTimeout = cfg.QueryTimeout + readSlack
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return nil, errDSN
	}
	s := &Store{
		cfg: cfg, conn: conn, http: opts.Protocol == clickhouse.HTTP, database: opts.Auth.Database,
		columns: &columnCache{types: map[string][]clickhouse.ColumnNameAndType{}},
	}
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// check refuses old releases and keeps the pinned settings that exist.
func (s *Store) check(ctx context.Context) error {
	version, err := s.conn.ServerVersion()
	if err != nil {
		return wrap(ctx, "connect", err)
	}
	v := version.Version
	if v.Major < 26 || (v.Major == 26 && v.Minor < 3) {
		return fmt.Errorf("%w: it is %d.%d, Readtrail needs %s or newer", ErrTooOld, v.Major, v.Minor, MinVersion)
	}
	rows, err := s.conn.Query(ctx, "SELECT name FROM system.settings")
	if err != nil {
		return wrap(ctx, "connect", err)
	}
	defer func() { _ = rows.Close() }() // what failed is in rows.Err
	known := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return wrap(ctx, "connect", err)
		}
		known[name] = true
	}
	if err := rows.Err(); err != nil {
		return wrap(ctx, "connect", err)
	}
	s.pinned = Settings{}
	for name, value := range pinned {
		if known[name] {
			s.pinned[name] = value
		}
	}
	s.pinned["max_execution_time"] = fmt.Sprint(s.cfg.QueryTimeout.Seconds())
	maps.Copy(s.pinned, s.cfg.Settings)
	return nil
}

// With returns a store over the same connections whose statements carry further settings.
func (s *Store) With(settings Settings) *Store {
	other := *s
	other.pinned = maps.Clone(s.pinned)
	maps.Copy(other.pinned, settings)
	return &other
}

// Version is the release of the server, such as "26.5.1".
func (s *Store) Version() (string, error) {
	v, err := s.conn.ServerVersion()
	if err != nil {
		return "", wrap(context.Background(), "version", err)
	}
	return fmt.Sprintf("%d.%d.%d", v.Version.Major, v.Version.Minor, v.Version.Patch), nil
}

// Ping says whether ClickHouse answers.
func (s *Store) Ping(ctx context.Context) error { return wrap(ctx, "ping", s.conn.Ping(ctx)) }

// Database is the one statements run in.
func (s *Store) Database() string { return s.database }

// Close closes the connections; running statements fail.
func (s *Store) Close() error { return wrap(context.Background(), "close", s.conn.Close()) }

// context carries the settings of a statement.
func (s *Store) context(ctx context.Context, queryID string, extra Settings) context.Context {
	settings := make(clickhouse.Settings, len(s.pinned)+len(extra))
	for name, value := range s.pinned {
		settings[name] = value
	}
	for name, value := range extra {
		settings[name] = value
	}
	options := []clickhouse.QueryOption{clickhouse.WithSettings(settings)}
	if queryID != "" {
		options = append(options, clickhouse.WithQueryID(queryID))
	}
	return clickhouse.Context(ctx, options...)
}

// columnCache knows the types of the columns of tables, so that an insert over HTTP need not ask for them each time.
// Any other statement than a query may change a table and empties it.
type columnCache struct {
	mu    sync.Mutex // guards types
	types map[string][]clickhouse.ColumnNameAndType
}

func (c *columnCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.types)
}

func (c *columnCache) get(key string) []clickhouse.ColumnNameAndType {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.types[key]
}

func (c *columnCache) put(key string, types []clickhouse.ColumnNameAndType) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.types[key] = types
}
