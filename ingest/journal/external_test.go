package journal_test

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// external starts a NATS server of its own on loopback.
func external(t *testing.T, change func(*server.Options)) *server.Server {
	t.Helper()
	opts := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true,
	}
	if change != nil {
		change(opts)
	}
	srv, err := server.NewServer(opts)
	must(t, err)
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("server is not ready")
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}

func externalConfig(t *testing.T, srv *server.Server) journal.Config {
	t.Helper()
	cfg := testConfig(t, t.TempDir())
	cfg.MaxBytes = 64 << 20
	cfg.External = &journal.External{URL: srv.ClientURL(), AttestDurable: true}
	return cfg
}

func TestExternalServer(t *testing.T) {
	srv := external(t, nil)
	cfg := externalConfig(t, srv)
	j := open(t, cfg)
	if d := j.Durability(); d.State != journal.Attested {
		t.Errorf("durability is %+v", d)
	}
	for n := range 10 {
		mustAppend(t, j, numbered(n))
	}
	if n := len(readAll(t, j)); n != 10 {
		t.Errorf("%d items", n)
	}
	shut(t, j)
	// Its index is rebuilt elsewhere.
	cfg.Dir = t.TempDir()
	j = open(t, cfg)
	if got := statuses(mustAppend(t, j, numbered(3), numbered(11))); got != "DS" {
		t.Errorf("statuses are %s", got)
	}
}

func TestExternalServerMustBeDurable(t *testing.T) {
	accounts := func(sync bool) func(*server.Options) {
		return func(o *server.Options) {
			o.SyncAlways = sync
			app, system := server.NewAccount("APP"), server.NewAccount("SYS")
			o.Accounts = []*server.Account{app, system}
			o.SystemAccount = "SYS"
			o.Users = []*server.User{{Username: "app", Password: "a", Account: app}, {Username: "sys", Password: "s", Account: system}}
		}
	}
	enable := func(t *testing.T, srv *server.Server) {
		t.Helper()
		app, err := srv.LookupAccount("APP")
		must(t, err)
		must(t, app.EnableJetStream(nil, nil))
	}
	cases := []struct {
		name           string
		sync           bool
		system, attest bool
		want           string
	}{
		{"read: syncs", true, true, false, journal.Verified},
		{"read: does not sync", false, true, false, ""},
		{"read: does not sync, attested all the same", false, true, true, journal.Attested},
		{"not read", true, false, false, ""},
		{"not read, attested", true, false, true, journal.Attested},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			srv := external(t, accounts(tc.sync))
			enable(t, srv)
			cfg := externalConfig(t, srv)
			metrics := prometheus.NewRegistry()
			cfg.Metrics = metrics
			host := strings.TrimPrefix(srv.ClientURL(), "nats://")
			cfg.External = &journal.External{URL: "nats://app:a@" + host, AttestDurable: tc.attest}
			if tc.system {
				cfg.External.SystemURL = "nats://sys:s@" + host
			}
			j, err := journal.Open(t.Context(), cfg)
			if tc.want == "" {
				if !errors.Is(err, journal.ErrNotDurable) {
					t.Fatalf("open: %v", err)
				}
				return
			}
			must(t, err)
			defer shut(t, j)
			if d := j.Durability(); d.State != tc.want || d.Reason == "" {
				t.Errorf("durability is %+v", d)
			}
			if state := durabilityMetric(t, metrics); state != tc.want {
				t.Errorf("the metric says %q", state)
			}
		})
	}
}

// durabilityMetric is the state that readtrail_journal_durability tells.
func durabilityMetric(t *testing.T, metrics *prometheus.Registry) string {
	t.Helper()
	families, err := metrics.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == "readtrail_journal_durability" && len(f.GetMetric()) == 1 && f.GetMetric()[0].GetGauge().GetValue() == 1 {
			return f.GetMetric()[0].GetLabel()[0].GetValue()
		}
	}
	return ""
}

func TestWrongStreamIsRefused(t *testing.T) {
	good := jetstream.StreamConfig{
		Name: journal.Stream, Subjects: []string{"journal"}, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		MaxBytes: 1 << 20, DenyDelete: true, DenyPurge: true, AllowDirect: true,
	}
	cases := []struct {
		name   string
		change func(*jetstream.StreamConfig)
		want   string
	}{
		{"good", func(*jetstream.StreamConfig) {}, ""},
		{"discard old", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "discard is DiscardOld"},
		{"deletable", func(c *jetstream.StreamConfig) { c.DenyDelete = false }, "deny_delete is off"},
		{"purgeable", func(c *jetstream.StreamConfig) { c.DenyPurge = false }, "deny_purge is off"},
		{"memory", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "storage is Memory"},
		{"expires", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "max_age is 1h0m0s"},
		{"few messages", func(c *jetstream.StreamConfig) { c.MaxMsgs = 5 }, "max_msgs is 5"},
		{"unlimited", func(c *jetstream.StreamConfig) { c.MaxBytes = -1 }, "max_bytes is unlimited"},
		{"small messages", func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 }, "max_msg_size is 1000"},
		{"other subject", func(c *jetstream.StreamConfig) { c.Subjects = []string{"other"} }, "subjects are"},
		{"interest", func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, "retention is Interest"},
		{"rollup", func(c *jetstream.StreamConfig) { c.DenyPurge, c.AllowRollup = false, true }, "deny_purge is off; allow_rollup_hdrs is on"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			srv := external(t, nil)
			nc, err := nats.Connect(srv.ClientURL())
			must(t, err)
			defer nc.Close()
			js, err := jetstream.New(nc)
			must(t, err)
			have := good
			tc.change(&have)
			_, err = js.CreateStream(t.Context(), have)
			must(t, err)
			cfg := externalConfig(t, srv)
			cfg.MaxBytes = 0
			j, err := journal.Open(t.Context(), cfg)
			if tc.want == "" {
				must(t, err)
				shut(t, j)
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("open: %v, want %q", err, tc.want)
			}
		})
	}
}

// TestExternalServerRestarts stops the server under callers and a follower, and starts it again.
func TestExternalServerRestarts(t *testing.T) {
	dir := t.TempDir()
	srv := external(t, func(o *server.Options) { o.StoreDir = dir })
	cfg := externalConfig(t, srv)
	cfg.PublishTimeout = time.Second
	j := open(t, cfg)
	mustAppend(t, j, numbered(0))
	u, err := url.Parse(srv.ClientURL())
	must(t, err)
	port, err := strconv.Atoi(u.Port())
	must(t, err)
	followed := make(chan uint64)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = j.Follow(ctx, 0, func(_ context.Context, b *proto.Batch) error { followed <- b.Sequence(); return nil })
	})
	<-followed
	srv.Shutdown()
	srv.WaitForShutdown()
	if _, err := j.Append(t.Context(), []ingest.Entry{numbered(1)}, ingest.Options{}); !errors.Is(err, ingest.ErrBusy) {
		t.Errorf("append without a server: %v", err)
	}
	external(t, func(o *server.Options) { o.StoreDir, o.Port = dir, port })
	at := make(chan uint64, 1)
	wg.Go(func() { at <- appendUntilKept(t, j, numbered(1))[0].Position.Sequence() })
	for want, got := uint64(2), uint64(0); ; want++ {
		if got = <-followed; got != want {
			t.Fatalf("batch %d, want %d", got, want)
		}
		b, err := j.ReadBatch(t.Context(), got)
		must(t, err)
		if b.Has(v1.Kind_KIND_ACCESS) {
			break // probes, which are ticks, may come before
		}
	}
	<-at
	cancel()
	wg.Wait()
}
