package api

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// flushEvery is how often finished hours are looked for: a summary is at most a minute late.
	flushEvery = time.Minute
	// flushTimeout bounds one flush, at the end of the process too; what could not be journaled is tried again.
	flushTimeout = 10 * time.Second
	// maxSummaries bounds the open hours: askers times kinds of question. Beyond it each answer is journaled at once.
	maxSummaries = 10_000
)

// summaryKey is whose answers a summary counts, to which query, in which hour, and within which limits: Limits.Key of them.
type summaryKey struct {
	asker, role, query, limits string
	hour                       int64
}

// summary is the question of an hour. It is one whatever was left out of its answers: an asker who was given another id, or whose answer
// waited for the disk, would know by that that something is about them.
type summary struct {
	id     proto.EventID
	limits *v1.Limits
	// pending counts answers that no journaled question holds yet, by how much was left out of each.
	pending map[uint64]uint64
	pages   uint32
}

// summaries counts answers that name nobody, per asker, query and hour, and by the limits that they were given within. The first of an hour is journaled before it
// leaves, so that a crash can lose a count but never the fact that somebody looked.
type summaries struct {
	ask    func(context.Context, []*v1.Question) error
	now    func() time.Time
	logger *slog.Logger

	mu   sync.Mutex
	open map[summaryKey]*summary

	// flushing lets one flush run at a time.
	flushing sync.Mutex
	stop     chan struct{}
	done     chan struct{}
}

func newSummaries(cfg Config, logger *slog.Logger) *summaries {
	s := &summaries{
		ask: cfg.Ask, now: cfg.Now, logger: logger, open: map[summaryKey]*summary{},
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go s.run()
	return s
}

// count adds one answer, which has this header, and returns the id of its question. An error means that it must not leave.
func (s *summaries) count(ctx context.Context, c proto.Caller, query string, h *v1.AnswerHeader, withheld uint64) (proto.EventID, error) {
	now, l := s.now(), h.Limits
	limits := proto.Limits{Sites: l.GetSites(), Departments: l.GetDepartments(), Nothing: l.GetNothing()}
	key := summaryKey{c.Name, c.Role, query, limits.Key(), now.Truncate(time.Hour).UnixMicro()}
	s.mu.Lock()
	if open, ok := s.open[key]; ok {
		open.pending[withheld]++
		s.mu.Unlock()
		return open.id, nil
	}
	s.mu.Unlock()
	id, err := proto.MintEventID(now)
	if err != nil {
		return proto.EventID{}, err
	}
	open := &summary{id: id, limits: l, pending: map[uint64]uint64{}, pages: 1}
	q := open.question(key, now)
	q.Rows, q.Page, q.Position, q.Withheld = 1, 1, h.Position, withheld
	if err := s.ask(ctx, []*v1.Question{q}); err != nil {
		return proto.EventID{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[key]; !ok && len(s.open) < maxSummaries {
		s.open[key] = open
	}
	return id, nil
}

func (x *summary) question(key summaryKey, now time.Time) *v1.Question {
	return &v1.Question{
		QuestionId: x.id.Bytes(), Asker: key.asker, Role: key.role, Query: key.query, Summary: true, AskedUs: now.UnixMicro(), Limits: x.limits,
	}
}

func (s *summaries) run() {
	defer close(s.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
			if err := s.flush(ctx, false); err != nil {
				s.logger.WarnContext(ctx, "summary of questions not journaled, trying again", slog.Any("err", err))
			}
			cancel()
		}
	}
}

// flush journals what finished hours still hold, or, with all, every hour.
func (s *summaries) flush(ctx context.Context, all bool) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	now := s.now()
	hour := now.Truncate(time.Hour).UnixMicro()
	type flushed struct {
		key            summaryKey
		withheld, rows uint64
	}
	var due []flushed
	var questions []*v1.Question
	s.mu.Lock()
	for key, open := range s.open {
		switch {
		case key.hour == hour && !all:
		case len(open.pending) == 0:
			delete(s.open, key)
		default:
			page := open.pages
			for _, withheld := range slices.Sorted(maps.Keys(open.pending)) {
				q := open.question(key, now)
				page++
				q.Rows, q.Page, q.Withheld = open.pending[withheld], page, withheld
				due = append(due, flushed{key, withheld, q.Rows})
				questions = append(questions, q)
			}
		}
	}
	s.mu.Unlock()
	if len(questions) == 0 {
		return nil
	}
	if err := s.ask(ctx, questions); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range due {
		open := s.open[f.key]
		open.pages++
		if open.pending[f.withheld] -= f.rows; open.pending[f.withheld] == 0 {
			delete(open.pending, f.withheld)
		}
		if f.key.hour != hour && len(open.pending) == 0 {
			delete(s.open, f.key)
		}
	}
	return nil
}

// close stops the goroutine and journals what is left.
func (s *summaries) close(ctx context.Context) error {
	close(s.stop)
	<-s.done
	return s.flush(ctx, true)
}
