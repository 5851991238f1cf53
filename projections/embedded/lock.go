package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrDirInUse says that another process has the data directory: a second Readtrail, or an engine that outlived its
// parent for a moment.
var ErrDirInUse = errors.New("the engine's data directory is in use by another process")

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
