package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The stream and its one subject.
const (
	Stream  = "JOURNAL"
	subject = "journal"
)

const (
	// apiTimeout bounds one question to the JetStream API: a healthy server answers in a millisecond, one that is
	// recovering a block in a second.
	apiTimeout = 5 * time.Second
	// askTimeout bounds a question to an external server during a recovery: while a cluster has no leader, which takes it some
	// seconds, a question is lost and must be asked again.
	askTimeout = time.Second
	// reconnectWait is short because every caller waits meanwhile.
	reconnectWait = 250 * time.Millisecond
	// formingWait bounds how long a cluster that has just started may refuse a stream because its servers have not all met.
	formingWait = 20 * time.Second
	// duplicateWindow is as short as the server allows: batches carry no message ids, the index knows duplicates.
	duplicateWindow = 100 * time.Millisecond
)

// link is one connection with its stream. A restart of the embedded server replaces it.
type link struct {
	nc *nats.Conn
	js jetstream.JetStream
	// output publishes what detectors say. It counts what is on its way apart from js: where the disk is slow, sixteen findings that wait for
	// it would have every event refused.
	output jetstream.JetStream
	stream jetstream.Stream
	// batchBytes is the most that one batch may hold before compression.
	batchBytes int
	// gone is closed when another link took this one's place.
	gone chan struct{}
}

// dial connects to the embedded server, or to the external one when srv is nil.
func dial(cfg Config, srv *server.Server) (*link, error) {
	options := []nats.Option{
		nats.Name("readtrail journal"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		// A publish that waits in a buffer for a reconnect would come long after its caller was told "unknown".
		nats.ReconnectBufSize(-1),
		nats.Timeout(apiTimeout),
	}
	url := ""
	if srv != nil {
		options = append(options, nats.InProcessServer(srv))
	} else {
		url = cfg.External.URL
		options = append(options, cfg.External.options(cfg.External.Credentials)...)
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	publisher := func(most int) (jetstream.JetStream, error) {
		return jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(most),
			jetstream.WithPublishAsyncTimeout(cfg.PublishTimeout), jetstream.WithDefaultTimeout(apiTimeout))
	}
	js, err := publisher(4 * maxInFlight)
	output, also := publisher(2 * outputInFlight) // of two streams
	if err = errors.Join(err, also); err != nil {
		nc.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	l := &link{nc: nc, js: js, output: output, gone: make(chan struct{})}
	// What surrounds a batch's content: head, salts, seals and protocol.
	l.batchBytes = min(maxBatchBytes, int(nc.MaxPayload())-batchOverhead)
	if l.batchBytes < minBatchBytes {
		nc.Close()
		return nil, fmt.Errorf("connect to NATS: its max_payload of %d bytes is too small: batches need %d", nc.MaxPayload(), minBatchBytes+batchOverhead)
	}
	return l, nil
}

func (e External) options(credentials string) []nats.Option {
	var options []nats.Option
	if credentials != "" {
		options = append(options, nats.UserCredentials(credentials))
	}
	if e.CA != "" {
		options = append(options, nats.RootCAs(e.CA))
	}
	if e.Cert != "" {
		options = append(options, nats.ClientCert(e.Cert, e.Key))
	}
	return options
}

// errDisconnected says that an answer will not come.
var errDisconnected = errors.New("the connection to NATS was lost")

// whileConnected returns a context that also ends when the connection is lost, or another link took its place: a server that comes
// back has forgotten its consumers and what it was asked, and one that was replaced never answers.
func (l *link) whileConnected(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	lost := l.nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	if !l.nc.IsConnected() { // lost before it was watched
		cancel(errDisconnected)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-l.gone:
		case <-lost:
		case <-ctx.Done():
		}
		cancel(errDisconnected)
	}()
	return ctx, func() {
		cancel(nil)
		<-watched
		l.nc.RemoveStatusListener(lost)
	}
}

// useStream finds the stream, or makes it, and checks that it keeps what it is given.
func (l *link) useStream(ctx context.Context, cfg Config, fallbackBytes int64) error {
	ctx, cancel := context.WithTimeout(ctx, serverStart)
	defer cancel()
	ctx, unwatch := l.whileConnected(ctx)
	defer unwatch()
	if err := l.findStream(ctx, cfg, fallbackBytes); err != nil {
		if errors.Is(err, context.Canceled) {
			err = fmt.Errorf("%w: %w", err, context.Cause(ctx))
		}
		return err
	}
	return nil
}

func (l *link) findStream(ctx context.Context, cfg Config, fallbackBytes int64) error {
	stream, err := l.findOrMake(ctx, Stream, func() (jetstream.StreamConfig, error) {
		want := streamConfig(cfg, orDefault(cfg.MaxBytes, fallbackBytes))
		if want.MaxBytes <= 0 {
			return want, errors.New("max_bytes is required on an external server")
		}
		return want, nil
	})
	if err != nil {
		return fmt.Errorf("look for stream %s: %w", Stream, err)
	}
	have := stream.CachedInfo().Config
	if err := checkStream(have, cfg); err != nil {
		return err
	}
	if cfg.MaxBytes > 0 && have.MaxBytes != cfg.MaxBytes {
		have.MaxBytes = cfg.MaxBytes
		if stream, err = l.js.UpdateStream(ctx, have); err != nil {
			return fmt.Errorf("change max_bytes of stream %s to %d: %w", Stream, cfg.MaxBytes, err)
		}
	}
	l.stream = stream
	return nil
}

// findOrMake finds a stream, or makes it as wanted. While a cluster forms, it lacks a leader, or servers for all copies, and is
// asked again.
func (l *link) findOrMake(ctx context.Context, name string, wanted func() (jetstream.StreamConfig, error)) (jetstream.Stream, error) {
	var refusal error // tells more than that time is up
	for until := time.Now().Add(formingWait); ; {
		stream, err := l.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			var want jetstream.StreamConfig
			if want, err = wanted(); err == nil {
				stream, err = l.js.CreateStream(ctx, want)
			}
		}
		if forming(err) {
			refusal = err
		}
		if err != nil && refusal != nil && (ctx.Err() != nil || time.Now().After(until)) {
			return nil, refusal
		}
		if !forming(err) {
			return stream, err //nolint:wrapcheck // the caller says of what
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnectWait):
		}
	}
}

// forming reports whether a cluster lacks servers, or a leader, which may come yet.
func forming(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.ErrorCode(server.JSClusterNoPeersErrF) || api.ErrorCode == jetstream.ErrorCode(server.JSClusterNotAvailErr))
}

func streamConfig(cfg Config, maxBytes int64) jetstream.StreamConfig {
	replicas := 1
	if cfg.External != nil {
		replicas = cfg.External.Replicas
	}
	return jetstream.StreamConfig{
		Name: Stream, Description: "Readtrail's journal: append only, never purged",
		Subjects: []string{subject}, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		Discard: jetstream.DiscardNew, MaxBytes: maxBytes, MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1,
		MaxMsgSize: -1, DenyDelete: true, DenyPurge: true, AllowDirect: true, Replicas: replicas,
		Duplicates: duplicateWindow,
	}
}

// checkStream refuses settings under which the server could drop or rewrite what it acknowledged. It names all faults.
func checkStream(have jetstream.StreamConfig, cfg Config) error {
	want := streamConfig(cfg, have.MaxBytes)
	var faults []string
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	check(len(have.Subjects) == 1 && have.Subjects[0] == subject, "subjects are %q, want %q", have.Subjects, want.Subjects)
	check(have.Storage == want.Storage, "storage is %s, want %s", have.Storage, want.Storage)
	check(have.Retention == want.Retention, "retention is %s, want %s", have.Retention, want.Retention)
	check(have.Discard == want.Discard, "discard is %s, want %s: the other deletes acknowledged data", have.Discard, want.Discard)
	check(have.DenyDelete, "deny_delete is off")
	check(have.DenyPurge, "deny_purge is off")
	check(have.MaxBytes > 0, "max_bytes is unlimited: set it below the disk")
	check(have.MaxMsgs <= 0, "max_msgs is %d, want unlimited", have.MaxMsgs)
	check(have.MaxMsgsPerSubject <= 0, "max_msgs_per_subject is %d, want unlimited", have.MaxMsgsPerSubject)
	check(have.MaxAge == 0, "max_age is %s: nothing may expire", have.MaxAge)
	check(have.MaxMsgSize <= 0 || int(have.MaxMsgSize) >= batchBytes+batchOverhead, "max_msg_size is %d, want at least %d", have.MaxMsgSize, batchBytes+batchOverhead)
	check(have.Replicas >= want.Replicas, "replicas are %d, want %d", have.Replicas, want.Replicas)
	check(!have.NoAck, "no_ack is on")
	check(!have.Sealed, "the stream is sealed")
	check(!have.AllowRollup, "allow_rollup_hdrs is on: a message could delete others")
	check(!have.AllowMsgTTL, "allow_msg_ttl is on: a message could expire")
	check(have.AllowDirect, "allow_direct is off")
	check(have.PersistMode != jetstream.AsyncPersistMode, "persist_mode is async: it acknowledges before it writes")
	check(have.Mirror == nil && len(have.Sources) == 0, "the stream mirrors or sources another")
	check(have.SubjectTransform == nil, "the stream transforms subjects")
	if len(faults) > 0 {
		return fmt.Errorf("stream %s has wrong settings: %s", Stream, strings.Join(faults, "; "))
	}
	return nil
}

func (l *link) close() {
	l.nc.Close()
}
