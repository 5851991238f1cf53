package journal

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// item is one entry, made ready in its caller's goroutine.
type item struct {
	proto.BatchItem
	id      proto.EventID
	content proto.ContentHash
	tick    int64 // of a tick: its time in microseconds
}

// size is what the item counts for against the limits of a batch: its bytes before compression and their framing.
func (it *item) size() int { return it.Size() + itemOverhead }

// request is one call of Append on its way through the committer, which owns all fields but gone and done.
type request struct {
	items   []item
	bytes   int
	opts    ingest.Options
	results []ingest.Result
	// last is the sequence whose acknowledgement completes the request; 0: everything was acknowledged before.
	last uint64
	// placed says that every item has its result.
	placed   bool
	answered bool
	// done takes the one answer: capacity 1, so that the committer never waits for a caller.
	done chan error
	// gone is set by a caller that stopped waiting: what is not placed yet need not be.
	gone atomic.Bool
}

// Append implements ingest.Appender. Entries of one call keep their order, also over several batches; other calls may
// stand between them. An atomic call stands in one batch. When ctx ends while the entries are on their way, it is
// unknown whether they are kept, as for every error: sending them again is safe.
func (j *Journal) Append(ctx context.Context, entries []ingest.Entry, opts ingest.Options) ([]ingest.Result, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	begin := time.Now()
	req, err := j.prepare(entries, opts)
	if err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	queue := j.committer.queue
	if opts.Reserved {
		queue = j.committer.reserved
	}
	select {
	case queue <- req:
	case <-ctx.Done():
		return nil, fmt.Errorf("append: %w", ctx.Err())
	case <-j.committer.stopping:
		return nil, fmt.Errorf("append: %w", ingest.ErrClosed)
	}
	select {
	case err = <-req.done:
	case <-ctx.Done():
		req.gone.Store(true)
		return nil, fmt.Errorf("append: %w", ctx.Err())
	case <-j.committer.stopped:
		// The committer may have answered before it stopped.
		select {
		case err = <-req.done:
		default:
			err = ingest.ErrClosed
		}
	}
	if err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	j.metrics.latency.Observe(time.Since(begin).Seconds())
	return req.results, nil
}

// prepare makes items of the entries and refuses what fits no batch or cannot be sealed: here, so that a source without a
// good key holds up no other one.
func (j *Journal) prepare(entries []ingest.Entry, opts ingest.Options) (*request, error) {
	req := &request{opts: opts, items: make([]item, len(entries)), results: make([]ingest.Result, len(entries)), done: make(chan error, 1)}
	limit := j.current().batchBytes
	sealedFor := ""
	now, err := j.clock.now()
	if err != nil {
		j.metrics.refused.WithLabelValues(refusalReason(err)).Inc()
		return nil, err
	}
	// Followers hold the items, which are not to hold the request.
	checks := make([]byte, 0, len(entries)*proto.ContentCheckSize)
	for i := range entries {
		checks = append(checks, entries[i].Content[:proto.ContentCheckSize]...)
		check := checks[len(checks)-proto.ContentCheckSize : len(checks) : len(checks)]
		if err := j.makeItem(&req.items[i], &entries[i], check); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		size := req.items[i].size()
		if size > limit {
			return nil, fmt.Errorf("entry %d has %d bytes, the limit is %d: %w", i, size, limit, ingest.ErrTooLarge)
		}
		req.bytes += size
		if e := &entries[i]; e.Sealed == nil || e.Source == sealedFor {
			continue
		}
		sealedFor = entries[i].Source
		// Received times never fall, so the batch's day is this one, or the next at midnight.
		at := time.UnixMicro(max(now, j.received.Load()))
		if err := j.checkKey(sealedFor, at); err != nil {
			j.metrics.refused.WithLabelValues(refusalReason(err)).Inc()
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	if opts.Atomic && (len(entries) > proto.MaxBatchItems || req.bytes > limit) {
		return nil, fmt.Errorf("%d entries of %d bytes are to be kept together, the limits are %d and %d: %w",
			len(entries), req.bytes, proto.MaxBatchItems, limit, ingest.ErrTooLarge)
	}
	return req, nil
}

// makeItem makes an item of an entry. check is the part of the content's hash that is stored with it.
func (j *Journal) makeItem(out *item, e *ingest.Entry, check []byte) error {
	if e.Item == nil || e.Item.Body == nil {
		return fmt.Errorf("no item: %w", ErrBadEntry)
	}
	// The index is rebuilt from the journal, so an entry's id must be the one that its item carries.
	carried, err := proto.ItemID(e.Item)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadEntry, err)
	}
	if !e.ID.IsZero() && carried != e.ID {
		return fmt.Errorf("its id is not the event id of its %s: %w", proto.KindOf(e.Item), ErrBadEntry)
	}
	if e.Sealed != nil && (j.cfg.Keys == nil || e.Source == "") {
		return fmt.Errorf("an original without a key ring or source to seal it for: %w", ErrBadEntry)
	}
	out.id, out.content, out.tick = e.ID, e.Content, e.Item.GetTick().GetAtUs()
	stored := &v1.Item{Body: e.Item.Body}
	if made(proto.KindOf(e.Item)) {
		stored = protobuf.CloneOf(e.Item) // whoever made it may still work with it, and it is serialised later
	}
	if !e.ID.IsZero() {
		stored.Content = check
	}
	if out.BatchItem, err = proto.NewBatchItem(stored, e.Source, e.Sealed); err != nil {
		return fmt.Errorf("%w: %w", ErrBadEntry, err)
	}
	out.Digest = e.Digest
	return nil
}

// asConflict returns the item as it is stored when its id stands for other content already: under the salted id, with
// the id that both claim.
func (it *item) asConflict(salted proto.EventID) (proto.BatchItem, error) {
	stored := protobuf.CloneOf(it.Item)
	if err := proto.SetItemID(stored, salted); err != nil {
		return proto.BatchItem{}, fmt.Errorf("mark conflict: %w", err)
	}
	stored.ConflictsWith = it.id.Bytes()
	out, err := proto.NewBatchItem(stored, it.Source, it.Sealed)
	if err != nil {
		return proto.BatchItem{}, fmt.Errorf("mark conflict: %w", err)
	}
	out.Digest = it.Digest
	return out, nil
}
