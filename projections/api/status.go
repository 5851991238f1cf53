package api

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ListSources lists the sources and what is known of their completeness. It names no patient and no reader.
func (s *Service) ListSources(ctx context.Context, _ *connect.Request[v1.ListSourcesRequest]) (*connect.Response[v1.ListSourcesResponse], error) {
	return answer(ctx, s, queryListSources, anyRole, s.listSources)
}

func (s *Service) listSources(ctx context.Context, c proto.Caller) (*v1.ListSourcesResponse, error) {
	p, err := s.pin(ctx, 0, PageToken{})
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	letters, err := p.deadLetterCounts(ctx, "", "", period{})
	if err != nil {
		return nil, err
	}
	sources, err := around.all()
	if err != nil {
		return nil, err
	}
	for _, n := range letters {
		if !slices.ContainsFunc(sources, func(s *source) bool { return s.row.Name == n.Source }) {
			sources = append(sources, newSource(n.Source))
		}
	}
	counted, err := p.sourceEvents(ctx)
	if err != nil {
		return nil, err
	}
	res := &v1.ListSourcesResponse{}
	if res.Header, err = around.header(s.cfg.TimeZone, nil, "anything happened"); err != nil {
		return nil, err
	}
	if counted.bounded {
		res.Header.Notes = append(res.Header.Notes, "Events are still being added up: the numbers of events are those of older messages. Ask again for more.")
	}
	for _, src := range sources {
		r := &v1.SourceRow{
			Source: src.row, Events: counted.events[src.row.Name], FirstOccurredUs: src.first, LastOccurredUs: src.last, LastReceivedUs: src.received,
		}
		for _, n := range letters {
			if n.Source == src.row.Name {
				r.DeadLetters += n.DeadLetters
			}
		}
		for _, g := range res.Header.Gaps {
			if g.Source == src.row.Name {
				r.Gaps = append(r.Gaps, g)
			}
		}
		res.Sources = append(res.Sources, r)
	}
	slices.SortFunc(res.Sources, func(a, b *v1.SourceRow) int { return strings.Compare(a.Source.Name, b.Source.Name) })
	return res, s.summarise(ctx, c, queryListSources, res.Header)
}

// GetStatus says how far the journal and each projection are. It names nobody and is asked every few seconds by
// monitoring, so it is no question and leaves no entry.
func (s *Service) GetStatus(ctx context.Context, _ *connect.Request[v1.GetStatusRequest]) (*connect.Response[v1.GetStatusResponse], error) {
	return answer(ctx, s, queryGetStatus, anyRole, s.getStatus)
}

func (s *Service) getStatus(ctx context.Context, _ proto.Caller) (*v1.GetStatusResponse, error) {
	head := s.cfg.Head()
	journal, err := s.cfg.JournalStatus(ctx)
	if err != nil {
		return nil, fmt.Errorf("read journal status: %w", err)
	}
	res := &v1.GetStatusResponse{
		JournalPosition: uint64(head), JournalBytes: journal.Bytes, JournalMessages: journal.Messages,
		Durability: journal.Durability, DurabilityReason: journal.Reason, Version: s.cfg.SoftwareVersion,
	}
	if s.cfg.Tasks != nil {
		res.Tasks = s.cfg.Tasks()
	}
	limits, err := s.limits(ctx)
	if err != nil {
		return nil, err
	}
	if limits.Limited() { // an import tells which source sent how much
		res.Tasks = slices.DeleteFunc(slices.Clone(res.Tasks), func(t *v1.RunningTask) bool { return t.Kind == v1.RunningTask_KIND_IMPORT })
	}
	var received int64
	if head.Sequence() > 0 {
		b, err := s.cfg.ReadBatch(ctx, head.Sequence())
		if err != nil {
			return nil, fmt.Errorf("read journal's last entry: %w", err)
		}
		received = b.Head.ReceivedUs
	}
	p := &pin{engine: s.engine}
	if p.set, err = s.engine.set(0, queries.Whole); err != nil {
		return nil, err
	}
	err = p.query(ctx, "progress", store.Params{}, func(row store.Row) error {
		g := &v1.ProjectionProgress{}
		var version uint32
		var at int64
		if err := row.Scan(&version, &g.Name, &g.Position, &at, &g.Active); err != nil {
			return err
		}
		g.Version = uint64(version)
		if head, ok := s.streamHead(g.Name); ok {
			if head > 0 || g.Position > 0 {
				res.Streams = append(res.Streams, &v1.StreamProgress{
					Name: g.Name, Version: g.Version, Active: g.Active, Sequence: g.Position, Head: head,
				})
			}
			return nil
		}
		if proto.Position(g.Position).Sequence() < head.Sequence() {
			g.LagUs = max(received-at, 0)
		}
		res.Projections = append(res.Projections, g)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read progress: %w", err)
	}
	s.glassStatus(ctx, res)
	return res, nil
}

// glassStatus adds how many broken glasses wait for a review. While the projections cannot say, the status says nothing of it: what it
// says of them is what matters then.
func (s *Service) glassStatus(ctx context.Context, res *v1.GetStatusResponse) {
	p, err := s.pin(ctx, 0, PageToken{})
	if err == nil {
		res.GlassUnreviewed, res.GlassUnreviewedSinceUs, err = p.glassWaiting(ctx)
	}
	if err != nil {
		s.logger.DebugContext(ctx, "broken glasses could not be counted", slog.Any("err", err))
	}
}

// streamHead is the last message of a stream that detectors write, when the projector of that name reads one.
func (s *Service) streamHead(projector string) (head uint64, ok bool) {
	if projector != projections.ProjectorFindings && projector != projections.ProjectorAlerts {
		return 0, false
	}
	var heads StreamHeads
	if s.cfg.Streams != nil {
		heads = s.cfg.Streams()
	}
	if projector == projections.ProjectorFindings {
		return heads.Findings, true
	}
	return heads.Alerts, true
}
