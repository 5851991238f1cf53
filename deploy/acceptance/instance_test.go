package acceptance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// toldWithin is far below the half minute for which the directory of a killed server's engine is waited for.
const toldWithin = 10 * time.Second

// TestSecondServerIsToldAtOnce starts a server where one runs: it says which, and leaves it alone.
func TestSecondServerIsToldAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.mustStart()
	began := time.Now()
	out, err := s.run("up")
	if want := fmt.Sprintf("a server is already running on this directory (pid %d, socket %s/readtrail.sock)", s.cmd.Process.Pid, s.dir); err == nil || !strings.Contains(out, want) {
		t.Errorf("second server: %v\n%s\nwant: %s", err, out, want)
	}
	if took := time.Since(began); took > toldWithin {
		t.Errorf("it was told after %s", took)
	}
	if !s.alive() {
		t.Error("the first server did not survive it")
	}
	s.stop()
	s.mustStart()
	s.stop()
}
