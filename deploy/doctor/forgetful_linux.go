package doctor

import "golang.org/x/sys/unix"

// forgetful are file systems that forget everything at a power cut, by their magic number (statfs(2)).
var forgetful = map[int64]string{unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs"}
