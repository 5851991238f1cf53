package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrDirInUse says that another process has the data directory: a second Readtrail, or an engine that outlived its
// parent for a moment.
var ErrDirInUse = errors.New("the engine's data directory is in use by another process")

// lockPoll is how often a taken directory is tried again.
const lockPoll = 50 * time.Millisecond

// awaitDir takes the directory, waiting for the engine of a process that was killed a moment ago: it notices that its
// parent is gone, and stops, but not at once. After wait the error is ErrDirInUse.
func awaitDir(ctx context.Context, dir string, wait time.Duration, log *slog.Logger) (*os.File, error) {
	deadline := time.Now().Add(wait)
	for told := false; ; told = true {
		file, err := lockDir(dir)
		if err == nil || !errors.Is(err, ErrDirInUse) || time.Now().After(deadline) {
			return file, err
		}
		if !told {
			log.InfoContext(ctx, "waiting for another process to let go of the engine's data", slog.Duration("at_most", wait))
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the engine's data directory: %w", ctx.Err())
		}
	}
}

// lockDir takes the directory for this process. The child inherits the open file, so the directory stays taken until
// both are gone.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the engine's data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s", ErrDirInUse, dir)
	}
	return nil, fmt.Errorf("lock the engine's data directory: %w", err)
}
