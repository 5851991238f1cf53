package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxGaps bounds the gaps of one answer: three sources a day over a year. What lies beyond is counted in a note.
const maxGaps = 1000

// maxGapNotes bounds the gaps that are told in sentences; all of them stand in the header.
const maxGapNotes = 10

// source is a registered source, or one that events name without a registration, and the extent of what it sent.
type source struct {
	row      *v1.SourceRegistered
	position uint64
	// first and last are occurred times, received the last received time; 0 when it sent nothing.
	first, last, received int64
}

// covers reports whether the source reported anything from around the period: its first event lies before the end and its
// last one not before the beginning.
func (s *source) covers(p period) bool {
	return s.first != 0 && (p.until == 0 || s.first < p.until) && (p.from == 0 || s.last >= p.from)
}

// backdrop is what every answer rests on besides its rows: sources, gaps and unresolved events. It loads while the answer
// itself is computed; wait ends it on every path.
type backdrop struct {
	pin     *pin
	at      period
	pending *errgroup.Group

	// registered is closed when rows is set, or loading it failed: pairing and the identity walk need it early.
	registered chan struct{}
	rows       []*source

	extents    []*source
	gaps       []*v1.CoverageGap
	unresolved uint64
	judged     judged
}

// backdrop begins to load what surrounds the answer for a period.
func (p *pin) backdrop(ctx context.Context, at period) *backdrop {
	b := &backdrop{pin: p, at: at, registered: make(chan struct{})}
	b.pending, ctx = errgroup.WithContext(ctx)
	b.pending.Go(func() (err error) {
		defer close(b.registered)
		b.rows, err = p.registrations(ctx)
		return err
	})
	b.pending.Go(func() (err error) { b.extents, err = p.extents(ctx); return err })
	b.pending.Go(func() (err error) { b.gaps, err = p.gaps(ctx, at); return err })
	b.pending.Go(func() (err error) { b.judged, err = p.progress(ctx); return err })
	b.pending.Go(func() (err error) { b.unresolved, err = p.unresolved(ctx, at); return err })
	return b
}

func (b *backdrop) wait() error {
	if err := b.pending.Wait(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	return nil
}

// sources are the registrations, without what the sources sent.
func (b *backdrop) sources() ([]*source, error) {
	<-b.registered
	if b.rows == nil {
		return nil, b.wait()
	}
	return b.rows, nil
}

// all are the registered sources and those that only events name, with the extent of what they sent. It waits for
// everything.
func (b *backdrop) all() ([]*source, error) {
	if err := b.wait(); err != nil {
		return nil, err
	}
	all := make([]*source, 0, len(b.rows))
	for _, s := range b.rows {
		with := *s
		all = append(all, &with)
	}
	for _, e := range b.extents {
		at := slices.IndexFunc(all, func(s *source) bool { return s.row.Name == e.row.Name })
		if at < 0 {
			all = append(all, e)
			continue
		}
		all[at].first, all[at].last, all[at].received = e.first, e.last, e.received
	}
	return all, nil
}

// registrations loads the sources as they were registered at the pin, by name.
func (p *pin) registrations(ctx context.Context) ([]*source, error) {
	return kept(p, "sources", period{}, p.written.Sources, func() ([]*source, error) { return p.readRegistrations(ctx) })
}

func (p *pin) readRegistrations(ctx context.Context) ([]*source, error) {
	all := []*source{}
	err := p.query(ctx, "sources", store.Params{}, func(row store.Row) error {
		s := &source{row: &v1.SourceRegistered{}}
		var policy uint8
		r := s.row
		err := row.Scan(&r.Name, &s.position, &r.Owner, &r.TimeZone, &policy, &r.BaseUrl, &r.Systems, &r.ExpectedSilenceS,
			&r.Disabled, &r.Asker, &r.PatientSystem, &r.ReaderSystem, &r.PairWithinS)
		if err != nil {
			return err
		}
		r.IdentityPolicy = v1.IdentityPolicy(policy)
		all = append(all, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	return all, nil
}

// extents loads when each source's events occurred and arrived.
func (p *pin) extents(ctx context.Context) ([]*source, error) {
	name := "source_extents"
	if p.past {
		name = "source_extents_as_of"
	}
	known, err := kept(p, name, period{}, p.written.Extents, func() ([]source, error) { return p.readExtents(ctx, name) })
	if err != nil {
		return nil, err
	}
	all := make([]*source, len(known))
	for i, s := range known {
		// The rollups may be a little ahead of the pin: nothing that was received later is told.
		s.received = min(s.received, p.received)
		all[i] = &s
	}
	return all, nil
}

func (p *pin) readExtents(ctx context.Context, name string) ([]source, error) {
	var all []source
	err := p.query(ctx, name, store.Params{}, func(row store.Row) error {
		s := newSource("")
		err := row.Scan(&s.row.Name, &s.first, &s.last, &s.received)
		all = append(all, *s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read extent of sources: %w", err)
	}
	return all, nil
}

func newSource(name string) *source { return &source{row: &v1.SourceRegistered{Name: name}} }

// widen adds an event that the answer itself holds: the rollups may be seconds behind.
func widen(sources []*source, name string, occurred, received int64) []*source {
	for _, s := range sources {
		if s.row.Name == name {
			s.add(occurred, received)
			return sources
		}
	}
	s := newSource(name)
	s.add(occurred, received)
	return append(sources, s)
}

func (s *source) add(occurred, received int64) {
	if s.first == 0 || occurred < s.first {
		s.first = occurred
	}
	s.last, s.received = max(s.last, occurred), max(s.received, received)
}

// gaps loads the coverage facts that overlap the period, as they were known at the pin.
func (p *pin) gaps(ctx context.Context, at period) ([]*v1.CoverageGap, error) {
	of := func(at period) ([]*v1.CoverageGap, error) {
		return kept(p, "coverage", at, p.written.Coverage, func() ([]*v1.CoverageGap, error) { return p.readGaps(ctx, at) })
	}
	all, err := of(period{}) // most answers ask for a period of their own, and there are few facts
	if err != nil || len(all) < maxGaps {
		from, until := at.bounds(0)
		return slices.DeleteFunc(slices.Clone(all), func(g *v1.CoverageGap) bool {
			return g.FromUs >= until || g.UntilUs != 0 && g.UntilUs <= from
		}), err
	}
	return of(at)
}

func (p *pin) readGaps(ctx context.Context, at period) ([]*v1.CoverageGap, error) {
	from, until := at.bounds(0)
	var out []*v1.CoverageGap
	params := store.Params{"from": from, "until": until, "limit": uint32(maxGaps)}
	err := p.query(ctx, "coverage", params, func(row store.Row) error {
		g := &v1.CoverageGap{}
		var kind uint8
		if err := row.Scan(&g.Source, &kind, &g.FromUs, &g.UntilUs, &g.Amount); err != nil {
			return err
		}
		g.Kind = v1.CoverageFact_Kind(kind)
		out = append(out, g)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read coverage: %w", err)
	}
	return out, nil
}

// header states what an answer rests on, once everything around it has loaded. shown are the answer's own accesses;
// subject completes "whether ... is not known".
func (b *backdrop) header(zone *time.Location, shown []*v1.Access, subject string) (*v1.AnswerHeader, error) {
	sources, err := b.all()
	if err != nil {
		return nil, err
	}
	for _, a := range shown {
		sources = widen(sources, a.Source, a.OccurredUs, a.ReceivedUs)
	}
	p, at := b.pin, b.at
	b.judged.learns(p.engine.detecting, sources, p.received)
	h := &v1.AnswerHeader{
		Position: uint64(p.position), AsOfUs: p.received, JournalPosition: uint64(p.journal), ProjectionVersion: p.version,
		TimeZone: zone.String(), Gaps: b.gaps, UnresolvedEvents: b.unresolved, FromUs: at.from, UntilUs: at.until, Behind: p.behind,
		Detection: b.judged.proto(),
	}
	for _, s := range sources {
		h.Coverage = append(h.Coverage, &v1.SourceCoverage{
			Source: s.row.Name, Systems: s.row.Systems, FirstOccurredUs: s.first, LastOccurredUs: s.last, LastReceivedUs: s.received,
			Disabled: s.row.Disabled,
		})
	}
	if p.behind > 0 {
		h.Notes = append(h.Notes, fmt.Sprintf("Not known yet: the projections are %d messages behind, and those may concern this subject. Ask again in a moment.", p.behind))
	}
	h.Notes = append(h.Notes, coverageNotes(at, p.received, zone, sources, subject)...)
	h.Notes = append(h.Notes, gapNotes(b.gaps, zone)...)
	if b.unresolved > 0 {
		h.Notes = append(h.Notes, fmt.Sprintf("%d events of this period name their patient by text only: they are not counted, and may concern anybody.", b.unresolved))
	}
	if note := b.judged.note(shown, p.engine.detecting.site); note != "" {
		h.Notes = append(h.Notes, note)
	}
	p.limitHeader(h)
	return h, nil
}

// quiet is how long no source at all may report before the end of an answer says so. Single sources are judged by their
// own rhythm, and make gaps.
const quiet = time.Hour

// coverageNotes says in sentences where nothing is known. asOf is the received time of the answer's position.
func coverageNotes(at period, asOf int64, zone *time.Location, sources []*source, subject string) []string {
	var first, last int64
	covered := false
	for _, s := range sources {
		if s.first == 0 {
			continue
		}
		if first == 0 || s.first < first {
			first = s.first
		}
		last = max(last, s.last)
		covered = covered || s.covers(at)
	}
	switch {
	case first == 0:
		return []string{"No source has reported anything: whether " + subject + " is not known."}
	case !covered:
		return []string{"No source covers this period: whether " + subject + " is not known."}
	}
	var notes []string
	if at.from < first {
		notes = append(notes, "What happened before "+clock(first, zone)+" is not known: no source had reported anything.")
	}
	end := asOf
	if at.until != 0 {
		end = min(end, at.until)
	}
	if end-last > quiet.Microseconds() {
		notes = append(notes, "What happened after "+clock(last, zone)+" is not known yet: no source has reported anything since.")
	}
	for _, s := range sources {
		switch {
		case s.first == 0:
			notes = append(notes, fmt.Sprintf("Source %s has reported nothing: what it saw is not known.", s.row.Name))
		case !s.covers(at):
			notes = append(notes, fmt.Sprintf("Source %s does not cover this period: it reported from %s to %s.", s.row.Name, clock(s.first, zone), clock(s.last, zone)))
		case s.row.Disabled && (at.until == 0 || s.last < at.until):
			notes = append(notes, fmt.Sprintf("Source %s is disabled: nothing is known from it after %s.", s.row.Name, clock(s.last, zone)))
		case s.first > at.from && s.first > first:
			notes = append(notes, fmt.Sprintf("Source %s reports since %s: what it saw before is not known.", s.row.Name, clock(s.first, zone)))
		}
	}
	return notes
}

// gapNotes tells gaps in sentences.
func gapNotes(gaps []*v1.CoverageGap, zone *time.Location) []string {
	var notes []string
	for i, g := range gaps {
		if i == maxGapNotes {
			notes = append(notes, fmt.Sprintf("%d more gaps are listed in the header.", len(gaps)-i))
			break
		}
		span := "from " + clock(g.FromUs, zone) + " until now"
		if g.UntilUs != 0 {
			span = "from " + clock(g.FromUs, zone) + " to " + clock(g.UntilUs, zone)
		}
		notes = append(notes, gapNote(g, span))
	}
	if len(gaps) == maxGaps {
		notes = append(notes, fmt.Sprintf("Only the first %d gaps are listed.", maxGaps))
	}
	return notes
}

func gapNote(g *v1.CoverageGap, span string) string {
	amount := time.Duration(g.Amount) * time.Second
	switch g.Kind {
	case v1.CoverageFact_KIND_SILENCE:
		return fmt.Sprintf("Source %s was silent %s: accesses that it should have reported are not known.", g.Source, span)
	case v1.CoverageFact_KIND_LATENESS:
		return fmt.Sprintf("Source %s reported up to %s late %s: recent accesses may be missing.", g.Source, amount, span)
	case v1.CoverageFact_KIND_CLOCK_SKEW:
		return fmt.Sprintf("The clock of source %s was off by %s %s: its times are wrong by as much.", g.Source, amount, span)
	case v1.CoverageFact_KIND_SEQUENCE_GAP:
		return fmt.Sprintf("Source %s lacks %d of its own numbers %s: as many events are not known.", g.Source, g.Amount, span)
	case v1.CoverageFact_KIND_OUTAGE:
		return fmt.Sprintf("Readtrail itself was down %s: it took nothing then. Accesses of that time are known as far as the sources reported them afterwards.", span)
	}
	return fmt.Sprintf("Coverage of source %s is incomplete %s.", g.Source, span)
}

// clock tells a time to people in the answer's zone.
func clock(us int64, zone *time.Location) string {
	return time.UnixMicro(us).In(zone).Format("2006-01-02 15:04:05 MST")
}
