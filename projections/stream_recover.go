package projections

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/readtrail/readtrail/projections/store"
)

// streamStart is what a session of a stream begins with.
type streamStart struct {
	mark streamMark
	// present are the messages above the watermark whose rows stand in each of the stream's tables; nil for none.
	present []map[uint64]struct{}
}

// recover finds out where to go on and what is there already, as the journal's recovery does (recover.go): the tables are taken
// from an earlier session or process first, and what is read afterwards is what stays.
func (s *stream) recover(ctx context.Context) (*streamStart, error) {
	s.metrics.recoveries.Inc()
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, queryTimeout)
	defer done()
	found, err := readWatermarks(ctx, s.cfg.Store, s.version)
	if err != nil {
		return nil, err
	}
	w := found[s.name]
	start := &streamStart{mark: streamMark{uint64(w.position), w.received}, present: make([]map[uint64]struct{}, len(s.tables))}
	for i, t := range s.tables {
		if start.present[i], err = s.messagesAbove(ctx, t, start.mark); err != nil {
			return nil, err
		}
		if n := len(start.present[i]); n > 0 {
			s.metrics.recovered.WithLabelValues(t.base).Add(float64(n))
			s.cfg.Logger.InfoContext(ctx, "rows above the watermark found", slog.String("table", t.base), slog.Int("messages", n))
		}
	}
	s.note(start.mark)
	return start, nil
}

// take makes this session the only one that writes the stream's tables.
func (s *stream) take(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, cancelTimeout)
	defer done()
	if err := s.owner.claim(ctx, s.cfg.Head()); err != nil {
		return err
	}
	if !s.owner.claimed.Load() {
		return errUnclaimed
	}
	s.writer = s.owner.session()
	s.into = as(s.cfg.Store, s.writer)
	for _, t := range s.tables {
		if err := fence(ctx, s.cfg.Store, t.name(s.version), s.writer); err != nil {
			return err
		}
	}
	if err := s.cfg.Store.Cancel(ctx, s.statementName()); err != nil {
		return fmt.Errorf("cancel earlier inserts: %w", err)
	}
	for _, t := range s.tables {
		if err := settle(ctx, s.cfg.Store, t.name(s.version)); err != nil {
			return err
		}
	}
	return nil
}

// messagesAbove returns the messages above the watermark whose rows stand in a table; nil for none.
func (s *stream) messagesAbove(ctx context.Context, t *table, after streamMark) (out map[uint64]struct{}, err error) {
	params := store.Params{"after": after.sequence}
	err = s.cfg.Store.Query(ctx, queryOn("stream_present", t.name(s.version)), params, func(row store.Row) error {
		var sequence uint64
		if err := row.Scan(&sequence); err != nil {
			return err
		}
		if out == nil {
			out = map[uint64]struct{}{}
		}
		out[sequence] = struct{}{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read messages of %s: %w", t.base, err)
	}
	return out, nil
}

// check counts the rows of a run that recovery touched. Other counts than the fold's mean that an insert which was given up landed
// after all: the table is cut back to the watermark and the session begins again.
func (s *stream) check(ctx context.Context, after streamMark, r *streamRun) error {
	ctx, cancel := context.WithTimeout(ctx, cancelTimeout)
	defer cancel()
	for i, t := range s.tables {
		var rows uint64
		params := store.Params{"after": after.sequence, "upto": r.last}
		scan := func(row store.Row) error { return row.Scan(&rows) }
		if err := s.cfg.Store.Query(ctx, queryOn("stream_count", t.name(s.version)), params, scan); err != nil {
			return fmt.Errorf("count rows of %s: %w", t.base, err)
		}
		if rows == uint64(r.want[i]) {
			continue
		}
		s.metrics.repairs.Inc()
		s.cfg.Logger.ErrorContext(ctx, "rows above the watermark differ from the stream, removing them", slog.String("table", t.base),
			slog.Uint64("rows", rows), slog.Int("want", r.want[i]))
		if err := s.at("before:repair:" + t.base); err != nil {
			return err
		}
		params = store.Params{
			"after": after.sequence, "writer": s.writer, "database": s.cfg.Store.Database(), "table": t.name(s.version),
		}
		if err := s.cfg.Store.Exec(ctx, queryOn("stream_remove", t.name(s.version)), params); err != nil {
			return fmt.Errorf("remove rows of %s: %w", t.base, err)
		}
		return fmt.Errorf("verify %s: %w", t.base, errRepaired)
	}
	return nil
}
