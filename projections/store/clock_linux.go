package store

import "golang.org/x/sys/unix"

// bootClock is a clock that all processes of this machine share and that is never set.
const bootClock = unix.CLOCK_BOOTTIME
