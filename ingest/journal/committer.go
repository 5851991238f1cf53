package journal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/fault"
)

// state is what the committer does with requests.
type state int32

const (
	// taking: entries are kept.
	taking state = iota
	// recovering: an append failed; until the stream was read again, requests are answered with ErrBusy.
	recovering
	// fenced: another writer appended; this one never does again.
	fenced
	// closed: Close was called.
	closed
)

func (s state) String() string {
	return [...]string{"taking", "recovering", "fenced", "closed"}[s]
}

const (
	// queueSize: requests that may wait are 4 batches of 64 callers; everyone else waits in Append.
	queueSize = 4 * 64
	// reservedSize: questions, decisions and ticks come one at a time from each of a few dozen people and parts.
	reservedSize = 64
)

// committer is the one writer of the journal. Its goroutine owns every field that is not a channel or an atomic; each
// batch in flight has a goroutine of its own, which it waits for.
type committer struct {
	j               *Journal
	queue, reserved chan *request
	// stopping is closed to stop taking, stopped when the goroutine has ended.
	stopping, stopped chan struct{}
	finished          chan *batch   // capacity maxInFlight: a batch never waits to be handed back
	recovered         chan recovery // capacity 1: one recovery at a time
	state             atomic.Int32
	flights           sync.WaitGroup

	index    *seen
	open     *batch
	timer    *time.Timer
	due      bool // the open batch is to leave as soon as there is room in flight
	inFlight []*batch
	flying   int // bytes in flight
	// recent holds what the index does not know yet: ids in the open batch and in flight.
	recent map[proto.EventID]sighting
	// ahead is what the index knew of the ids of the request under work, when it was looked up for all of them together; nil: each
	// is looked up when it is placed. What the index learned since is in landed, and stays in recent until the request is placed.
	ahead  map[proto.EventID]sighting
	landed [][]proto.EventID
	asked  []proto.EventID // memory for the ids that are looked up together
	acked  uint64          // last acknowledged sequence
	issued uint64          // last sequence given to a batch
	usual  int             // how many items the last batch had: the next one has about as many
	// received is the received time of the last batch, in microseconds. It never falls.
	received int64
	// ticked says that a tick of this opening stands in the stream. Until then only ticks are taken: the first one tells how
	// long the journal was closed, and nothing may be judged without it.
	ticked bool
	// lost is what may still turn up in the stream.
	lost lost
	// cancelRecovery ends a recovery when the journal closes.
	cancelRecovery context.CancelFunc
}

func newCommitter(j *Journal) *committer {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &committer{
		j: j, queue: make(chan *request, queueSize), reserved: make(chan *request, reservedSize),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
		finished: make(chan *batch, maxInFlight), recovered: make(chan recovery, 1),
		timer: timer, recent: map[proto.EventID]sighting{}, lost: lost{}, ticked: j.cfg.TickEvery <= 0,
	}
}

func (c *committer) run(ctx context.Context) {
	defer close(c.stopped)
	for {
		select {
		case req := <-c.reserved:
			c.take(ctx, req)
			continue
		default:
		}
		select {
		case req := <-c.reserved:
			c.take(ctx, req)
		case req := <-c.queue:
			c.take(ctx, req)
		case <-c.timer.C:
			if c.room() {
				c.dispatch(ctx)
			} else {
				c.due = true
			}
		case b := <-c.finished:
			c.land(ctx, b)
		case r := <-c.recovered:
			c.resume(r)
		case <-c.stopping:
			c.drain(ctx)
			return
		}
	}
}

// drain takes what already waits, sends it, and waits for what is in flight.
func (c *committer) drain(ctx context.Context) {
	for {
		select {
		case req := <-c.reserved:
			c.take(ctx, req)
			continue
		case req := <-c.queue:
			c.take(ctx, req)
			continue
		default:
		}
		break
	}
	c.dispatch(ctx)
	for len(c.inFlight) > 0 {
		c.land(ctx, <-c.finished)
	}
	if state(c.state.Load()) == recovering {
		c.cancelRecovery()
		c.resume(<-c.recovered)
	}
	c.flights.Wait()
	c.enter(closed)
}

func (c *committer) enter(s state) {
	c.state.Store(int32(s))
	c.j.metrics.enter(s)
}

// refusal is why nothing can be taken now, or nil.
func (c *committer) refusal(reserved bool) error {
	switch state(c.state.Load()) {
	case recovering:
		return fmt.Errorf("an append failed and the stream is being read again: %w", ingest.ErrBusy)
	case fenced:
		return ErrFenced
	case closed:
		return ingest.ErrClosed
	}
	return c.j.space.check(reserved)
}

// soft is how large a batch grows: what the server takes in one message can be less than we would send.
func (c *committer) soft() int { return min(batchBytes, c.j.current().batchBytes) }

// take places every item of a request: into a batch, or as a duplicate of what stands already.
func (c *committer) take(ctx context.Context, req *request) {
	if req.gone.Load() {
		return
	}
	if err := c.refusal(req.opts.Reserved); err != nil {
		c.answer(req, err)
		return
	}
	if !c.ticked && req.items[0].tick == 0 {
		c.answer(req, fmt.Errorf("no tick was kept since the journal was opened: %w", ingest.ErrBusy))
		return
	}
	if b := c.open; req.opts.Atomic && b != nil && (len(b.items)+len(req.items) > batchItems || b.bytes+req.bytes > c.soft()) {
		if c.makeRoom(ctx, req); req.answered {
			return
		}
	}
	if err := c.lookAhead(req); err != nil {
		c.fail(ctx, err, req)
		return
	}
	defer c.forget()
	for i := range req.items {
		if req.answered { // a failure while it waited for room
			return
		}
		if err := c.place(ctx, req, i); err != nil {
			c.fail(ctx, err, req)
			return
		}
	}
	if req.answered {
		return
	}
	req.placed = true
	if req.last <= c.acked {
		c.answer(req, nil)
	}
}

// place decides what becomes of one item. Its error is the index's.
func (c *committer) place(ctx context.Context, req *request, i int) error {
	it := &req.items[i]
	// Room comes first: while it is waited for, what stands where can change.
	if b := c.open; b != nil && !req.opts.Atomic && b.bytes+it.size() > c.soft() {
		if c.makeRoom(ctx, req); req.answered {
			return nil
		}
	}
	result, id, stored := ingest.Result{Status: ingest.Stored, ID: it.id}, it.id, it.BatchItem
	if !id.IsZero() {
		check := [proto.ContentCheckSize]byte(it.content[:])
		known, ok, err := c.look(id)
		if err != nil {
			return err
		}
		if ok && known.content != check {
			// Other content under this id: a conflict, kept under an id of its own; the same conflict again is a duplicate.
			id = id.Salted(it.content)
			result = ingest.Result{Status: ingest.Conflict, ID: id}
			if known, ok, err = c.lookAlone(id); err != nil {
				return err
			}
			if !ok {
				if stored, err = it.asConflict(id); err != nil {
					c.answer(req, err)
					return nil
				}
			}
		}
		if ok {
			req.results[i] = ingest.Result{Status: ingest.Duplicate, Position: known.position, ID: id}
			c.await(req, known.position.Sequence())
			return nil
		}
	}
	b := c.opened()
	result.Position = proto.At(b.sequence, len(b.items))
	b.items = append(b.items, stored)
	b.bytes += it.size()
	b.tick = max(b.tick, it.tick)
	if !id.IsZero() {
		s := sighting{position: result.Position, content: [proto.ContentCheckSize]byte(it.content[:])}
		b.ids, b.at = append(b.ids, id), append(b.at, s)
		c.recent[id] = s
	}
	req.results[i] = result
	c.await(req, b.sequence)
	if len(b.items) == batchItems || b.bytes >= c.soft() && !req.opts.Atomic {
		c.dispatch(ctx)
	}
	return nil
}

// await makes a request wait for the batch at sequence, when that is still on its way.
func (c *committer) await(req *request, sequence uint64) {
	b := c.batchAt(sequence)
	if b == nil {
		return
	}
	req.last = max(req.last, sequence)
	if n := len(b.requests); n == 0 || b.requests[n-1] != req {
		b.requests = append(b.requests, req)
	}
}

// batchAt returns the batch at sequence when it is open or in flight.
func (c *committer) batchAt(sequence uint64) *batch {
	if c.open != nil && c.open.sequence == sequence {
		return c.open
	}
	for _, b := range c.inFlight {
		if b.sequence == sequence {
			return b
		}
	}
	return nil
}

// makeRoom sends the open batch on its way, so that the next item opens another. It may wait, and an append may fail
// meanwhile: a request that stands in no batch yet was not answered then, and is here.
func (c *committer) makeRoom(ctx context.Context, req *request) {
	c.dispatch(ctx)
	if err := c.refusal(req.opts.Reserved); err != nil {
		c.answer(req, err)
	}
}

// opened returns the open batch, a new one where there is none.
func (c *committer) opened() *batch {
	if c.open == nil {
		c.issued++
		c.open = &batch{
			sequence: c.issued, sent: make(chan struct{}),
			items: make([]proto.BatchItem, 0, c.usual), ids: make([]proto.EventID, 0, c.usual), at: make([]sighting, 0, c.usual),
		}
		c.timer.Reset(batchWait)
	}
	return c.open
}

// room reports whether the open batch may fly now.
func (c *committer) room() bool {
	return c.open == nil || len(c.inFlight) == 0 ||
		len(c.inFlight) < maxInFlight && c.flying+c.open.bytes <= maxInFlightBytes
}

// dispatch sends the open batch on its way, waiting for room. A failure meanwhile takes the open batch with it.
func (c *committer) dispatch(ctx context.Context) {
	for !c.room() {
		c.land(ctx, <-c.finished)
	}
	b := c.open
	if b == nil {
		return
	}
	c.timer.Stop()
	c.open, c.due, c.usual = nil, false, len(b.items)+len(b.items)/16
	if err := c.stamp(b); err != nil {
		c.withdraw(ctx, b, "", err)
		return
	}
	if source, err := c.j.checkKeys(b); err != nil {
		c.withdraw(ctx, b, source, err)
		return
	}
	var before *batch
	if n := len(c.inFlight); n > 0 {
		before = c.inFlight[n-1]
	}
	c.inFlight = append(c.inFlight, b)
	c.flying += b.bytes
	c.j.metrics.inFlight.Set(float64(len(c.inFlight)))
	l := c.j.current()
	c.flights.Go(func() {
		fault.Point("journal:encoding")
		b.fly(c.j, l, c.j.cfg.PublishTimeout, before)
		c.finished <- b
	})
}

// stamp sets the batch's received time: the clock's, unless that stands behind what was said before.
func (c *committer) stamp(b *batch) error {
	now, err := c.j.clock.now()
	if err != nil {
		return err
	}
	c.j.metrics.skew.Set(max(0, float64(c.received-now)/1e6))
	c.received = max(c.received, now, b.tick)
	c.j.received.Store(c.received)
	b.received = time.UnixMicro(c.received)
	return nil
}

// land takes a batch back. Callers are answered in order: a batch counts only when all before it do.
func (c *committer) land(ctx context.Context, b *batch) {
	b.finished = true
	for len(c.inFlight) > 0 && c.inFlight[0].finished {
		head := c.inFlight[0]
		if head.err != nil {
			c.setBack(ctx, head)
			return
		}
		c.inFlight[0] = nil // it holds all its requests
		c.inFlight = c.inFlight[1:]
		c.flying -= head.bytes
		if err := c.keep(head); err != nil {
			c.fail(ctx, err, nil)
			return
		}
	}
	c.j.metrics.inFlight.Set(float64(len(c.inFlight)))
	if c.due && c.room() {
		c.dispatch(ctx)
	}
}

// keep enters an acknowledged batch into the index and answers its callers. The index comes first, so that whoever was
// answered finds the entry; its failure takes nothing back, since the batch is on disk.
func (c *committer) keep(b *batch) error {
	fault.Point("journal:synced")
	err := c.index.put(mark{b.sequence, b.root}, b.ids, b.at)
	fault.Point("journal:indexed")
	if c.landed = append(c.landed, b.ids); c.ahead == nil {
		c.forget()
	}
	c.acked = b.sequence
	c.ticked = c.ticked || b.tick != 0
	c.j.advance(proto.At(b.sequence, len(b.items)-1))
	c.j.space.stored.Add(int64(len(b.message)))
	m := c.j.metrics
	m.batches.Inc()
	m.items.Observe(float64(len(b.items)))
	m.bytes.Add(float64(len(b.message)))
	m.batchSize.Observe(float64(len(b.message)))
	for _, req := range b.requests {
		if req.placed && req.last <= c.acked {
			c.answer(req, nil)
		}
	}
	return err
}

func (c *committer) answer(req *request, err error) {
	if req.answered {
		return
	}
	req.answered = true
	if err != nil {
		c.j.metrics.refused.WithLabelValues(refusalReason(err)).Inc()
	} else {
		for _, r := range req.results {
			c.j.metrics.count(r.Status)
		}
	}
	req.done <- err
}
