//go:build !linux

package journal

import "golang.org/x/sys/unix"

// bootClockID counts the machine's sleep on macOS.
const bootClockID = unix.CLOCK_MONOTONIC

// clockKept is not known here.
func clockKept() bool { return false }
