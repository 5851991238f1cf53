package journal_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/ingest/journal/powercut"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// childVar holds the order to a child process: this binary, run again to be killed.
const childVar = "READTRAIL_JOURNAL_CHILD"

// order is what a child is to do: append as many callers at once, each from its own number on, until it is killed.
type order struct {
	Dir    string
	Keys   string
	From   []int
	NoSync bool
}

// perCall is how many entries a child's caller appends at a time.
const perCall = 3

func TestMain(m *testing.M) {
	if text := os.Getenv(childVar); text != "" {
		if err := appendUntilKilled(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if conf := os.Getenv(nodeVar); conf != "" {
		if err := runNode(conf); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func callerEvent(caller, n int) ingest.Entry {
	e := event(fmt.Sprintf("%d/%d", caller, n), "read")
	e.Source = "emr"
	e.Sealed = &v1.SealedItem{Original: fmt.Appendf(nil, "original %d/%d", caller, n), MediaType: "text/plain"}
	return e
}

func childConfig(o order) (journal.Config, error) {
	keys, err := proto.OpenKeyRing(o.Keys, make([]byte, 32))
	cfg := journal.Config{Dir: o.Dir, Reserve: 1 << 20, LastReserve: 1 << 10, TickEvery: 5 * time.Millisecond, Keys: keys}
	if o.NoSync {
		cfg = journal.WithoutSync(cfg)
	}
	return cfg, err
}

// appendUntilKilled says "caller number position" for each entry once it is acknowledged.
func appendUntilKilled(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	cfg, err := childConfig(o)
	if err != nil {
		return err
	}
	j, err := journal.Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	var out sync.Mutex
	var wg sync.WaitGroup
	for caller, from := range o.From {
		wg.Go(func() {
			for n := from; ; n += perCall {
				var entries []ingest.Entry
				for k := range perCall {
					entries = append(entries, callerEvent(caller, n+k))
				}
				results, err := j.Append(context.Background(), entries, ingest.Options{})
				if err != nil {
					return // the disk is gone; the parent kills us
				}
				var line strings.Builder
				for k, r := range results {
					fmt.Fprintf(&line, "%d %d %s\n", caller, n+k, r.Position)
				}
				out.Lock()
				_, _ = os.Stdout.WriteString(line.String())
				out.Unlock()
			}
		})
	}
	wg.Wait()
	select {} // until killed
}

// child is a running one and what it said so far.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	acked []map[int]proto.Position
}

func startChild(t *testing.T, o order, acked []map[int]proto.Position) *child {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &child{cmd: cmd, lines: bufio.NewScanner(out), acked: acked}
}

// read takes n acknowledgements, or all there are when n is negative.
func (c *child) read(t *testing.T, n int) {
	t.Helper()
	for ; n != 0 && c.lines.Scan(); n-- {
		var caller, number int
		var position uint64
		if _, err := fmt.Sscan(c.lines.Text(), &caller, &number, &position); err != nil {
			return // cut off by the kill
		}
		if old, ok := c.acked[caller][number]; ok && old != proto.Position(position) {
			t.Errorf("caller %d: event %d was acknowledged at %s and at %d", caller, number, old, position)
		}
		c.acked[caller][number] = proto.Position(position)
	}
	if n > 0 {
		t.Fatalf("child ended with %d acknowledgements to come", n)
	}
}

// kill ends the child. What it said before it died counts.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.read(t, -1)
	_ = c.cmd.Wait()
}

// missing opens what a child left, checks it, and returns how many acknowledged entries are not there.
func missing(t *testing.T, o order, acked []map[int]proto.Position) (lost int) {
	t.Helper()
	o.NoSync = false
	cfg, err := childConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	cfg.TickEvery = -1
	j, err := journal.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open what is left: %v", err)
	}
	defer shut(t, j)
	found := make([]map[int]proto.Position, len(acked))
	for caller := range found {
		found[caller] = map[int]proto.Position{}
	}
	last := make([]int, len(acked))
	for _, s := range readAll(t, j) { // it checks order, roots and that no id stands twice
		a := s.item.GetAccess()
		if a == nil {
			continue
		}
		caller, number, _ := strings.Cut(a.SourceEventId, "/")
		c, _ := strconv.Atoi(caller)
		n, _ := strconv.Atoi(number)
		if n != last[c] {
			t.Errorf("caller %d: event %d comes where %d was to come", c, n, last[c])
		}
		last[c] = n + 1
		found[c][n] = s.position
		if n > len(acked[c])+2*perCall {
			t.Errorf("caller %d: event %d was never offered", c, n)
		}
		b, err := j.ReadBatch(t.Context(), s.position.Sequence())
		if err != nil {
			t.Fatal(err)
		}
		if original, err := b.Original(s.position.Index()); err != nil || string(original.Original) != "original "+a.SourceEventId {
			t.Errorf("original of %s: %q, %v", a.SourceEventId, original.GetOriginal(), err)
		}
	}
	for c := range acked {
		for n, at := range acked[c] {
			if found[c][n] != at {
				lost++
			}
			if where, ok, err := j.Locate(t.Context(), callerEvent(c, n).ID); err != nil || ok != (found[c][n] != 0) || where != found[c][n] {
				t.Fatalf("index says %s, %t, %v of an event at %s", where, ok, err, found[c][n])
			}
		}
	}
	return lost
}

func newAcked(callers int) []map[int]proto.Position {
	acked := make([]map[int]proto.Position, callers)
	for i := range acked {
		acked[i] = map[int]proto.Position{}
	}
	return acked
}

// TestKill kills the process after a random number of acknowledgements, again and again on the same journal.
func TestKill(t *testing.T) {
	o := order{Dir: t.TempDir(), Keys: t.TempDir(), From: make([]int, 8)}
	acked := newAcked(len(o.From))
	for round := range 6 {
		c := startChild(t, o, acked)
		c.read(t, 1+rand.IntN(600))
		c.kill(t)
		if lost := missing(t, o, acked); lost > 0 {
			t.Fatalf("round %d: %d acknowledged entries are lost", round, lost)
		}
		for caller := range acked {
			o.From[caller] = len(acked[caller])
		}
	}
}

// cutPower runs a child on a disk that forgets what was not synced, cuts the power, and says what was lost.
func cutPower(t *testing.T, noSync bool, torn *rand.Rand, acks int) int {
	t.Helper()
	mnt, disk := t.TempDir(), powercut.New(0)
	m := powercut.Test(t, disk, mnt)
	o := order{Dir: filepath.Join(mnt, "journal"), Keys: filepath.Join(mnt, "keys"), From: make([]int, 8), NoSync: noSync}
	c := startChild(t, o, newAcked(len(o.From)))
	c.read(t, acks)
	disk.Cut(torn)
	c.kill(t) // nothing can be synced without power, so whatever was acknowledged was so before
	if disk.Syncs() == 0 && !noSync {
		t.Error("nothing was synced at all")
	}
	if err := m.Unmount(mnt); err != nil {
		t.Fatal(err)
	}
	powercut.Test(t, disk, mnt)
	return missing(t, o, c.acked)
}

func TestPowerCut(t *testing.T) {
	for round := range 4 {
		t.Run(fmt.Sprintf("round %d", round), func(t *testing.T) {
			if lost := cutPower(t, false, nil, 1+rand.IntN(2000)); lost > 0 {
				t.Errorf("%d acknowledged entries are lost", lost)
			}
		})
		t.Run(fmt.Sprintf("torn %d", round), func(t *testing.T) {
			torn := rand.New(rand.NewPCG(uint64(round), 0))
			if lost := cutPower(t, false, torn, 1+rand.IntN(2000)); lost > 0 {
				t.Errorf("%d acknowledged entries are lost", lost)
			}
		})
	}
}

// TestPowerCutWithoutSync shows that TestPowerCut can fail: without fsync, acknowledged entries are lost.
func TestPowerCutWithoutSync(t *testing.T) {
	if lost := cutPower(t, true, nil, 1000); lost == 0 {
		t.Error("nothing is lost without fsync: the test of power cuts shows nothing")
	}
}
