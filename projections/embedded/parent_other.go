//go:build !linux

package embedded

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// bootClockID is a clock that all processes of this machine share and that is never set.
const bootClockID = unix.CLOCK_MONOTONIC

// childAttributes puts the child into a process group of its own, so that Ctrl-C in a terminal reaches only the parent.
// That the parent died the child learns from its closed standard input.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// program is what to execute for the command at path.
func program(path string) string { return path }
