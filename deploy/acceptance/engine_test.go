package acceptance_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestEngineAway freezes the engine: events are acknowledged all the same, questions are not answered with less than
// everything, and when the engine is back, nothing is missing.
func TestEngineAway(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &sender{s: s}
	s.mustStart()
	c.some(5)
	c.verify("before")
	engine := s.enginePID()
	if engine == 0 {
		t.Fatal("the engine child was not found")
	}
	if err := syscall.Kill(engine, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	thaw := func() { _ = syscall.Kill(engine, syscall.SIGCONT) }
	t.Cleanup(thaw)
	for range 50 {
		c.some(1)
	}
	if len(c.pending) > 0 {
		t.Errorf("%d bodies were not acknowledged while the engine was away", len(c.pending))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if res, err := s.questions().WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|p1", Purpose: "acceptance"})); err == nil {
		t.Errorf("a question was answered without the engine: %d events", res.Msg.GetTotals().GetEvents())
	}
	thaw()
	c.again()
	c.verify("after")
	s.stop()
}

// TestRebuild rebuilds while events arrive, is killed in the middle, and rebuilds again.
func TestRebuild(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &sender{s: s}
	s.mustStart("READTRAIL_FAULT=projections:before:flip:1")
	for range 30 {
		c.some(1)
	}
	if out, err := s.run("rebuild"); err == nil {
		t.Fatalf("the rebuild outlived its crash:\n%s", out)
	}
	if !s.died() {
		t.Fatal("the flip was never reached")
	}
	s.mustStart()
	c.again()
	c.verify("after the crash")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range 20 {
			c.some(1)
		}
	}()
	out, err := s.run("rebuild")
	<-sent
	if err != nil || !strings.Contains(out, "is active") {
		t.Fatalf("rebuild: %v\n%s", err, out)
	}
	c.again()
	c.verify("after the rebuild")
	s.stop()
}
