package journal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/ingest/journal"
)

// TestClusterForms: what a cluster refuses until its servers have met is asked again; what it refuses for good is not, and whoever
// stops waiting is told what the cluster said.
func TestClusterForms(t *testing.T) {
	srv := external(t, func(o *server.Options) { o.JetStream = false })
	nc, err := nats.Connect(srv.ClientURL())
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	const missing = `{"code":404,"err_code":10059,"description":"stream not found"}`
	const unavailable = `{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}`
	const peers = `{"code":400,"err_code":10005,"description":"no suitable peers for placement, peer offline"}`
	const final = `{"code":500,"err_code":10074,"description":"replicas > 1 not supported in non-clustered mode"}`
	for n, tt := range []struct {
		found, made []string // what is answered, one after the other, the last one from then on; "" is a stream
		want        string
	}{
		{[]string{unavailable, missing}, []string{peers, unavailable, ""}, ""},
		{[]string{unavailable, unavailable, ""}, nil, ""},
		{[]string{missing}, []string{peers, final}, "replicas > 1"},
		{[]string{missing}, []string{peers}, "no suitable peers"},
	} {
		name := fmt.Sprintf("S%d", n)
		answer := func(subject string, errs []string) {
			_, err := nc.Subscribe(subject+name, func(m *nats.Msg) {
				reply := `{"error":` + errs[0] + `}`
				if errs[0] == "" {
					reply = `{"config":{"name":"` + name + `"}}`
				}
				errs = errs[min(1, len(errs)-1):]
				if err := m.Respond([]byte(reply)); err != nil {
					t.Error(err)
				}
			})
			must(t, err)
		}
		answer("$JS.API.STREAM.INFO.", tt.found)
		if tt.made != nil {
			answer("$JS.API.STREAM.CREATE.", tt.made)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if len(tt.made) == 1 {
			time.AfterFunc(time.Second, cancel)
		}
		err := journal.FindOrMake(ctx, js, jetstream.StreamConfig{Name: name, Replicas: 3})
		cancel()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
