//go:build linux

package powercut

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// ErrUnavailable says that this machine cannot mount: no root, or no /dev/fuse.
var ErrUnavailable = errors.New("FUSE is not available")

// Mount is a mounted disk.
type Mount struct {
	server *fuse.Server
	disk   *Disk
}

// MountAt mounts the disk on an existing directory.
func (d *Disk) MountAt(dir string) (*Mount, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("mount: %w: it needs root", ErrUnavailable)
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return nil, fmt.Errorf("mount: %w: %w", ErrUnavailable, err)
	}
	d.revive()
	var none time.Duration
	server, err := fs.Mount(dir, &node{disk: d, in: d.root}, &fs.Options{
		EntryTimeout: &none, AttrTimeout: &none, NegativeTimeout: &none,
		MountOptions: fuse.MountOptions{DirectMountStrict: true, AllowOther: true, FsName: "powercut", Name: "powercut", DisableXAttrs: true, MaxWrite: 1 << 20},
	})
	if err != nil {
		return nil, fmt.Errorf("mount: %w: %w", ErrUnavailable, err)
	}
	return &Mount{server: server, disk: d}, nil
}

// Unmount takes the disk off its directory, also when programs still hold files on it: what they do from then on fails.
func (m *Mount) Unmount(dir string) error {
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	return nil
}

// Test mounts a disk for a test, and unmounts it at its end. Where mounting is impossible it skips, or fails in CI.
func Test(tb testing.TB, d *Disk, dir string) *Mount {
	tb.Helper()
	m, err := d.MountAt(dir)
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") != "true" {
		tb.Skipf("power cuts cannot be simulated here: %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // the test may have unmounted it
	return m
}

// node is an inode as go-fuse sees it.
type node struct {
	fs.Inode
	disk *Disk
	in   *inode
}

var (
	_ fs.NodeLookuper  = (*node)(nil)
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeReaddirer = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
	_ fs.NodeFlusher   = (*node)(nil)
	_ fs.NodeAllocater = (*node)(nil)
	_ fs.NodeStatfser  = (*node)(nil)
)

// locked runs one operation, unless the power is off.
func (n *node) locked(op func() syscall.Errno) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.dead {
		return syscall.EIO
	}
	return op()
}

func (n *node) child(ctx context.Context, in *inode, out *fuse.EntryOut) *fs.Inode {
	in.attr(&out.Attr)
	return n.NewInode(ctx, &node{disk: n.disk, in: in}, fs.StableAttr{Ino: in.number, Mode: in.format()})
}

func (in *inode) format() uint32 {
	if in.dir {
		return syscall.S_IFDIR
	}
	return syscall.S_IFREG
}

func (in *inode) attr(out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink, out.Blksize = in.number, in.format()|in.mode, 1, page
	out.Size = uint64(len(in.data))
	out.Blocks = (out.Size + 511) / 512
	out.SetTimes(nil, &in.mtime, &in.mtime)
}

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (child *fs.Inode, errno syscall.Errno) {
	errno = n.locked(func() syscall.Errno {
		in := n.in.names[name]
		if in == nil {
			return syscall.ENOENT
		}
		child = n.child(ctx, in, out)
		return 0
	})
	return child, errno
}

func (n *node) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (child *fs.Inode, fh fs.FileHandle, flags uint32, errno syscall.Errno) {
	errno = n.locked(func() syscall.Errno {
		in := n.disk.newInode(false, mode&0o7777)
		n.disk.link(n.in, name, in)
		child = n.child(ctx, in, out)
		return 0
	})
	return child, nil, 0, errno
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (child *fs.Inode, errno syscall.Errno) {
	errno = n.locked(func() syscall.Errno {
		if n.in.names[name] != nil {
			return syscall.EEXIST
		}
		in := n.disk.newInode(true, mode&0o7777)
		n.disk.link(n.in, name, in)
		child = n.child(ctx, in, out)
		return 0
	})
	return child, errno
}

func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	return n.locked(func() syscall.Errno {
		if n.in.names[name] == nil {
			return syscall.ENOENT
		}
		n.disk.unlink(n.in, name)
		return 0
	})
}

func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	return n.locked(func() syscall.Errno {
		in := n.in.names[name]
		if in == nil {
			return syscall.ENOENT
		}
		if len(in.names) > 0 {
			return syscall.ENOTEMPTY
		}
		n.disk.unlink(n.in, name)
		return 0
	})
}

func (n *node) Rename(_ context.Context, name string, newParent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	return n.locked(func() syscall.Errno {
		to, ok := newParent.(*node)
		in := n.in.names[name]
		switch {
		case !ok || flags != 0:
			return syscall.EINVAL
		case in == nil:
			return syscall.ENOENT
		}
		if old := to.in.names[newName]; old != nil {
			if old.dir && len(old.names) > 0 {
				return syscall.ENOTEMPTY
			}
			n.disk.unlink(to.in, newName)
		}
		delete(n.in.names, name)
		n.disk.changed[n.in] = true
		n.disk.link(to.in, newName, in)
		return 0
	})
}

func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	var list []fuse.DirEntry
	errno := n.locked(func() syscall.Errno {
		for name, in := range n.in.names {
			list = append(list, fuse.DirEntry{Name: name, Ino: in.number, Mode: in.format()})
		}
		return 0
	})
	slices.SortFunc(list, func(a, b fuse.DirEntry) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return fs.NewListDirStream(list), errno
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return n.locked(func() syscall.Errno {
		n.in.attr(&out.Attr)
		return 0
	})
}

func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return n.locked(func() syscall.Errno {
		if mode, ok := in.GetMode(); ok {
			n.in.mode = mode & 0o7777
		}
		if size, ok := in.GetSize(); ok && !n.in.dir {
			n.disk.truncate(n.in, int(size))
		}
		n.in.attr(&out.Attr)
		return 0
	})
}

func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, n.locked(func() syscall.Errno { return 0 })
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	read := 0
	errno := n.locked(func() syscall.Errno {
		if off < int64(len(n.in.data)) {
			read = copy(dest, n.in.data[off:])
		}
		return 0
	})
	return fuse.ReadResultData(dest[:read]), errno
}

func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	errno := n.locked(func() syscall.Errno { return n.disk.write(n.in, data, off) })
	if errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.locked(func() syscall.Errno {
		n.disk.sync(n.in)
		return 0
	})
}

func (n *node) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

// Allocate reserves nothing: a disk in memory has no extents.
func (n *node) Allocate(_ context.Context, _ fs.FileHandle, off, size uint64, mode uint32) syscall.Errno {
	const keepSize = 1
	return n.locked(func() syscall.Errno {
		if end := int(off + size); mode&keepSize == 0 && end > len(n.in.data) {
			n.disk.truncate(n.in, end)
		}
		return 0
	})
}

func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.locked(func() syscall.Errno {
		capacity := n.disk.capacity
		if capacity == 0 {
			capacity = 1 << 40
		}
		free := uint64(max(0, capacity-n.disk.used)) / page
		out.Bsize, out.Frsize, out.NameLen = page, page, 255
		out.Blocks, out.Bfree, out.Bavail, out.Files, out.Ffree = uint64(capacity)/page, free, free, 1<<20, 1<<20
		return 0
	})
}
