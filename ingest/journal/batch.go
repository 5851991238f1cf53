package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/proto"
)

// Limits of a batch and of what is on its way. Sync publishing of 512 KiB takes 1.1 ms, and 4 of them in flight keep a
// disk busy at 560 MB/s; 200 large ones get refused and leave holes.
const (
	batchItems = proto.MaxBatchItems
	// batchBytes counts items before they are packed, which makes about a thirtieth of FHIR. That is 750 events, whose columns
	// a core's cache of 2 MiB holds while they are packed. With half as many each takes 7 % more processor time and 9 bytes more,
	// with five times as many a fifth more time, to save 11 bytes.
	batchBytes = 1536 << 10
	// minBatchBytes is the least that a server has to take: below the usual max_payload of 1 MiB.
	minBatchBytes = 512 << 10
	batchWait     = 2 * time.Millisecond
	maxInFlight   = 4
	// maxInFlightBytes counts items before they are packed, too: the largest batch, or four of the usual kind.
	maxInFlightBytes = 8 << 20
	// maxBatchBytes is what one batch may hold when one item, or one atomic call, is larger than batchBytes.
	maxBatchBytes = maxPayload - batchOverhead
	// itemOverhead is an item's share of the head and of framing.
	itemOverhead = 16
	// batchOverhead is what a message may be longer than its items: head, seals, and what zstd adds to random bytes.
	batchOverhead = 256 << 10
)

// batch is a message in the making, then in flight. The committer owns it until it is sent, and again after finished.
type batch struct {
	sequence uint64
	received time.Time
	items    []proto.BatchItem
	bytes    int
	// ids and at are what the index will learn of it.
	ids []proto.EventID
	at  []sighting
	// requests that have an item in it, or wait for it.
	requests []*request
	tick     int64 // largest tick in it, microseconds

	// sent is closed when the batch was published, or never will be (unsent): the next one waits for it.
	sent   chan struct{}
	unsent bool
	// Results, set before the batch is handed back.
	message  []byte
	root     proto.Hash
	err      error
	finished bool
}

// errSkipped says that a batch was not published because the one before it failed.
var errSkipped = errors.New("the batch before it failed")

// errEncode says that a batch could not be made, so that nothing was published.
var errEncode = errors.New("encode batch")

// fly encodes, publishes in order and waits for the acknowledgement. before is the batch that must be published first.
func (b *batch) fly(j *Journal, l *link, timeout time.Duration, before *batch) {
	future, err := b.publish(j, l, before)
	b.err, b.unsent = err, err != nil
	close(b.sent)
	if err == nil {
		b.err = b.await(future, timeout)
	}
}

func (b *batch) publish(j *Journal, l *link, before *batch) (jetstream.PubAckFuture, error) {
	var err error
	b.message, b.root, err = j.codec.EncodeWithRoot(b.sequence, b.received, b.items)
	if err == nil {
		err = j.shared.offer(j.codec, b)
	}
	if before != nil {
		<-before.sent
		if before.unsent {
			return nil, errSkipped
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEncode, err)
	}
	return publish(l, b.sequence, b.message)
}

func publish(l *link, sequence uint64, message []byte) (jetstream.PubAckFuture, error) {
	future, err := l.js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: message},
		jetstream.WithExpectLastSequence(sequence-1), jetstream.WithRetryAttempts(0))
	if err != nil {
		return nil, fmt.Errorf("publish batch: %w", err)
	}
	return future, nil
}

func (b *batch) await(future jetstream.PubAckFuture, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return await(ctx, future, b.sequence)
}

// await waits until the server says that the message is on disk, at the sequence that it was made for.
func await(ctx context.Context, future jetstream.PubAckFuture, sequence uint64) error {
	select {
	case ack := <-future.Ok():
		if ack.Stream != Stream || ack.Sequence != sequence || ack.Duplicate {
			return fmt.Errorf("acknowledged in stream %s at %d instead of %d", ack.Stream, ack.Sequence, sequence)
		}
		return nil
	case err := <-future.Err():
		return fmt.Errorf("publish batch: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("publish batch: no acknowledgement: %w", ctx.Err())
	}
}

// refused reports whether the server answered, so that nothing was kept. Everything else is unknown.
func refused(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api)
}

// outOfTurn reports whether another message stands where this one was to stand.
func outOfTurn(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
