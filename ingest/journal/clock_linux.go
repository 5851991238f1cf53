package journal

import "golang.org/x/sys/unix"

// bootClockID counts the machine's sleep too.
const bootClockID = unix.CLOCK_BOOTTIME
