package embedded

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Versions of Landlock and what they brought. Version 1 refuses every rename into another directory, which ClickHouse needs.
const (
	landlockLeast    = 2
	landlockTruncate = 3
	landlockNetwork  = 4
	landlockIoctl    = 5
	landlockScope    = 6
)

const (
	// readAccess is for what is only read: libraries, zones, what the kernel tells of the machine.
	readAccess = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	// fileAccess are the rights that a rule for a file, not a directory, may give.
	fileAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// ownAccess is for the engine's own directories: everything but devices and programs.
	ownAccess = readAccess | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// systemPaths are what a program and the C library read of the system; what is missing is left out. /proc says of other
// processes only what it says to everybody: a confined process may not look into those outside.
var systemPaths = []string{
	"/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/nix/store",
	"/etc/ld.so.cache", "/etc/localtime", "/proc", "/sys/devices/system", "/sys/fs/cgroup", "/dev/urandom", "/dev/random",
}

// landlockVersion is the version of Landlock of this kernel; 0: it has none, or must not use it.
func landlockVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// Confined says in a sentence how far the operating system confines the engine's process, and whether it does.
func Confined() (string, bool) {
	switch version := landlockVersion(); {
	case version == 0:
		return "not confined by the operating system: this kernel has no Landlock, or does not let it be used", false
	case version < landlockLeast:
		return "not confined by the operating system: this kernel's Landlock is too old", false
	case version < landlockNetwork:
		return fmt.Sprintf("confined to its own files (Landlock %d); the network is left open to it", version), true
	default:
		return fmt.Sprintf("confined to its own files, without a network (Landlock %d)", version), true
	}
}

// confineThread confines the calling thread, for good, and with it every process that it starts: they reach the engine's own
// directories and what they need of the system, and no network. The rest of this process goes on as before: the caller's
// goroutine must be locked to its thread and never let go of it. Where the kernel cannot, it does nothing.
func confineThread(e *Engine) error {
	version := landlockVersion()
	if version < landlockLeast {
		return nil
	}
	attr, size := ruleset(version)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0) //nolint:gosec // the kernel's interface
	if errno != 0 {
		return fmt.Errorf("confine the engine: make rules: %w", errno)
	}
	rules := int(fd)
	defer func() { _ = unix.Close(rules) }()
	allow := func(path string, access uint64) error {
		return addRule(rules, path, access&attr.Handled_access_fs)
	}
	errs := []error{allow("/dev/null", readAccess|unix.LANDLOCK_ACCESS_FS_WRITE_FILE)}
	command := program(e.cfg.Command[0])
	for _, path := range []string{command, interpreter(command)} {
		if path != "" {
			errs = append(errs, allow(path, readAccess|unix.LANDLOCK_ACCESS_FS_EXECUTE))
		}
	}
	for _, path := range append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), append(systemPaths, filepath.Dir(e.serve.Library))...) {
		if path != "" {
			errs = append(errs, allow(path, readAccess))
		}
	}
	for _, path := range []string{e.cfg.Dir, e.socketDir, os.Getenv("GOCOVERDIR")} {
		if path != "" {
			errs = append(errs, allow(path, ownAccess))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("confine the engine: give up new privileges: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); errno != 0 {
		return fmt.Errorf("confine the engine: %w", errno)
	}
	return nil
}

// interpreter is the program that loads another one; empty when it needs none, or is no program.
func interpreter(program string) string {
	file, err := elf.Open(program)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			text, _ := io.ReadAll(p.Open()) // of what cannot be read, starting the program tells
			return strings.TrimRight(string(text), "\x00")
		}
	}
	return ""
}

// ruleset is everything that this version can refuse, and how much of the structure it knows.
func ruleset(version int) (unix.LandlockRulesetAttr, uintptr) {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_REFER<<1 - 1}
	size := unsafe.Offsetof(attr.Handled_access_net)
	if version >= landlockTruncate {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= landlockNetwork {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		size = unsafe.Offsetof(attr.Scoped)
	}
	if version >= landlockIoctl {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= landlockScope {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size = unsafe.Offsetof(attr.Quiet_access_fs)
	}
	return attr, size
}

// addRule gives access to what stands at a path and beneath; a path that does not exist needs no rule.
func addRule(rules int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("confine the engine: open %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("confine the engine: look at %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileAccess
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0) //nolint:gosec // the kernel's interface
	if errno != 0 {
		return fmt.Errorf("confine the engine: allow %s: %w", path, errno)
	}
	return nil
}
