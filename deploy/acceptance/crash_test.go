package acceptance_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// patients is how many records the events are spread over.
const patients = 7

// sender makes events, remembers what was acknowledged, and sends again what was not.
type sender struct {
	s       *server
	next    int
	pending [][]byte // bodies that were not acknowledged
	sent    [patients]uint64
}

// body is one NDJSON request of n new events.
func (c *sender) body(n int) []byte {
	var b bytes.Buffer
	for range n {
		c.next++
		patient := c.next % patients
		c.sent[patient]++
		fmt.Fprintf(&b, `{"resourceType":"AuditEvent","id":"e%d","type":{"code":"rest"},"action":"R","recorded":"2026-03-%02dT10:%02d:%02dZ","outcome":"0",`+
			`"agent":[{"who":{"identifier":{"system":"urn:staff","value":"u%d"}},"requestor":true}],"source":{"observer":{"display":"ehr"}},`+
			`"entity":[{"what":{"identifier":{"system":"urn:mrn","value":"p%d"}},"role":{"code":"1"}}]}`+"\n",
			c.next, 1+c.next%28, c.next%60, c.next/60%60, c.next%5, patient)
	}
	return b.Bytes()
}

// post sends a body. A body without an answer stays pending: whether it was kept is not known.
func (c *sender) post(body []byte) bool {
	res, err := c.s.http.Post("http://readtrail/fhir?source=local", "application/fhir+ndjson", bytes.NewReader(body))
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	return err == nil && res.StatusCode/100 == 2
}

// some sends n bodies until one is not acknowledged.
func (c *sender) some(n int) {
	for range n {
		body := c.body(1 + c.next%40)
		if !c.post(body) {
			c.pending = append(c.pending, body)
			return
		}
	}
}

// again sends what was not acknowledged. After it, everything that was ever made stands in the journal exactly once.
func (c *sender) again() {
	c.s.t.Helper()
	for _, body := range c.pending {
		if !c.post(body) {
			c.s.t.Fatalf("a body is refused by a healthy server:\n%s", tail(c.s.log.String()))
		}
	}
	c.pending = nil
}

// verify asks about every record, and every reader, and compares with what was sent.
func (c *sender) verify(round string) {
	t := c.s.t
	t.Helper()
	c.s.settle()
	var got [patients]uint64
	for p := range patients {
		res, err := c.s.questions().WhoViewed(t.Context(), connect.NewRequest(&v1.WhoViewedRequest{
			Patient: fmt.Sprintf("urn:mrn|p%d", p), Purpose: "acceptance", Page: &v1.Page{Size: 1},
		}))
		if err != nil {
			t.Fatalf("%s: ask: %v", round, err)
		}
		got[p] = res.Msg.GetTotals().GetEvents()
	}
	if diff := cmp.Diff(c.sent, got); diff != "" {
		t.Fatalf("%s: events by record, sent (-) and found (+):\n%s", round, diff)
	}
	byReader := uint64(0)
	for r := range 5 {
		res, err := c.s.questions().ReaderActivity(t.Context(), connect.NewRequest(&v1.ReaderActivityRequest{
			Reader: fmt.Sprintf("urn:staff|u%d", r), Purpose: "acceptance", Page: &v1.Page{Size: 1},
		}))
		if err != nil {
			t.Fatalf("%s: ask: %v", round, err)
		}
		byReader += res.Msg.GetTotals().GetEvents()
	}
	if byReader != uint64(c.next) {
		t.Fatalf("%s: %d events by reader, %d were sent", round, byReader, c.next)
	}
	c.verifyRollups(round)
}

// verifyRollups compares what the sources list says, which is computed from the rollups.
func (c *sender) verifyRollups(round string) {
	t := c.s.t
	t.Helper()
	res, err := c.s.questions().ListSources(t.Context(), connect.NewRequest(&v1.ListSourcesRequest{}))
	if err != nil {
		t.Fatalf("%s: list sources: %v", round, err)
	}
	for _, source := range res.Msg.Sources {
		if source.Source.GetName() == "local" && source.Events != uint64(c.next) {
			t.Fatalf("%s: the rollups count %d events, %d were sent", round, source.Events, c.next)
		}
	}
}

// TestKilledAtACommitPoint kills the process at each commit point, early, and again later while it recovers and goes on, and starts it once more.
func TestKilledAtACommitPoint(t *testing.T) {
	t.Parallel()
	points := []string{
		"intake:decoded", "journal:encoding", "journal:synced", "journal:indexed", "intake:answered",
		"projections:insert:accesses_by_patient", "projections:insert:accesses_by_reader",
		"projections:before:watermark:accesses", "projections:watermark:accesses",
		"projections:before:watermark:rollups", "projections:watermark:rollups",
	}
	s := newServer(t)
	c := &sender{s: s}
	for i, point := range points {
		for _, passing := range []int{1, 3} {
			name := fmt.Sprintf("%s:%d", point, passing)
			if err := s.start("READTRAIL_FAULT=" + name); err == nil {
				for deadline := time.Now().Add(startTimeout); s.alive() && time.Now().Before(deadline); {
					c.some(3)
				}
			}
			if s.alive() {
				t.Fatalf("%s was never passed", name)
			}
			s.kill()
		}
		s.mustStart()
		c.again()
		c.verify(point)
		if i%3 == 0 {
			s.kill()
		} else {
			s.stop()
		}
	}
}

// TestKilledAtRandom kills the process, or its engine, at any time.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &sender{s: s}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	s.mustStart()
	for round := range *rounds {
		name := fmt.Sprintf("round %d", round)
		after := time.Duration(dice.IntN(1500)) * time.Millisecond
		engine := dice.IntN(3) == 0
		hit := make(chan struct{})
		go func() {
			defer close(hit)
			time.Sleep(after)
			if pid := s.enginePID(); engine && pid != 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			} else {
				_ = s.cmd.Process.Kill()
			}
		}()
		for sending := true; sending; {
			select {
			case <-hit:
				sending = false
			default:
				c.some(2)
			}
		}
		if !engine {
			s.kill()
			s.mustStart()
		}
		c.again()
		c.verify(name)
	}
	s.stop()
}

// TestStopDrains stops in order while events come in: what was acknowledged is there, and the exit code is 0.
func TestStopDrains(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &sender{s: s}
	s.mustStart()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		time.Sleep(200 * time.Millisecond)
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
	}()
	for s.alive() {
		c.some(5)
	}
	<-stopped
	if err := <-s.done; err != nil {
		t.Fatalf("stop: %v\n%s", err, tail(s.log.String()))
	}
	s.done = nil
	s.mustStart()
	c.again()
	c.verify("after the stop")
	if res, err := s.http.Get("http://readtrail/healthz"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("healthz: %v, %v", res, err)
	}
	s.stop()
}
