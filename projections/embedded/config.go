package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what the supervisor needs to know.
type Config struct {
	// Dir is the data directory. It is made with mode 0700 and belongs to one supervisor at a time. Required.
	Dir string
	// Library is the path of libchdb.so, or of its directory. Default: searched for, see FindLibrary.
	Library string
	// Command is the program and the arguments that run ServeStdin. Default: this binary with "engine".
	Command []string
	// Env is added to the child's otherwise nearly empty environment, as "NAME=value". Default: nothing.
	Env []string
	// MemoryLimit is what the engine may use for caches, inserts, merges and queries together, in bytes. Default: 2 GiB.
	MemoryLimit int64
	// KeepFree is what the engine leaves free on its disk, in bytes; below it inserts are refused. Default: 1 GiB.
	KeepFree int64
	// MaxConcurrent is the number of statements that run at a time; more wait. Default: 8.
	MaxConcurrent int
	// MaxBody is the size of the rows of one insert, uncompressed, in bytes. Default: 1 GiB.
	MaxBody int64
	// StartTimeout bounds how long the engine may take to open its data. Default: 2 minutes.
	StartTimeout time.Duration
	// StopTimeout bounds an orderly stop, after which the engine is killed. Default: 25 seconds, which is a little more
	// than what the child allows its own steps.
	StopTimeout time.Duration
	// LockWait is how long a taken data directory is waited for: the engine of a killed process needs a moment to notice
	// and to stop. Default: 30 seconds; negative: not at all.
	LockWait time.Duration
	// Logger gets state changes and the child's own log. Default: none.
	Logger *slog.Logger
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer

	// unconfined leaves the child to reach what its user can; for tests that show the difference.
	unconfined bool
	// deafAfter is how long a statement may go on in the engine once it was told to stop, before the engine's process is ended and started
	// again. Default: 1 minute, which the longest step between two looks at the order to stop does not take.
	deafAfter time.Duration
}

// User is the only user of the engine's HTTP interface.
const User = "readtrail"

// maxSocketPath is the longest path of a unix socket that every platform takes (Linux 107, macOS 103 bytes).
const maxSocketPath = 100

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	if c.Dir == "" {
		faults = append(faults, errors.New("engine: dir is required"))
	}
	if c.MemoryLimit != 0 && c.MemoryLimit < 512<<20 {
		faults = append(faults, fmt.Errorf("engine: memory limit %d is below the 512 MiB that the engine needs", c.MemoryLimit))
	}
	if c.KeepFree < 0 || c.MaxConcurrent < 0 || c.MaxBody < 0 || c.StartTimeout < 0 || c.StopTimeout < 0 {
		faults = append(faults, errors.New("engine: sizes, counts and durations must not be negative"))
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() (Config, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, fmt.Errorf("engine directory: %w", err)
	}
	c.Dir = dir
	if len(c.Command) == 0 {
		binary, err := os.Executable()
		if err != nil {
			return c, fmt.Errorf("find this program: %w", err)
		}
		c.Command = []string{binary, "engine"}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With(slog.String("component", "engine"))
	c.MemoryLimit = orDefault(c.MemoryLimit, 2<<30)
	c.KeepFree = orDefault(c.KeepFree, 1<<30)
	c.MaxConcurrent = orDefault(c.MaxConcurrent, 8)
	c.MaxBody = orDefault(c.MaxBody, 1<<30)
	c.StartTimeout = orDefault(c.StartTimeout, 2*time.Minute)
	c.LockWait = orDefault(c.LockWait, 30*time.Second)
	c.StopTimeout = orDefault(c.StopTimeout, 25*time.Second)
	c.deafAfter = orDefault(c.deafAfter, time.Minute)
	return c, nil
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
