//go:build faults

package fault

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Variable names the mark to die at, and at which passing.
const Variable = "READTRAIL_FAULT"

var plan = parse(os.Getenv(Variable))

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
