package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// A file is written as fast as its asker takes it, and a slow line must not keep others from theirs. So a place is for reading the engine:
// what was written waits in an outbox, and where that is full and somebody waits for a place, the file leaves its own, and goes on behind its
// last report when the outbox is empty and a place is free again.

const (
	// exportTurn is how long a file keeps its place though its outbox is full and others wait: reading a scope of millions of reports anew
	// takes seconds.
	exportTurn = 10 * time.Second
	// exportParts is how many parts wait in an outbox: 4 MiB.
	exportParts = 16
)

// exportPlaces are the places in which files are written; whoever comes first is served first.
type exportPlaces struct {
	turn time.Duration
	// chunk is how many bytes a part has, parts how many of them an outbox holds, rows how many reports are looked up together.
	chunk, parts, rows int

	mu      sync.Mutex
	free    int             // under mu
	waiting []chan struct{} // closed when a place is theirs; under mu
	leaving int             // places that are being left for somebody who waits; under mu
	asked   chan struct{}   // closed when somebody begins to wait; under mu
}

func newExportPlaces() *exportPlaces {
	return &exportPlaces{
		turn: exportTurn, chunk: exportChunk, parts: exportParts, rows: documentedRows, free: exportsAtOnce, asked: make(chan struct{}),
	}
}

// take waits for a place.
func (p *exportPlaces) take(ctx context.Context) error {
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	p.waiting = append(p.waiting, mine)
	close(p.asked)
	p.asked = make(chan struct{})
	p.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, mine); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else {
		p.pass()
	}
	return fmt.Errorf("wait for other exports: %w", ctx.Err())
}

// yield reports whether a place is to be left for somebody who waits; if not, asked is closed when that may have changed.
func (p *exportPlaces) yield() (yes bool, asked <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > p.leaving {
		p.leaving++
		return true, nil
	}
	return false, p.asked
}

// leave gives a place back; yielded says that yield said so.
func (p *exportPlaces) leave(yielded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if yielded {
		p.leaving--
	}
	p.pass()
}

// pass gives a place to whoever waits longest; mu is held.
func (p *exportPlaces) pass() {
	if len(p.waiting) == 0 {
		p.free++
		return
	}
	close(p.waiting[0])
	p.waiting = p.waiting[1:]
}

// outgoing is a part on its way to the asker; or, without one, reached is closed when all before it were taken.
type outgoing struct {
	part    *v1.ExportScopeResponse
	reached chan struct{}
}

// outbox is where the parts of a file wait for its asker. One goroutine writes, another sends.
type outbox struct {
	places *exportPlaces
	parts  chan outgoing
	// spare are buffers of parts that were sent.
	spare chan []byte
	// over are parts that found no room.
	over []outgoing
	// holds says that the file has a place, yields that it leaves it for another.
	holds, yields bool
	// turn fires when the place is no longer its own; then it is nil and spent true.
	turn  <-chan time.Time
	spent bool
}

// deliver has write put a file into an outbox, and sends what is in it. The writer goes on while a part is being sent.
func (p *exportPlaces) deliver(ctx context.Context, send func(*v1.ExportScopeResponse) error, write func(context.Context, *outbox) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &outbox{places: p, parts: make(chan outgoing, p.parts), spare: make(chan []byte, p.parts)}
	written := make(chan error, 1)
	go func() {
		defer close(out.parts)
		written <- write(ctx, out)
	}()
	var failed error
	for next := range out.parts {
		switch {
		case next.reached != nil:
			close(next.reached)
		case failed == nil:
			if failed = send(next.part); failed != nil {
				cancel()
			}
			select {
			case out.spare <- next.part.Data[:0]:
			default:
			}
		}
	}
	return cmp.Or(failed, <-written)
}

// buffer is an empty one, for the next part.
func (o *outbox) buffer() []byte {
	select {
	case b := <-o.spare:
		return b
	default:
		return make([]byte, 0, o.places.chunk+o.places.chunk/4)
	}
}

// enter takes a place.
func (o *outbox) enter(ctx context.Context) error {
	if err := o.places.take(ctx); err != nil {
		return err
	}
	o.holds, o.turn, o.spent = true, time.After(o.places.turn), false
	return nil
}

// leave gives the place back, if there is one.
func (o *outbox) leave() {
	if o.holds {
		o.places.leave(o.yields)
	}
	o.holds, o.yields = false, false
}

// put adds a part and never waits: it may be called between two reports of one look.
func (o *outbox) put(part *v1.ExportScopeResponse) {
	if len(o.over) == 0 {
		select {
		case o.parts <- outgoing{part: part}:
			return
		default:
		}
	}
	o.over = append(o.over, outgoing{part: part})
}

// full waits until there is room for all that was put; true: the engine is to be left before that, for somebody else.
func (o *outbox) full(ctx context.Context) (bool, error) {
	for len(o.over) > 0 {
		var asked <-chan struct{}
		if o.spent {
			if o.yields, asked = o.places.yield(); o.yields {
				return true, nil
			}
		}
		select {
		case o.parts <- o.over[0]:
			o.over = o.over[1:]
		case <-asked:
		case <-o.turn:
			o.turn, o.spent = nil, true
		case <-ctx.Done():
			return false, ctx.Err() //nolint:wrapcheck // the asker is gone, or out of time
		}
	}
	return false, nil
}

// again leaves the place, and takes one when the asker has taken all that was put.
func (o *outbox) again(ctx context.Context) error {
	o.leave()
	reached := make(chan struct{})
	o.over = append(o.over, outgoing{reached: reached})
	if err := o.push(ctx); err != nil {
		return err
	}
	select {
	case <-reached:
		return o.enter(ctx)
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // as above
	}
}

// push waits until there is room for all that was put.
func (o *outbox) push(ctx context.Context) error {
	for ; len(o.over) > 0; o.over = o.over[1:] {
		select {
		case o.parts <- o.over[0]:
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // as above
		}
	}
	return nil
}
