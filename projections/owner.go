package projections

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

var (
	// ErrForeign refuses a database that holds the projections of another journal: positions of one mean nothing in the
	// other. Give each server a database of its own, or drop the tables of a journal that is no more.
	ErrForeign = errors.New("the database holds the projections of another journal")
	// ErrSuperseded stops a projector because another process has begun to write the same projections. That one goes on.
	ErrSuperseded = errors.New("another process writes these projections now")
)

// owner sees to it that a database has one writer. ClickHouse keeps nobody out, so the writer leaves its name there, and
// whoever writes looks before each watermark whether the name is still its own. What is inserted between a claim and that
// look mostly stands above the watermark, where recovery counts. It does not when the later process gets past it first: where two
// processes of one journal share an external ClickHouse and one takes over while the other runs, the earlier one's last rows can
// stand twice, below the later one's watermark. `readtrail rebuild` mends that.
type owner struct {
	store  *store.Store
	follow func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error
	// process names this process; two of one machine differ.
	process string

	claimed atomic.Bool

	mu      sync.Mutex // guards the rest
	journal string     // root of the journal's first message, once it was read
}

// claim makes this process the writer. head is the journal's last position: an empty journal has no name yet, and claims
// when there is something to write.
func (o *owner) claim(ctx context.Context, head proto.Position) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.claimed.Load() {
		return o.check(ctx)
	}
	journal, process, claim, err := o.read(ctx)
	if err != nil {
		return err
	}
	if head.Sequence() == 0 {
		if journal != "" {
			return fmt.Errorf("%w, and this journal is empty", ErrForeign)
		}
		return nil
	}
	if err := o.name(ctx); err != nil {
		return err
	}
	if journal != "" && journal != o.journal {
		return ErrForeign
	}
	if process != o.process {
		params := store.Params{"claim": claim + 1, "journal": o.journal, "process": o.process}
		if err := o.store.Exec(ctx, query("set_owner"), params); err != nil {
			return fmt.Errorf("claim the database: %w", err)
		}
	}
	if err := o.check(ctx); err != nil {
		return err
	}
	o.claimed.Store(true)
	return nil
}

// check reports whether the claim still holds. The lock is held.
func (o *owner) check(ctx context.Context) error {
	journal, process, _, err := o.read(ctx)
	switch {
	case err != nil:
		return err
	case journal != o.journal:
		o.claimed.Store(false)
		return ErrForeign
	case process != o.process:
		return ErrSuperseded
	}
	return nil
}

func (o *owner) read(ctx context.Context) (journal, process string, claim uint32, err error) {
	err = o.store.Query(ctx, query("owner"), nil, func(row store.Row) error { return row.Scan(&journal, &process, &claim) })
	if err != nil {
		return "", "", 0, fmt.Errorf("read whose the database is: %w", err)
	}
	return journal, process, claim, nil
}

// errNamed ends the follower that reads the first message.
var errNamed = errors.New("the journal is named")

// name reads the root of the journal's first message, which no other journal has: it covers random salts.
func (o *owner) name(ctx context.Context) error {
	if o.journal != "" {
		return nil
	}
	err := o.follow(ctx, 0, func(_ context.Context, b *proto.Batch) error {
		if b.Sequence() != 1 {
			return fmt.Errorf("message %d is the first: %w", b.Sequence(), ErrGap)
		}
		o.journal = hex.EncodeToString(b.Head.Root)
		return errNamed
	})
	if !errors.Is(err, errNamed) {
		return fmt.Errorf("read the journal's first message: %w", err)
	}
	return nil
}
