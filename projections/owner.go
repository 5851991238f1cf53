package projections

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
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

// owner sees to it that a database has one writer. The writer leaves its name there and fences the tables with it, so that
// ClickHouse refuses what an earlier one still sends. Whoever writes looks before each session and each watermark whether
// the name is still its own: that look makes the earlier one stop, the fences make every row stand once (fence.go).
type owner struct {
	store  *store.Store
	follow func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error
	// process names this process; two of one machine differ.
	process string

	claimed  atomic.Bool
	sessions atomic.Uint64

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
	if err := o.fence(ctx); err != nil {
		return err
	}
	o.claimed.Store(true)
	return nil
}

// fence closes the tables outside the versions to earlier processes. A flip of theirs that has begun is cancelled, so that
// the version read after the claim is the one that answers; a watermark is cancelled by its version's recovery.
func (o *owner) fence(ctx context.Context) error {
	for _, table := range registryTables {
		if err := fence(ctx, o.store, table, o.process); err != nil {
			return err
		}
	}
	if err := o.store.Cancel(ctx, flipStatement); err != nil {
		return fmt.Errorf("cancel an earlier flip: %w", err)
	}
	return nil
}

// session returns a name for one session's inserts; no other one has it, and none is the beginning of another.
func (o *owner) session() string {
	return o.process + "-" + strconv.FormatUint(o.sessions.Add(1), 10) + "."
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
