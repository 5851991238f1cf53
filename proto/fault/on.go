//go:build faults

package fault

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Variable names the mark to die at, and at which passing.
const Variable = "READTRAIL_FAULT"

var plan = parse(os.Getenv(Variable))

// ClockVariable names the file that holds the time (RFC 3339). It stands still until the file says otherwise.
const ClockVariable = "READTRAIL_FAULT_CLOCK"

// clockTick is how often the journal ticks under such a clock: soon after each step.
const clockTick = 20 * time.Millisecond

// Clock is the journal's clock and how often it ticks: the file's, or, without one, the machine's and as often as the
// journal chooses.
func Clock() (now func() time.Time, tickEvery time.Duration) {
	file := os.Getenv(ClockVariable)
	if file == "" {
		return time.Now, 0
	}
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			panic("fault: " + err.Error())
		}
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
		if err != nil {
			panic("fault: " + err.Error())
		}
		return at
	}, clockTick
}

type point struct {
	name string
	left atomic.Int64
}

func parse(text string) *point {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return nil
	}
	n, err := strconv.ParseInt(text[at+1:], 10, 64)
	if err != nil || n < 1 {
		panic("fault: want NAME:COUNT in " + Variable)
	}
	p := &point{name: text[:at]}
	p.left.Store(n)
	return p
}

// Point kills this process when the plan says so.
func Point(name string) {
	if plan != nil && plan.name == name && plan.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way; nothing after the mark may happen
	}
}
