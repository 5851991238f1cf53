// Package coverage watches whether the sources are whole: it folds their events, dead letters and the ticks into facts
// about silence, lateness, clocks that are off, and holes in their numbering, and tells Readtrail's own outages apart. Time comes from the entries, and the ids
// of the facts from what they say, so that reading the journal again makes duplicates and no further facts.
package coverage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/register/snapshot"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// snapshotVersion counts changes to the snapshot's state; another version is rebuilt from the journal.
const snapshotVersion = 3

// snapshotEvery is how many messages are read again after a crash at most: 1,024 of 512 KiB take seconds.
const snapshotEvery = 1024

// Pauses between attempts to journal facts while the journal is busy.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
)

// Config says what a Monitor follows and when it speaks.
type Config struct {
	// Path is the snapshot file; its directory exists. Empty: no snapshot, every start reads the whole journal.
	Path string
	// Follow calls fn with every batch after from, in order, until ctx ends or fn fails. Required.
	Follow func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error
	// Last returns the position of the journal's last entry, 0 when it is empty. Required.
	Last func(ctx context.Context) (proto.Position, error)
	// Append journals the facts. Required.
	Append ingest.Appender
	// MinWeeks is in how many weeks an hour of the week has to have been seen before its silence means anything.
	// Default 3, at most 8.
	MinWeeks int
	// MinSilence is the shortest silence that is judged, in busy hours too. Default 30 minutes.
	MinSilence time.Duration
	// MissedMinutes is how many minutes in which the source usually speaks have to pass without a word. Default 16:
	// for events that come independently, the chance of that is one in ten million.
	MissedMinutes int
	// Logger, default none.
	Logger *slog.Logger
	// Registerer of the metrics; nil for none.
	Registerer prometheus.Registerer
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	if c.Follow == nil || c.Last == nil || c.Append == nil {
		errs = append(errs, errors.New("coverage: Follow, Last and Append are required"))
	}
	if c.MinWeeks < 0 || c.MinWeeks > weeksKept {
		errs = append(errs, fmt.Errorf("coverage: MinWeeks: want 1 to %d", weeksKept))
	}
	if c.MinSilence < 0 || c.MissedMinutes < 0 {
		errs = append(errs, errors.New("coverage: MinSilence and MissedMinutes must not be negative"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.MinWeeks == 0 {
		c.MinWeeks = 3
	}
	if c.MinSilence == 0 {
		c.MinSilence = 30 * time.Minute
	}
	if c.MissedMinutes == 0 {
		c.MissedMinutes = 16
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Monitor folds the journal into coverage facts. Run is its only goroutine.
type Monitor struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	state    state
	position proto.Position
	saved    proto.Position
	// torn: the state holds part of a batch, or facts of it that are not journaled: it must not be saved.
	torn bool
}

// state is what a snapshot holds.
type state struct {
	// NowUs is the largest received time or tick so far.
	NowUs   int64              `json:"now_us"`
	Sources map[string]*source `json:"sources"`
	Outages outages            `json:"outages,omitempty"`
	// Gap is a stretch in which nothing entered the journal, until a tick tells why.
	Gap outage `json:"gap,omitzero"`
	// OpenedAt is which opening of the journal ticked last.
	OpenedAt uint64 `json:"opened_at"`
}

// Open reads the snapshot.
func Open(cfg Config) (*Monitor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m := &Monitor{cfg: cfg, log: cfg.Logger.With(slog.String("component", "coverage")), metrics: newMetrics(cfg.Registerer)}
	m.state = state{Sources: map[string]*source{}}
	if cfg.Path == "" {
		return m, nil
	}
	position, err := snapshot.Read(cfg.Path, snapshotVersion, &m.state)
	switch {
	case errors.Is(err, snapshot.ErrUnusable):
		m.log.Warn("coverage snapshot is unusable, reading the whole journal", slog.Any("err", err))
		m.state = state{Sources: map[string]*source{}}
	case err != nil:
		return nil, fmt.Errorf("open coverage: %w", err)
	default:
		m.position, m.saved = position, position
	}
	if m.state.Sources == nil {
		m.state.Sources = map[string]*source{}
	}
	for name, s := range m.state.Sources {
		s.load(name)
		s.events = m.metrics.events.WithLabelValues(name)
		m.metrics.gapsOf(s)
	}
	return m, nil
}

// Run follows the journal until ctx ends or the journal fails, and leaves a snapshot behind. The end of ctx is no
// error. Call it once.
func (m *Monitor) Run(ctx context.Context) error {
	last, err := m.cfg.Last(ctx)
	if err != nil {
		return fmt.Errorf("run coverage: %w", err)
	}
	if m.position.Sequence() > last.Sequence() {
		m.log.WarnContext(ctx, "coverage snapshot is ahead of the journal, reading the whole journal")
		m.state, m.position, m.saved = state{Sources: map[string]*source{}}, 0, 0
	}
	err = m.cfg.Follow(ctx, m.position, m.apply)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	if !m.torn {
		err = errors.Join(err, m.save())
	}
	if err != nil {
		return fmt.Errorf("run coverage: %w", err)
	}
	return nil
}

func (m *Monitor) save() error {
	if m.cfg.Path == "" || m.position == m.saved {
		return nil
	}
	if err := snapshot.Write(m.cfg.Path, snapshotVersion, m.position, m.state); err != nil {
		return fmt.Errorf("save coverage: %w", err)
	}
	m.saved = m.position
	return nil
}

// apply folds one batch and journals what follows from it before the position moves: a crash in between only means that
// the batch is read again and its facts are duplicates.
func (m *Monitor) apply(ctx context.Context, b *proto.Batch) error {
	if b.Sequence() <= m.position.Sequence() {
		return nil
	}
	m.torn = true
	m.alive(b.Head.ReceivedUs)
	var facts []*v1.CoverageFact
	if b.Has(v1.Kind_KIND_ACCESS, v1.Kind_KIND_DEAD_LETTER, v1.Kind_KIND_TICK, v1.Kind_KIND_SOURCE) {
		items, err := b.Items()
		if err != nil {
			return fmt.Errorf("apply to coverage: %w", err)
		}
		for _, it := range items { // before any source is judged
			if tick := it.GetTick(); tick != nil {
				facts = m.ticked(facts, tick)
			}
		}
		for _, it := range items {
			facts = m.fold(facts, it, b.Head.ReceivedUs)
		}
	}
	if err := m.journal(ctx, facts); err != nil {
		return err
	}
	m.position, m.torn = proto.EndOf(b.Sequence()), false
	if b.Sequence()-m.saved.Sequence() >= snapshotEvery {
		if err := m.save(); err != nil {
			// The snapshot is a cache: without it only the next start is slower.
			m.log.ErrorContext(ctx, "coverage snapshot cannot be written", slog.Any("err", err))
		}
	}
	return nil
}

// journal appends facts, as often as it takes.
func (m *Monitor) journal(ctx context.Context, facts []*v1.CoverageFact) error {
	if len(facts) == 0 {
		return nil
	}
	entries := make([]ingest.Entry, len(facts))
	for i, f := range facts {
		var err error
		if entries[i], err = entry(f); err != nil {
			return err
		}
	}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		_, err := m.cfg.Append.Append(ctx, entries, ingest.Options{Reserved: true})
		if err == nil {
			break
		}
		if !errors.Is(err, ingest.ErrBusy) {
			return fmt.Errorf("journal coverage facts: %w", err)
		}
		m.log.WarnContext(ctx, "coverage facts wait for the journal", slog.Int("facts", len(facts)), slog.Any("err", err))
		select {
		case <-ctx.Done():
			return fmt.Errorf("journal coverage facts: %w", context.Cause(ctx))
		case <-time.After(pause):
		}
	}
	for _, f := range facts {
		m.log.InfoContext(ctx, "coverage changed", slog.String("source", f.Source), slog.String("kind", f.Kind.String()),
			slog.Bool("open", f.UntilUs == 0), slog.Int64("amount", f.Amount))
	}
	return nil
}

// entry gives a fact its id: source, kind, where it begins, and whether it is over.
func entry(f *v1.CoverageFact) (ingest.Entry, error) {
	phase := "open"
	if f.UntilUs != 0 {
		phase = "closed"
	}
	if f.Kind == v1.CoverageFact_KIND_SEQUENCE_GAP && f.Amount == 0 {
		phase = "filled"
	}
	key := fmt.Sprintf("%s|%d|%s", f.Kind, f.FromUs, phase)
	if f.Kind == v1.CoverageFact_KIND_SEQUENCE_GAP {
		key = fmt.Sprintf("%s|%d", key, f.UntilUs)
	}
	id := proto.NewEventID(proto.EventIdentity{
		Source: f.Source, Observer: "readtrail coverage", Key: []byte(key), Recorded: time.UnixMicro(f.FromUs),
	})
	f.EventId = nil
	content, err := f.MarshalVT()
	if err != nil {
		return ingest.Entry{}, fmt.Errorf("marshal coverage fact: %w", err)
	}
	f.EventId = id.Bytes()
	return ingest.Entry{
		Item: &v1.Item{Body: &v1.Item_Coverage{Coverage: f}}, ID: id, Content: proto.HashContent(content), Source: f.Source,
	}, nil
}

// fold takes one item into the state and appends the facts that follow from it.
func (m *Monitor) fold(facts []*v1.CoverageFact, it *v1.Item, receivedUs int64) []*v1.CoverageFact {
	var s *source
	before := len(facts)
	switch body := it.Body.(type) {
	case *v1.Item_Access:
		s = m.source(body.Access.Source)
		s.events.Inc()
		facts = s.heard(facts, m.judge(), receivedUs, len(body.Access.ImportId) > 0)
		facts = s.event(facts, m.judge(), body.Access, receivedUs)
	case *v1.Item_DeadLetter:
		s = m.source(body.DeadLetter.Source)
		facts = s.heard(facts, m.judge(), receivedUs, len(body.DeadLetter.ImportId) > 0)
	case *v1.Item_Source:
		s = m.source(body.Source.Name)
		facts = s.registered(facts, body.Source, receivedUs)
	case *v1.Item_Tick:
		m.state.NowUs = max(m.state.NowUs, body.Tick.AtUs)
		for _, name := range slices.Sorted(maps.Keys(m.state.Sources)) {
			facts = m.state.Sources[name].tick(facts, m.judge(), m.state.NowUs)
			m.metrics.tick(m.state.Sources[name], m.state.NowUs)
		}
		return facts
	default:
		return facts
	}
	if len(facts) > before {
		m.metrics.gapsOf(s)
	}
	return facts
}

// judge is what silence is judged by.
type judge struct {
	Config
	outages outages
}

func (m *Monitor) judge() judge { return judge{m.cfg, m.state.Outages} }

func (m *Monitor) source(name string) *source {
	s, ok := m.state.Sources[name]
	if !ok {
		name = strings.Clone(name) // the batch's memory can go
		s = &source{}
		s.load(name)
		s.events = m.metrics.events.WithLabelValues(name)
		m.state.Sources[name] = s
	}
	return s
}
