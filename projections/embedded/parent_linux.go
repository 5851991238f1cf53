package embedded

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// bootClockID is a clock that all processes of this machine share and that is never set.
const bootClockID = unix.CLOCK_BOOTTIME

// childAttributes puts the child into a process group of its own, so that Ctrl-C in a terminal reaches only the parent,
// which then stops the child in order; and has the kernel kill it when the parent dies. Killing loses nothing that was
// acknowledged.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// program is what to execute for the command at path: for this very program the file that runs, also when an upgrade has put
// another one in its place meanwhile. That one is not what the engine's directory was opened by, and no rule lets it run.
func program(path string) string {
	if self, err := os.Executable(); err == nil && self == path {
		return "/proc/self/exe"
	}
	return path
}
