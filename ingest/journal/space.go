package journal

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/readtrail/readtrail/ingest"
)

// spaceAge is how long a look at the file system holds: at 500 MB/s, 50 MB go by in it, far below either reserve.
const spaceAge = 100 * time.Millisecond

// space watches what is left for the journal: on the disk, and below the stream's limit.
type space struct {
	dir     string
	disk    bool // an external server's disk cannot be seen from here
	reserve int64
	last    int64

	limit  atomic.Int64 // the stream's max_bytes
	stored atomic.Int64 // bytes in the stream, as last read plus what was appended since
	free   atomic.Int64
	looked atomic.Int64 // when free was read, in nanoseconds since 1970
}

func totalSpace(dir string) (int64, error) {
	usage, err := vfs.Default.GetDiskUsage(dir)
	if err != nil {
		return 0, fmt.Errorf("read size of file system: %w", err)
	}
	return int64(min(usage.TotalBytes, 1<<62)), nil
}

// left returns the bytes that are left, from a look that is at most spaceAge old.
func (s *space) left() int64 {
	left := s.limit.Load() - s.stored.Load()
	if !s.disk {
		return left
	}
	now := time.Now().UnixNano()
	if age := now - s.looked.Load(); age < 0 || age > int64(spaceAge) {
		usage, err := vfs.Default.GetDiskUsage(s.dir)
		if err != nil {
			return 0 // a file system that cannot be asked cannot be written either
		}
		s.free.Store(int64(min(usage.AvailBytes, 1<<62)))
		s.looked.Store(now)
	}
	return min(left, s.free.Load())
}

// check refuses an append that would eat into the reserve.
func (s *space) check(reserved bool) error {
	reserve := s.reserve
	if reserved {
		reserve = s.last
	}
	if left := s.left(); left < reserve {
		return fmt.Errorf("%d bytes are left, %d are kept in reserve: %w", left, reserve, ingest.ErrBusy)
	}
	return nil
}
