package api

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// The range of DateTime64(6): 1900-01-01 to 2299-12-31. An unbounded period is this one.
const (
	minTime int64 = -2_208_988_800_000_000
	maxTime int64 = 10_413_791_999_999_999
)

// engine runs the statements of queries/ on one version of the tables.
type engine struct {
	store *store.Store
	// meter, when set, is told of each statement and what it cost; statements are then answered whole.
	meter func(name string, params store.Params, cost store.Stats)

	mu   sync.Mutex // guards what follows
	sets map[setKey]queries.Set
	// unresolved are the unresolved events as far as they were read, manyUnresolved how many there are where they are too many for that.
	unresolved     *unresolvedEvents
	manyUnresolved unresolvedCount
	// counted is how many events each source sent, as far as they were added up.
	counted sourceCount
	// stuck is the watermark at which an answer waited in vain last: the next one does not wait again until it moves. Nil: none did.
	stuck *proto.Position
	// listedFull is maxListedFull, lookRows maxLookRows, fewReports maxFewReports; tests lower them.
	listedFull, lookRows, fewReports int
	// listedUnresolved is maxListedUnresolved; tests lower it.
	listedUnresolved int
	// searched is maxSearched; tests lower it.
	searched int
	// imports says of imports whether they are backfill.
	imports map[uint64]bool

	// detecting is set once, before the first question.
	detecting detecting

	// These have locks of their own.
	kept    keptRows
	heard   heard
	readers readerLinks
	known   knownReaders
	systems systems
	scopes  keptScopes
	cases   keptCases
}

// setKey is a version of the tables, and which rows of it the statements reach.
type setKey struct {
	version uint64
	reach   queries.Reach
}

// maxSets bounds the statement sets kept: of the version that answers, the one before and those that old tokens name, in each reach.
const maxSets = 24

// newEngine has ClickHouse give up when nobody waits for the answer any more.
func newEngine(s *store.Store) *engine {
	limits := store.Settings{"max_execution_time": strconv.Itoa(int(answerTimeout.Seconds()))}
	return &engine{
		store: s.With(limits), sets: map[setKey]queries.Set{},
		listedFull: maxListedFull, lookRows: maxLookRows, fewReports: maxFewReports, listedUnresolved: maxListedUnresolved, searched: maxSearched,
	}
}

func (e *engine) set(version uint64, reach queries.Reach) (queries.Set, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := setKey{version, reach}
	if set, ok := e.sets[key]; ok {
		return set, nil
	}
	set, err := queries.For(version, reach)
	if err != nil {
		return nil, err
	}
	if len(e.sets) >= maxSets {
		clear(e.sets)
	}
	e.sets[key] = set
	return set, nil
}

// pin is what one answer rests on: a version of the tables, a position, and what the asker may see. Nothing above the position is read,
// and nothing outside of the limits.
type pin struct {
	engine *engine
	// limits are those of whoever asks; set has the statements that hold to them.
	limits proto.Limits
	// outside is how many reports lie outside of the limits, where that was counted.
	outside  atomic.Pointer[uint64]
	set      queries.Set
	version  uint64
	position proto.Position
	// received is the received time of the position, in microseconds.
	received int64
	// past is true when the answer is as of an earlier time than the projections know.
	past bool
	// paged is true when a page token pinned the position.
	paged bool
	// journal is the journal's last position when the question was asked.
	journal proto.Position
	// behind is how many messages are missing that may concern the subject; see catchUp.
	behind uint64
	// asked are the questions that the journal holds between the position and its end.
	asked []*v1.Question
	// store runs the statements, in place of the engine's, where they may take longer.
	store *store.Store
	// live says that the projector of this process tells of changes; written are its last ones.
	live    bool
	written projections.Live
	// ahead are rows of the record that is asked about, where they are read before all of its identifiers are known; nil: they are not.
	ahead *recordAhead
	// detected is how far detectors have judged, read once.
	detected onceJudged
}

// query runs a statement; the pinned position and the limits are filled in.
func (p *pin) query(ctx context.Context, name string, params store.Params, scan func(store.Row) error) error {
	return p.queryIn(ctx, p.set, name, params, scan)
}

func (p *pin) queryIn(ctx context.Context, set queries.Set, name string, params store.Params, scan func(store.Row) error) error {
	db, sql, err := p.statement(set, name, params)
	switch {
	case err != nil:
		return err
	case p.engine.meter == nil:
		return db.Query(ctx, sql, params, scan)
	}
	cost, err := db.QueryStats(ctx, sql, params, scan)
	p.engine.meter(name, params, cost)
	return err
}

// queryColumns is query of an answer that is read by column.
func (p *pin) queryColumns(ctx context.Context, name string, params store.Params, columns []store.AnswerColumn, take func(rows int) error) error {
	db, sql, err := p.statement(p.set, name, params)
	switch {
	case err != nil:
		return err
	case p.engine.meter == nil:
		return db.QueryColumns(ctx, sql, params, columns, take)
	}
	cost, err := db.QueryColumnsStats(ctx, sql, params, columns, take)
	p.engine.meter(name, params, cost)
	return err
}

// statement is one of a set and what runs it; the pinned position and the limits are filled in.
func (p *pin) statement(set queries.Set, name string, params store.Params) (*store.Store, string, error) {
	sql, ok := set[name]
	switch {
	case !ok && p.limits.Limited():
		return nil, "", fmt.Errorf("statement %s: %w", name, errNotLimitable())
	case !ok:
		return nil, "", fmt.Errorf("no statement %s", name)
	}
	p.limit(name, sql, params)
	if strings.Contains(sql, "{position:") {
		params["position"] = uint64(p.position)
	}
	if p.store != nil {
		return p.store, sql, nil
	}
	return p.engine.store, sql, nil
}

// pin decides what an answer rests on: what the page token pinned, what was known at asOf, or everything there is.
func (s *Service) pin(ctx context.Context, asOf int64, token PageToken) (*pin, error) {
	limits, err := s.limits(ctx)
	if err != nil {
		return nil, err
	}
	p := &pin{engine: s.engine, limits: limits, version: token.Version, journal: s.cfg.Head()}
	if err := s.watermark(ctx, p); err != nil {
		return nil, err
	}
	switch {
	case token.Position > p.position:
		return nil, staleToken()
	case token.Position != 0:
		return p, s.pinToken(ctx, p, asOf, token)
	case asOf != 0 && asOf < p.received:
		return p, s.pinPast(ctx, p, asOf)
	}
	return p, nil
}

// watermark finds the version that answers, when the pin has none yet, and how far it goes.
func (s *Service) watermark(ctx context.Context, p *pin) (err error) {
	live, ok := s.cfg.Live()
	if ok && live.Position != 0 && (p.version == 0 || p.version == uint64(live.Version)) {
		p.version, p.position, p.received = uint64(live.Version), live.Position, live.Received
		p.live, p.written = true, live
		p.set, err = s.engine.set(p.version, p.reach())
		return err
	}
	active, err := s.cfg.Version(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("find active version: %w", err)
	case active == 0:
		return fmt.Errorf("no version of the projections answers yet: %w", store.ErrUnavailable)
	case p.version == 0:
		p.version = active
	case p.version > math.MaxUint32:
		return staleToken()
	}
	if p.set, err = s.engine.set(p.version, p.reach()); err != nil {
		return err
	}
	var mark uint64
	err = p.query(ctx, "watermark", store.Params{"version": p.version}, func(row store.Row) error {
		return row.Scan(&mark, &p.received)
	})
	if err != nil {
		return fmt.Errorf("read watermark: %w", err)
	}
	p.position = proto.Position(mark)
	return nil
}

func (s *Service) pinToken(ctx context.Context, p *pin, asOf int64, token PageToken) error {
	b, err := s.cfg.ReadBatch(ctx, token.Position.Sequence())
	if err != nil {
		return fmt.Errorf("read pinned entry: %w", err)
	}
	p.position, p.received, p.past, p.paged = token.Position, b.Head.ReceivedUs, asOf != 0, true
	return nil
}

// pinPast finds the last message that the journal had received at asOf. Received times never fall, so halving finds it
// in as many reads as the journal's length has bits.
func (s *Service) pinPast(ctx context.Context, p *pin, asOf int64) error {
	var failed error
	last := int(p.position.Sequence())
	// The first message that was received later, counted from 1.
	later := sort.Search(last, func(i int) bool {
		if failed != nil {
			return true
		}
		b, err := s.cfg.ReadBatch(ctx, uint64(i)+1)
		if err != nil {
			failed = err
			return true
		}
		if b.Head.ReceivedUs <= asOf {
			p.received = b.Head.ReceivedUs
			return false
		}
		return true
	})
	if failed != nil {
		return fmt.Errorf("find position as of a time: %w", failed)
	}
	p.past = true
	if later == 0 {
		p.position, p.received = 0, 0
		return nil
	}
	p.position = min(p.position, proto.EndOf(uint64(later)))
	return nil
}

// bounds are the period's times as the statements take them, wider by margin microseconds on both sides.
func (p period) bounds(margin int64) (from, until int64) {
	from, until = minTime, maxTime
	if p.from != 0 {
		from = p.from - margin
	}
	if p.until != 0 {
		until = p.until + margin
	}
	return max(from, minTime), min(until, maxTime)
}

// parseToken reads a page's token; none is the zero token.
func parseToken(text string, question [8]byte) (PageToken, error) {
	if text == "" {
		return PageToken{}, nil
	}
	t, err := ParsePageToken(text, question)
	if err != nil {
		return PageToken{}, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("page.token: %w", err))
	}
	return t, nil
}
