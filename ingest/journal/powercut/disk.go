//go:build linux

// Package powercut is test support: a file system in memory that forgets what was not synced. A test mounts it under a
// store, lets the store acknowledge, cuts the power and mounts what is left.
//
// It keeps two images. Programs see the live one; the durable one changes only by fsync: of a file, which makes its
// bytes and size durable, and with them, as in the ordered journals of ext4 and XFS, every name made, moved or removed
// so far. What was written and not synced is lost, or, torn, survives in some pages and not in others.
//
// It needs root and /dev/fuse. It is not fast, and it is no file system to keep anything in.
package powercut

import (
	"maps"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// page is the unit that a torn write survives in.
const page = 4096

// Disk is the device. It outlives its mounts.
type Disk struct {
	mu       sync.Mutex
	root     *inode
	lastIno  uint64
	capacity int64
	used     int64
	syncs    int
	dead     bool
	changed  map[*inode]bool // directories whose names are not durable
}

// inode is a file or a directory, live and durable.
type inode struct {
	number  uint64
	dir     bool
	mode    uint32
	mtime   time.Time
	names   map[string]*inode
	durable map[string]*inode

	data   []byte
	synced []byte
	dirty  []span // written since the last sync
	cut    int    // smallest size since the last sync, to which synced bytes still hold
}

type span struct{ from, to int }

// New returns an empty disk of capacity bytes, 0 for one without end.
func New(capacity int64) *Disk {
	d := &Disk{capacity: capacity, changed: map[*inode]bool{}}
	d.root = d.newInode(true, 0o755)
	return d
}

// SetCapacity changes the size of the disk: below what is used, writes fail with ENOSPC.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = bytes
}

// Used returns the bytes in files.
func (d *Disk) Used() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// Syncs returns how many files were synced: a test can see that its store syncs at all.
func (d *Disk) Syncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}

// Cut cuts the power: from now on every operation fails with EIO, and only what was synced remains. With torn, pages
// that were written and not synced survive by chance; nil: none does. Unmount, then Mount again, to look at the rest.
func (d *Disk) Cut(torn *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	d.used = 0
	d.changed = map[*inode]bool{}
	d.root = d.surviving(d.root, torn)
}

// surviving builds what is left of an inode. New inodes, so that open files of before reach nothing of after.
func (d *Disk) surviving(old *inode, torn *rand.Rand) *inode {
	n := d.newInode(old.dir, old.mode)
	n.mtime = old.mtime
	if old.dir {
		for name, child := range old.durable {
			n.names[name] = d.surviving(child, torn)
		}
		n.durable = maps.Clone(n.names)
		return n
	}
	n.data = append([]byte(nil), old.synced...)
	if torn != nil {
		for _, s := range old.dirty {
			for from := s.from; from < s.to; from = (from/page + 1) * page {
				if to := min(s.to, (from/page+1)*page, len(old.data)); from < to && torn.IntN(2) == 0 {
					n.resize(max(len(n.data), to))
					copy(n.data[from:to], old.data[from:to])
				}
			}
		}
	}
	n.synced = append([]byte(nil), n.data...)
	n.cut = len(n.data)
	d.used += int64(len(n.data))
	return n
}

// revive lets operations through again; Mount does it.
func (d *Disk) revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = false
}

// The methods below are called with mu held.

func (d *Disk) newInode(dir bool, mode uint32) *inode {
	d.lastIno++
	n := &inode{number: d.lastIno, dir: dir, mode: mode, mtime: time.Now()}
	if dir {
		n.names, n.durable = map[string]*inode{}, map[string]*inode{}
	}
	return n
}

func (n *inode) resize(size int) {
	if size <= len(n.data) {
		n.data = n.data[:size]
		return
	}
	if size > cap(n.data) {
		grown := make([]byte, size, max(size, 2*cap(n.data)))
		copy(grown, n.data)
		n.data = grown
		return
	}
	from := len(n.data)
	n.data = n.data[:size]
	clear(n.data[from:])
}

func (d *Disk) write(n *inode, data []byte, off int64) syscall.Errno {
	end := int(off) + len(data)
	if grown := int64(max(0, end-len(n.data))); d.capacity > 0 && d.used+grown > d.capacity {
		return syscall.ENOSPC
	}
	d.truncate(n, max(len(n.data), end))
	copy(n.data[off:], data)
	n.mtime = time.Now()
	n.mark(int(off), end)
	return 0
}

// mark remembers a write; writes that touch the last one extend it.
func (n *inode) mark(from, to int) {
	if k := len(n.dirty); k > 0 && from <= n.dirty[k-1].to && to >= n.dirty[k-1].from {
		last := &n.dirty[k-1]
		last.from, last.to = min(last.from, from), max(last.to, to)
		return
	}
	n.dirty = append(n.dirty, span{from, to})
}

func (d *Disk) truncate(n *inode, size int) {
	d.used += int64(size - len(n.data))
	n.cut = min(n.cut, size)
	n.resize(size)
}

// sync makes a file durable, and every name there is.
func (d *Disk) sync(n *inode) {
	d.syncs++
	if !n.dir {
		n.synced = n.synced[:min(len(n.synced), n.cut)]
		if size := len(n.data); size > len(n.synced) {
			from := len(n.synced)
			n.synced = append(n.synced, n.data[from:]...)
		}
		for _, s := range n.dirty {
			if to := min(s.to, len(n.data)); s.from < to {
				copy(n.synced[s.from:to], n.data[s.from:to])
			}
		}
		n.dirty, n.cut = n.dirty[:0], len(n.data)
	}
	for dir := range d.changed {
		dir.durable = maps.Clone(dir.names)
	}
	clear(d.changed)
}

func (d *Disk) link(dir *inode, name string, n *inode) {
	dir.names[name] = n
	dir.mtime = time.Now()
	d.changed[dir] = true
}

func (d *Disk) unlink(dir *inode, name string) {
	if n := dir.names[name]; n != nil && !n.dir {
		d.used -= int64(len(n.data))
	}
	delete(dir.names, name)
	dir.mtime = time.Now()
	d.changed[dir] = true
}
