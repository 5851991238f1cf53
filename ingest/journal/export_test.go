package journal

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/proto"
)

// WithoutSync switches fsync off.
func WithoutSync(cfg Config) Config {
	cfg.noSync = true
	return cfg
}

// WithBootClock replaces the clock that cannot be set.
func WithBootClock(cfg Config, boot func() time.Duration) Config {
	cfg.boot = boot
	return cfg
}

// WithClockKept replaces the system's word on whether a time service keeps the clock right.
func WithClockKept(cfg Config, kept func() bool) Config {
	cfg.kept = kept
	return cfg
}

// OpenedAt is the last sequence before this opening.
func OpenedAt(j *Journal) uint64 { return j.openedAt }

// Restart restarts the embedded server under the journal's feet.
func Restart(ctx context.Context, j *Journal) error { return j.restart(ctx) }

// StopServer stops the embedded server and leaves it stopped. There may be none: the journal tries to restart it.
func StopServer(j *Journal) {
	j.serverMu.Lock()
	defer j.serverMu.Unlock()
	if j.server != nil {
		stopServer(j.server)
	}
}

// WhileConnected is a context that ends with the connection that the journal has now.
func WhileConnected(ctx context.Context, j *Journal) (context.Context, func()) {
	return j.current().whileConnected(ctx)
}

// ErrDisconnected is why it ended.
var ErrDisconnected = errDisconnected

// Intrude publishes a message as another writer would: at the end of the stream, whatever that is.
func Intrude(ctx context.Context, j *Journal, message []byte) error {
	_, err := j.current().js.Publish(ctx, subject, message)
	return err
}

// EncodeAt makes a message for a sequence.
func EncodeAt(j *Journal, sequence uint64, items []proto.BatchItem) ([]byte, error) {
	return j.codec.Encode(sequence, time.Unix(1, 0), items)
}

// Limits of a batch.
const (
	BatchBytes    = batchBytes
	MaxBatchBytes = maxBatchBytes
)

// IndexDir is where the index is.
func IndexDir(j *Journal) string { return j.indexDir() }

// TakeKeys makes the codec of a journal that nothing was appended to yet unable to seal, as if the keys went away between
// the check of an entry and the making of its batch.
func TakeKeys(j *Journal) error {
	var err error
	j.codec, err = proto.NewCodec(nil)
	return err
}

// Shared is what followers share.
type Shared struct{ shared }

// Decode decodes a message, or returns what another follower has decoded.
func (s *Shared) Decode(codec *proto.Codec, sequence uint64, data []byte) (*proto.Batch, error) {
	return s.decode(codec, sequence, data)
}

// FindOrMake finds the journal's stream at a server, or makes it, as every opening does.
func FindOrMake(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	_, err := (&link{js: js}).findOrMake(ctx, want.Name, func() (jetstream.StreamConfig, error) { return want, nil })
	return err
}

// HoldOutput publishes as much output as is ever on its way at once, to somebody who never acknowledges it.
func HoldOutput(j *Journal) error {
	l := j.current()
	if _, err := l.nc.SubscribeSync("held"); err != nil {
		return err
	}
	for range outputInFlight {
		if _, err := l.output.PublishAsync("held", nil, jetstream.WithRetryAttempts(0)); err != nil {
			return err
		}
	}
	return nil
}
