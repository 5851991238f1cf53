package projections

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Defaults of Config.
const (
	DefaultMaxRows        = 100_000
	DefaultMaxBytes       = 32 << 20
	DefaultLinger         = 200 * time.Millisecond
	DefaultRollupInterval = 2 * time.Second
	DefaultRetryAfter     = time.Second
)

// Config says what the projector reads and where it writes.
type Config struct {
	// Store is ClickHouse. Required.
	Store *store.Store
	// Follow calls fn with every batch whose positions lie above from, in order, without gaps, until ctx ends or fn
	// fails, and returns that error. Required.
	Follow func(ctx context.Context, from proto.Position, fn func(ctx context.Context, b *proto.Batch) error) error
	// Head is the journal's last position. Required.
	Head func() proto.Position
	// Findings and Alerts are what detectors write. Default: nothing is projected of it.
	Findings Stream[*v1.Findings]
	Alerts   Stream[*v1.AlertVersion]
	// Workers open and fold batches. Default: one a processor.
	Workers int
	// MaxRows is how many accesses one round of inserts carries at most, in rows. Default 100,000.
	MaxRows int
	// MaxBytes is how large one round of inserts grows, in bytes before compression. Default 32 MiB.
	MaxBytes int
	// Linger is how long an accepted event waits for others: five times as long while few come and no answer waits for it. Default
	// 200 ms, which leaves most of half a second for the inserts.
	Linger time.Duration
	// RollupInterval is how long the rollups wait for more. Default 2 s.
	RollupInterval time.Duration
	// RetryAfter is the pause after an error; where nothing gets on, it doubles, up to five times that. Default 1 s. An
	// insert that was given up has that time to begin, so that recovery finds it running and cancels it.
	RetryAfter time.Duration
	// Logger defaults to one that discards.
	Logger *slog.Logger
	// Metrics registers the projector's metrics; nil registers none.
	Metrics prometheus.Registerer
}

func (c Config) withDefaults() Config {
	orDefault(&c.Workers, runtime.GOMAXPROCS(0))
	orDefault(&c.MaxRows, DefaultMaxRows)
	orDefault(&c.MaxBytes, DefaultMaxBytes)
	orDefault(&c.Linger, DefaultLinger)
	orDefault(&c.RollupInterval, DefaultRollupInterval)
	orDefault(&c.RetryAfter, DefaultRetryAfter)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With(slog.String("component", "projections"))
	return c
}

func orDefault[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	if c.Store == nil {
		faults = append(faults, errors.New("store is required"))
	}
	if c.Follow == nil {
		faults = append(faults, errors.New("follow is required"))
	}
	if c.Head == nil {
		faults = append(faults, errors.New("head is required"))
	}
	if c.Findings.Follow != nil && c.Findings.Head == nil || c.Alerts.Follow != nil && c.Alerts.Head == nil {
		faults = append(faults, errors.New("head of findings and alerts is required with follow"))
	}
	if c.Workers < 0 || c.MaxRows < 0 || c.MaxBytes < 0 || c.Linger < 0 || c.RollupInterval < 0 || c.RetryAfter < 0 {
		faults = append(faults, errors.New("limits must not be negative"))
	}
	return errors.Join(faults...)
}
