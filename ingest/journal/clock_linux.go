package journal

import "golang.org/x/sys/unix"

// bootClockID counts the machine's sleep too.
const bootClockID = unix.CLOCK_BOOTTIME

// clockKept reports whether a time service keeps the wall clock right, as the kernel knows. Whoever sets the clock by hand
// makes it forget that, until the service has looked.
func clockKept() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}
