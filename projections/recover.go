package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

const (
	// insertTimeout is when an insert counts as lost: the largest takes a second or two on a slow disk.
	insertTimeout = 60 * time.Second
	// queryTimeout bounds the small statements of recovery.
	queryTimeout = 60 * time.Second
	// cancelTimeout bounds how long inserts that were given up may take to end.
	cancelTimeout = 2 * time.Minute
)

// verifyRounds is how many full rounds of inserts are counted again after a recovery: one can have been on its way when
// the watermark was read, and its end need not be the end of the one that repeats it.
const verifyRounds = 2

// errRepaired restarts the session after a table was cut back to the watermark.
var errRepaired = errors.New("rows above the watermark were removed")

// watermark is a position and its received time in microseconds.
type watermark struct {
	position proto.Position
	received int64
}

// start is what a session begins with.
type start struct {
	accesses, rollups watermark
	// present are the positions above the watermark that stand in each table.
	present *present
}

// marks are the watermarks of a version as this process wrote them, for whoever waits or asks.
type marks struct {
	mu      sync.Mutex // guards the rest
	current map[string]watermark
	changed chan struct{}
	// pending are tables written above the watermark, written the watermarks at which each changed last; see live.go.
	pending [numMarks]bool
	written [numMarks]proto.Position
	// running is true while a session of this process keeps the version up.
	running bool
	// wanted is up to where somebody waits, 0 when nobody does; hurried tells that it was raised.
	wanted  proto.Position
	hurried chan struct{}
}

func newMarks() *marks {
	return &marks{current: map[string]watermark{}, changed: make(chan struct{}), hurried: make(chan struct{}, 1)}
}

func (m *marks) set(projector string, w watermark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current[projector] = w
	m.settle(projector, w.position)
	close(m.changed)
	m.changed = make(chan struct{})
}

// get returns the watermark and a channel that closes at the next change of any.
func (m *marks) get(projector string) (watermark, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current[projector], m.changed
}

// low is the smaller position of both projectors, known once recovery has read both, and a channel that closes at the
// next change.
func (m *marks) low() (low proto.Position, known bool, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	accesses, one := m.current[ProjectorAccesses]
	rollups, other := m.current[ProjectorRollups]
	return min(accesses.position, rollups.position), one && other, m.changed
}

// statementName is the name of every insert of this version, by which recovery cancels what still runs.
func (p *pipeline) statementName() string {
	return "projector-v" + strconv.FormatUint(uint64(p.version), 10)
}

// mark writes the watermark: everything up to position is on disk.
func (p *pipeline) mark(ctx context.Context, projector string, position proto.Position, received int64) error {
	if p.writer == "" {
		return errUnnamed
	}
	if err := p.at("before:watermark:" + projector); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	if err := p.owner.claim(ctx, position); err != nil {
		return err
	}
	b := newBlock(watermarksTable)
	w := b.begin()
	w.u32(p.version)
	w.text(projector)
	w.u64(uint64(position))
	w.time(received)
	w.end()
	err := p.owner.store.InsertNative(ctx, p.statementName(), watermarksTable.base, watermarksTable.columnNames(), b.reader())
	if err != nil {
		return fmt.Errorf("write watermark: %w", err)
	}
	p.note(projector, watermark{position, received})
	p.refused(nil)
	return p.at("watermark:" + projector)
}

// note shows a watermark to metrics and to whoever waits.
func (p *pipeline) note(projector string, w watermark) {
	p.marks.set(projector, w)
	version := strconv.FormatUint(uint64(p.version), 10)
	p.metrics.position.WithLabelValues(projector, version).Set(float64(w.position))
	p.metrics.received.WithLabelValues(projector, version).Set(float64(w.received) / 1e6)
}

// recover finds out where to go on and what is there already. The tables are taken from an earlier session or process
// first: what is read afterwards is what stays.
func (p *pipeline) recover(ctx context.Context) (*start, error) {
	p.metrics.recoveries.Inc()
	if err := p.take(ctx); err != nil {
		return nil, err
	}
	if p.writer != "" {
		if err := (registry{p.cfg.Store}).replace(ctx, p.version, p.into, p.cfg.Logger); err != nil {
			return nil, err
		}
		if p.replaced != nil {
			p.replaced()
		}
	}
	ctx, done := context.WithTimeout(ctx, queryTimeout)
	defer done()
	found, err := readWatermarks(ctx, p.cfg.Store, p.version)
	if err != nil {
		return nil, err
	}
	s := &start{accesses: found[ProjectorAccesses], rollups: found[ProjectorRollups], present: &present{}}
	for _, t := range tables[:firstMerging] {
		if s.present[t.id], err = p.positionsAbove(ctx, t, s.accesses); err != nil {
			return nil, err
		}
		if n := len(s.present[t.id]); n > 0 {
			p.metrics.recovered.WithLabelValues(t.base).Add(float64(n))
			p.cfg.Logger.InfoContext(ctx, "rows above the watermark found", slog.String("table", t.base), slog.Int("positions", n))
		}
	}
	// Another process may have written up to the watermarks, and rows above them are not written again.
	p.marks.wroteAll()
	p.note(ProjectorAccesses, s.accesses)
	p.note(ProjectorRollups, s.rollups)
	p.marks.begins()
	return s, nil
}

// take makes this session the only one that writes the version's tables: it fences them with a name of its own, cancels
// the inserts that have begun under another name, and waits for deletions that run. While the journal is empty nobody
// knows whose it is: then nothing is taken, and nothing may be written.
func (p *pipeline) take(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, cancelTimeout)
	defer done()
	p.writer = ""
	if err := p.owner.claim(ctx, p.cfg.Head()); err != nil {
		return err
	}
	if p.owner.claimed.Load() {
		p.writer = p.owner.session()
		p.into = as(p.cfg.Store, p.writer)
		for _, t := range tables {
			if err := fence(ctx, p.cfg.Store, t.name(p.version), p.writer); err != nil {
				return err
			}
		}
	}
	if err := p.cfg.Store.Cancel(ctx, p.statementName()); err != nil {
		return fmt.Errorf("cancel earlier inserts: %w", err)
	}
	for _, t := range tables[:firstMerging] {
		if err := settle(ctx, p.cfg.Store, t.name(p.version)); err != nil {
			return err
		}
	}
	return nil
}

// readWatermarks returns the watermarks of a version; zero ones where nothing was written.
func readWatermarks(ctx context.Context, s *store.Store, version uint32) (map[string]watermark, error) {
	out := map[string]watermark{}
	err := s.Query(ctx, query("watermarks"), store.Params{"version": version}, func(row store.Row) error {
		var (
			projector string
			position  uint64
			received  int64
		)
		if err := row.Scan(&projector, &position, &received); err != nil {
			return err
		}
		out[projector] = watermark{proto.Position(position), received}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read watermarks: %w", err)
	}
	return out, nil
}

// positionsAbove returns the positions above the watermark that stand in a table; nil for none.
func (p *pipeline) positionsAbove(ctx context.Context, t *table, w watermark) (map[uint64]struct{}, error) {
	var out map[uint64]struct{}
	params := store.Params{"after": uint64(w.position), "since": w.received}
	err := p.cfg.Store.Query(ctx, queryOn("present", t.name(p.version)), params, func(row store.Row) error {
		var position uint64
		if err := row.Scan(&position); err != nil {
			return err
		}
		if out == nil {
			out = map[uint64]struct{}{}
		}
		out[position] = struct{}{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read positions of %s: %w", t.base, err)
	}
	return out, nil
}

// verify counts the rows of a run that recovery touched. More or fewer than the fold says means that an insert which was
// given up landed after all, or that only some rows of a message had: the table is cut back to the watermark and the
// session begins again.
func (p *pipeline) verify(ctx context.Context, after watermark, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, cancelTimeout)
	defer cancel()
	for _, t := range tables[:firstMerging] {
		params := store.Params{"after": uint64(after.position), "upto": uint64(r.end), "since": r.since}
		var rows uint64
		scan := func(row store.Row) error { return row.Scan(&rows) }
		if err := p.cfg.Store.Query(ctx, queryOn("count", t.name(p.version)), params, scan); err != nil {
			return fmt.Errorf("count rows of %s: %w", t.base, err)
		}
		if rows == uint64(r.want[t.id]) {
			continue
		}
		p.metrics.repairs.Inc()
		p.cfg.Logger.ErrorContext(ctx, "rows above the watermark differ from the journal, removing them", slog.String("table", t.base),
			slog.Uint64("rows", rows), slog.Int("want", r.want[t.id]))
		if err := p.at("before:repair"); err != nil {
			return err
		}
		params = store.Params{
			"after": uint64(after.position), "writer": p.writer, "database": p.cfg.Store.Database(), "table": t.name(p.version),
		}
		if err := p.cfg.Store.Exec(ctx, queryOn("remove", t.name(p.version)), params); err != nil {
			return fmt.Errorf("remove rows of %s: %w", t.base, err)
		}
		return fmt.Errorf("verify %s: %w", t.base, errRepaired)
	}
	return nil
}

// timer returns a function that observes the seconds since.
func timer(o prometheus.Observer) func() {
	t := prometheus.NewTimer(o)
	return func() { t.ObserveDuration() }
}
