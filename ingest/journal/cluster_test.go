package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
)

// nodeVar holds the configuration file of a NATS server that this binary, run again, is to be.
const nodeVar = "READTRAIL_JOURNAL_NODE"

// runNode is one server of a cluster. It ends when its parent does.
func runNode(conf string) error {
	opts, err := server.ProcessConfigFile(conf)
	if err != nil {
		return err
	}
	opts.NoSigs = true
	srv, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	srv.Start()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// cluster is three NATS servers on loopback, each a process of its own with a directory of its own.
type cluster struct {
	t     *testing.T
	confs []string
	nodes []*exec.Cmd
	// url and system are every server's address, for the account with the journal and for the system account.
	url, system string
	js          jetstream.JetStream
}

const clusterSize = 3

// clusterRounds is how often the leader and another server are killed.
const clusterRounds = 1

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, nodes: make([]*exec.Cmd, clusterSize)}
	ports := freePorts(t, 2*clusterSize)
	var routes, urls, systems []string
	for n := range clusterSize {
		routes = append(routes, fmt.Sprintf("%q", fmt.Sprintf("nats://127.0.0.1:%d", ports[clusterSize+n])))
		urls = append(urls, fmt.Sprintf("nats://app:a@127.0.0.1:%d", ports[n]))
		systems = append(systems, fmt.Sprintf("nats://sys:s@127.0.0.1:%d", ports[n]))
	}
	c.url, c.system = strings.Join(urls, ","), strings.Join(systems, ",")
	for n := range clusterSize {
		dir := t.TempDir()
		conf := filepath.Join(dir, "nats.conf")
		text := fmt.Sprintf(`server_name: node%d
listen: "127.0.0.1:%d"
jetstream { store_dir: %q, sync_interval: always, max_memory_store: 64MB, max_file_store: 1GB }
cluster { name: readtrail, listen: "127.0.0.1:%d", routes: [%s] }
accounts { APP { jetstream: enabled, users: [{user: app, password: a}] }, SYS { users: [{user: sys, password: s}] } }
system_account: SYS
`, n, ports[n], dir, ports[clusterSize+n], strings.Join(routes, ", "))
		must(t, os.WriteFile(conf, []byte(text), 0o600))
		c.confs = append(c.confs, conf)
		c.start(n)
	}
	nc, err := nats.Connect(c.url, nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(50*time.Millisecond))
	must(t, err)
	t.Cleanup(nc.Close)
	c.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(time.Second))
	must(t, err)
	c.until("the cluster's own leader", func(ctx context.Context) bool {
		_, err := c.js.AccountInfo(ctx)
		return err == nil
	})
	return c
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		defer func() { must(t, l.Close()) }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func (c *cluster) start(n int) {
	c.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeVar+"="+c.confs[n])
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(c.t, err)
	must(c.t, cmd.Start())
	c.nodes[n] = cmd
	c.t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// kill ends a server as a power cut of its machine does, as far as the process is concerned.
func (c *cluster) kill(n int) {
	c.t.Helper()
	must(c.t, c.nodes[n].Process.Kill())
	_ = c.nodes[n].Wait()
}

func (c *cluster) until(what string, ok func(context.Context) bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	once := func() bool { // a question that nobody took is asked again
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		return ok(short)
	}
	for !once() {
		if ctx.Err() != nil {
			c.t.Fatalf("no %s within 30 s", what)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// members returns the server that leads the stream, and whether all others hold what it does.
func (c *cluster) members(ctx context.Context) (leader int, whole bool) {
	s, err := c.js.Stream(ctx, journal.Stream)
	if err != nil || s.CachedInfo().Cluster == nil {
		return -1, false
	}
	info := s.CachedInfo().Cluster
	whole = len(info.Replicas) == clusterSize-1
	for _, r := range info.Replicas {
		whole = whole && r.Current && !r.Offline && r.Lag == 0
	}
	if _, err := fmt.Sscanf(info.Leader, "node%d", &leader); err != nil {
		return -1, false
	}
	return leader, whole
}

// settled waits until the stream has a leader and all copies are current.
func (c *cluster) settled() (leader int) {
	c.t.Helper()
	c.until("three current copies", func(ctx context.Context) bool {
		var whole bool
		leader, whole = c.members(ctx)
		return whole
	})
	return leader
}

// config is a journal's on the cluster.
func (c *cluster) config() journal.Config {
	cfg := testConfig(c.t, c.t.TempDir())
	cfg.MaxBytes = 64 << 20
	cfg.PublishTimeout = 2 * time.Second
	cfg.External = &journal.External{URL: c.url, SystemURL: c.system, Replicas: 3}
	return cfg
}

// TestCluster appends to a journal on three servers, follows it, and kills the server that leads the stream, then another
// one, each under load and until it is back. Every acknowledged event stands in the journal once, the order is one for
// all, and a second writer is fenced.
func TestCluster(t *testing.T) {
	c := startCluster(t)
	cfg := c.config()
	j := open(t, cfg)
	if d := j.Durability(); d.State != journal.Verified {
		t.Errorf("durability is %+v", d)
	}
	c.checkAttested()

	load := startLoad(t, j)
	for range clusterRounds {
		for _, after := range []int{0, 1} { // the leader, and another one
			node := (c.settled() + after) % clusterSize
			load.passes(200)
			c.kill(node)
			load.passes(200)
			c.start(node)
			load.passes(50)
		}
	}
	c.settled()
	load.stop()
	load.check(j)

	// Whoever opens it elsewhere finds the same, knows every event, and fences the first one with its own.
	cfg = c.config()
	second := open(t, cfg)
	if got := statuses(mustAppend(t, second, loaded(0, 0), numbered(1))); got != "DS" {
		t.Errorf("statuses are %s", got)
	}
	_, err := j.Append(t.Context(), []ingest.Entry{numbered(2)}, ingest.Options{})
	for errors.Is(err, ingest.ErrBusy) {
		_, err = j.Append(t.Context(), []ingest.Entry{numbered(2)}, ingest.Options{})
	}
	if !errors.Is(err, journal.ErrFenced) {
		t.Errorf("append of the first writer: %v", err)
	}
	load.check(second)
}

// checkAttested: without the system account, what the cluster keeps is what the configuration says it does.
func (c *cluster) checkAttested() {
	c.t.Helper()
	cfg := c.config()
	cfg.External.SystemURL = ""
	if _, err := journal.Open(c.t.Context(), cfg); !errors.Is(err, journal.ErrNotDurable) {
		c.t.Errorf("open without knowing: %v", err)
	}
	cfg.External.AttestDurable = true
	j, err := journal.Open(c.t.Context(), cfg)
	must(c.t, err)
	if d := j.Durability(); d.State != journal.Attested {
		c.t.Errorf("durability is %+v", d)
	}
	shut(c.t, j)
}

// load is callers that append one event after the other, again and again until it is kept, and a follower.
type load struct {
	t      *testing.T
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex // guards what follows
	acked map[string]proto.Position
	// followed are the events in the order in which the follower got them.
	followed []stored
}

const loadCallers = 8

func loaded(caller, n int) ingest.Entry { return event(fmt.Sprintf("%d/%d", caller, n), "read") }

func startLoad(t *testing.T, j *journal.Journal) *load {
	t.Helper()
	l := &load{t: t, acked: map[string]proto.Position{}}
	ctx, cancel := context.WithCancel(t.Context())
	l.cancel = cancel
	for caller := range loadCallers {
		l.wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				e := loaded(caller, n)
				for {
					// Not ctx: whatever was begun is brought to its end, so that all is acknowledged.
					results, err := j.Append(t.Context(), []ingest.Entry{e}, ingest.Options{})
					if err == nil {
						l.mu.Lock()
						l.acked[e.Item.GetAccess().SourceEventId] = results[0].Position
						l.mu.Unlock()
						break
					}
					if !errors.Is(err, ingest.ErrBusy) {
						t.Errorf("append: %v", err)
						return
					}
					pause(t.Context(), 5*time.Millisecond)
				}
			}
		})
	}
	l.wg.Go(func() {
		err := j.Follow(ctx, 0, func(_ context.Context, b *proto.Batch) error {
			items, err := b.Items()
			if err != nil {
				return err
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			for i, it := range items {
				if it.GetAccess() != nil {
					l.followed = append(l.followed, stored{b.Position(i), it})
				}
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("follow: %v", err)
		}
	})
	return l
}

func (l *load) count() (acked, followed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked), len(l.followed)
}

// passes waits until so many more events were acknowledged and followed.
func (l *load) passes(n int) {
	l.t.Helper()
	begin, deadline := time.Now(), time.After(time.Minute)
	acked, followed := l.count()
	for {
		a, f := l.count()
		if a >= acked+n && f >= followed+n {
			l.t.Logf("%d more events in %s", n, time.Since(begin).Round(time.Millisecond))
			return
		}
		select {
		case <-deadline:
			l.t.Fatalf("%d events acknowledged and %d followed in a minute, want %d more", a-acked, f-followed, n)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop ends the callers, and the follower.
func (l *load) stop() {
	l.cancel()
	l.wg.Wait()
}

// check reads the journal: every acknowledged event stands at its position, once, and the follower got them in the same order.
func (l *load) check(j *journal.Journal) {
	l.t.Helper()
	at := map[string]proto.Position{}
	var order []string
	for _, s := range readAll(l.t, j) { // finds gaps, and what stands twice
		if a := s.item.GetAccess(); a != nil {
			at[a.SourceEventId] = s.position
			order = append(order, a.SourceEventId)
		}
	}
	for name, position := range l.acked {
		if at[name] != position {
			l.t.Errorf("event %s was acknowledged at %s and stands at %s", name, position, at[name])
		}
	}
	for i, s := range l.followed {
		if i >= len(order) || order[i] != s.item.GetAccess().SourceEventId || at[order[i]] != s.position {
			l.t.Fatalf("the follower got %s as number %d at %s, the journal tells otherwise", s.item.GetAccess().SourceEventId, i, s.position)
		}
	}
}
