package api

import (
	"context"
	"time"

	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// SetMeter has every statement report its cost.
func (s *Service) SetMeter(meter func(name string, cost store.Stats)) {
	if meter == nil {
		s.engine.meter = nil
		return
	}
	s.engine.meter = func(name string, _ store.Params, cost store.Stats) { meter(name, cost) }
}

// Record has every statement told with its parameters.
func (s *Service) Record(statement func(name string, params store.Params)) {
	s.engine.meter = func(name string, params store.Params, _ store.Stats) { statement(name, params) }
}

// SetBounds replaces how many rows of a record are listed in full, and how many of looks are added up here.
func (s *Service) SetBounds(listedFull, lookRows int) {
	s.engine.listedFull, s.engine.lookRows = listedFull, lookRows
}

// SetListedUnresolved replaces how many unresolved events are remembered one by one.
func (s *Service) SetListedUnresolved(n int) { s.engine.listedUnresolved = n }

// SetFewReports replaces up to how many reports a scope is counted here; 0: never.
func (s *Service) SetFewReports(n int) { s.engine.fewReports = n }

// Cover returns what leaves of an answer that may name nobody.
func Cover(key []byte, m protobuf.Message) protobuf.Message { return pseudonyms{key}.cover(m) }

// SetPatience replaces how long an answer waits for the projections: what is asserted of the answer must not hang on how
// busy the machine is.
func (s *Service) SetPatience(d time.Duration) { s.patience = d }

// SetInspected replaces how many events one page of a search looks into.
func (s *Service) SetInspected(n int) { s.inspected = n }

// FlushSummaries journals the summaries of finished hours now, as the service's goroutine does every minute.
func (s *Service) FlushSummaries(ctx context.Context) error { return s.summaries.flush(ctx, false) }

// Report is an event as pairing sees it, for tests without an engine.
type Report struct {
	Position proto.Position
	Occurred int64
	// Request is the pairing key; 0 pairs with nothing. Within is how far apart its reports may be.
	Request uint64
	Within  time.Duration
	Action  v1.Action
	Rank    int
}

// Pages lists reports, which are given newest first, as accesses in pages of a size. Each page is read as a request
// reads it: from where the token of the page before says. An access is its positions, the shown one first.
func Pages(reports []Report, size int) (pages [][][]proto.Position, err error) {
	p := &pin{version: 1, position: ^proto.Position(0)}
	var token PageToken
	for {
		l := newLister(cut{after: token.after(), size: size}, nil)
		from := start(token)
		for _, r := range reports {
			at := order{r.Occurred, r.Position}
			if from.after(at) && from != at {
				continue
			}
			e := &row{position: r.Position, occurred: r.Occurred, action: r.Action, rank: r.Rank, within: r.Within}
			if r.Request != 0 {
				e.pair = pairKey{key: r.Request}
			}
			if err = l.add(e); err != nil {
				break
			}
		}
		if err == nil {
			err = l.pairs.finish()
		}
		if err = stopped(err); err != nil {
			return nil, err
		}
		var page [][]proto.Position
		for _, a := range l.page {
			var positions []proto.Position
			a.events(func(r *row) { positions = append(positions, r.position) })
			page = append(page, positions)
		}
		pages = append(pages, page)
		text := l.next(p, [8]byte{}, token.Page+1)
		if text == "" {
			return pages, nil
		}
		if token, err = ParsePageToken(text, [8]byte{}); err != nil {
			return nil, err
		}
	}
}

// Candidates is how many events the tables find for a search, before any is read in the journal.
func (s *Service) Candidates(ctx context.Context, q EventSearch) (int, error) {
	p, err := s.pin(ctx, 0, PageToken{})
	if err != nil {
		return 0, err
	}
	a := &eventAsk{EventSearch: q}
	around := p.backdrop(ctx, period{q.Recorded.From, q.Recorded.Until})
	defer func() { _ = around.wait() }()
	meant, err := p.meantBy(ctx, a, around)
	if err != nil {
		return 0, err
	}
	found, err := p.candidatesFor(ctx, &inspection{ask: a, meant: meant}, maxInspectedEvents+1)
	return len(found), err
}

// Export runs an export without a stream of its own.
func (s *Service) Export(ctx context.Context, m *v1.ExportScopeRequest, send func(*v1.ExportScopeResponse) error) error {
	return s.translate(ctx, queryExportScope, s.exportScope(ctx, proto.CallerFrom(ctx), m, send))
}

// SetSearched replaces how many reports one page of a search looks into for a verdict.
func (s *Service) SetSearched(n int) { s.engine.searched = n }

// Pruned is what a mask leaves of an answer.
func Pruned(m protobuf.Message, paths ...string) (protobuf.Message, error) {
	wanted, err := wantedOf(m.ProtoReflect().Descriptor(), paths)
	if err != nil {
		return nil, err
	}
	return pruned(m, wanted), nil
}

// SetExports replaces how many bytes a part of a file has, how many parts wait for an asker, how many reports are looked up together, and
// how long a file keeps its place though others wait.
func (s *Service) SetExports(chunk, parts, rows int, turn time.Duration) {
	s.exports.chunk, s.exports.parts, s.exports.rows, s.exports.turn = chunk, parts, rows, turn
}

// FreeExports is how many places no file is written in.
func (s *Service) FreeExports() int {
	s.exports.mu.Lock()
	defer s.exports.mu.Unlock()
	return s.exports.free
}

// AwaitExportsWaiting returns when so many files wait for a place.
func (s *Service) AwaitExportsWaiting(n int) {
	for waiting := -1; waiting != n; time.Sleep(time.Millisecond) {
		s.exports.mu.Lock()
		waiting = len(s.exports.waiting)
		s.exports.mu.Unlock()
	}
}
