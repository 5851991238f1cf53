package detectors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goproto "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// EngineConfig is what an engine needs beside the journal.
type EngineConfig struct {
	// Zone is the site's: days are local. Required. It does not change over the life of a journal.
	Zone *time.Location
	// Parse reads a rule set of the journal. Required unless Standing.
	Parse func(*v1.RuleSet) (Settings, error)
	// Standing are settings that are in force from the beginning, for an evaluation that has no journal; nil: nothing is judged
	// before the journal's first rule set.
	Standing *Settings
	// AlertKey is what ids of alerts are made with, so that nobody who sees one can find out by trying whom it is about, and what the random
	// sample is drawn with, so that nobody can tell beforehand. The same key gives the same ids and the same sample at every replay. Empty: ids follow from people alone, as an evaluation of a directory may have them.
	AlertKey []byte
	// FreeText opens what people typed when they broke the glass; nil, or what cannot be opened, counts as no text. It is asked
	// for no other event.
	FreeText func(b *proto.Batch, item int) *v1.FreeText
	// Hands are how many work on the units of a day at the same time. What comes out is the same for any number. Default 1.
	Hands int
	// Dir is where days wait that do not fit in memory; "": all of them are held in memory.
	Dir string
	// HeldInMemory is how many accesses of the learning period, or of an import, are held in memory. Default 250,000, 20 MB: a
	// study reads each day that waits in a file six times, in order, which costs little.
	HeldInMemory int
	// Limits bound what is remembered.
	Limits Limits
	// Chance has pairs at random graded too, for the scorecard; it costs an eighth more.
	Chance bool
	// Observer is told what an evaluation wants to know.
	Observer Observer
}

// Limits bound what an engine remembers. What is pushed out is counted in Stats.
type Limits struct {
	// Readers of whom it is known what is usual; those who were not seen for the longest time go first. Default 200,000.
	Readers int
	// Histories are pairs with a day without a reason. Default 2 million.
	Histories int
	// Known are alerts by whose decisions somebody can still become a repeat offender. Default 200,000.
	Known int
	// Kept are accesses of candidates that a late fact may still explain. Default 1 million, 80 MB.
	Kept int
	// Addresses are network addresses of which it is known who comes from them, and the networks that they are in, each. Default 200,000.
	Addresses int
	// Episodes are records without a reason that a series may tell. Default 500,000.
	Episodes int
	// Revisable are accesses of judged days without a reason, which a late fact may explain; they wait in files. Default 8 million, 624 MB.
	Revisable int
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{{&l.Readers, 200_000}, {&l.Histories, 2_000_000}, {&l.Known, 200_000}, {&l.Kept, 1_000_000}, {&l.Addresses, 200_000}, {&l.Episodes, 500_000}, {&l.Revisable, 8_000_000}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return l
}

// Observer is told more than the streams hold. All of it may be nil.
type Observer struct {
	// Judged is told the verdict on every look of a study, Found of every grade above quiet.
	Judged func(a *Access, v Verdict, why, by string)
	Found  func(Finding)
	// Queue is told each queue as it is ranked.
	Queue func(day int32, queue []Alert) error
	// Progress is told how many of the passes over the days of a study are done.
	Progress func(done, total int)
	// Studied is told what a study counted.
	Studied func(Tally)
}

// Output is one message of a stream: one of both.
type Output struct {
	Findings *v1.Findings
	Alert    *v1.AlertVersion
}

// Entry is one item of the journal.
type Entry struct {
	At proto.Position
	// Received is when the journal had it, in microseconds.
	Received int64
	Item     *v1.Item
	// Free opens what people typed; nil: nothing can be opened.
	Free func() *v1.FreeText
}

// Engine judges what stands in a journal. It is a deterministic function of the entries it was given, in order: it reads no clock,
// and the same entries give the same outputs, to the byte, for any number of hands, and when it was restored from a snapshot on the
// way. One goroutine uses it. After an error of Apply it is not usable any more.
type Engine struct {
	cfg   EngineConfig
	state *facts.State
	judge *judge
	// book holds the days that are not closed; wroteThen is what was written on the days closed last.
	book      *Book
	wroteThen map[day]map[pairKey]struct{}
	spill     *spill

	settings Settings
	queues   queues
	// rules is the rule set in force, ruleSet its hash.
	rules   *v1.RuleSet
	ruleSet []byte
	// inForce: there is a rule set. learning: no day was judged yet.
	inForce, learning bool
	lessons           *lessons
	// taught counts the closed days that taught, latest is the latest of them; every fadeDays of them, what is counted fades.
	taught int
	latest day
	// cameLate are the pairs of which something came late of a day that taught, once they are counted.
	cameLate map[day]map[pairKey]struct{}
	// heldBack are the readers' days that are counted as held back; as Stats, it is no part of a snapshot.
	heldBack map[heldBackDay]bool

	// known counts the facts taken, so that what was looked up before one is looked up again.
	known uint64
	// position is the last entry's, clock the largest tick.
	position proto.Position
	clock    int64
	// through is the latest closed day.
	through day
	checked int64

	imports map[string]*importing
	sources map[string]systems
	context contextAges
	gaps    map[Needs]gapState
	recent  recents
	revise  revisable
	hard    hardSigns
	past    outcomes
	// series are the episodes of live days, imported those of the import that is judged.
	series, imported episodes

	out   emitter
	stats Stats
}

// importing is an import that has begun and not ended.
type importing struct {
	id       string
	backfill bool
	// ended: it waits for the first rule set.
	ended bool
	book  *Book
	// last is the journal's clock at its last event.
	last int64
}

// systems are a source's assigning systems of bare numbers.
type systems struct{ patient, reader string }

// NewEngine returns an engine that has read nothing.
func NewEngine(cfg EngineConfig) (*Engine, error) {
	if cfg.Zone == nil {
		return nil, errors.New("make engine: zone: required")
	}
	if cfg.Standing == nil && cfg.Parse == nil {
		return nil, errors.New("make engine: parse: required to read the journal's rule sets")
	}
	if cfg.HeldInMemory == 0 {
		cfg.HeldInMemory = 250_000
	}
	cfg.Limits = cfg.Limits.withDefaults()
	e := &Engine{
		cfg: cfg, wroteThen: map[day]map[pairKey]struct{}{}, cameLate: map[day]map[pairKey]struct{}{}, heldBack: map[heldBackDay]bool{}, learning: true, lessons: newLessons(),
		imports: map[string]*importing{}, sources: map[string]systems{}, gaps: map[Needs]gapState{},
		recent: newRecents(), hard: newHardSigns(), past: newOutcomes(), series: newEpisodes(), imported: newEpisodes(), stats: newStats(),
	}
	if cfg.Dir != "" {
		e.spill = &spill{dir: cfg.Dir, fresh: map[string]struct{}{}}
	}
	var err error
	if e.state, err = facts.New(facts.Config{Zone: cfg.Zone, Systems: e.systemsOf}); err != nil {
		return nil, fmt.Errorf("make engine: %w", err)
	}
	e.state.Changes() // from now on
	e.book, e.revise = e.newBook("days"), e.newRevisable()
	e.settings = Settings{}.WithDefaults()
	if cfg.Standing != nil {
		if err := cfg.Standing.Validate(); err != nil {
			return nil, fmt.Errorf("make engine: %w", err)
		}
		e.settings, e.inForce = cfg.Standing.WithDefaults(), true
	}
	e.queues = e.settings.queues()
	e.judge = newJudge(e.config(), e.state)
	e.judge.wrote, e.judge.apart = e.wrote, true
	return e, nil
}

func (e *Engine) newBook(name string) *Book {
	b := NewBook(e.state, e.cfg.Zone)
	b.spill, b.name = e.spill, name
	return b
}

// config is what the judge works by.
func (e *Engine) config() Config {
	return Config{
		Zone: e.cfg.Zone, Queue: e.settings.Queue, Custom: e.settings.Custom, Weights: e.settings.Weights, Numbers: e.settings.Numbers,
		Exemptions: e.settings.Exemptions, Hands: e.cfg.Hands,
	}
}

func (e *Engine) systemsOf(source string) (patient, reader string) {
	s := e.sources[source]
	return s.patient, s.reader
}

// State is what is known of people and care; read it only.
func (e *Engine) State() *facts.State { return e.state }

// Position is that of the last entry taken.
func (e *Engine) Position() proto.Position { return e.position }

// read are the kinds of items that an engine reads.
var readKinds = []v1.Kind{
	v1.Kind_KIND_ACCESS, v1.Kind_KIND_CONTEXT, v1.Kind_KIND_TICK, v1.Kind_KIND_IMPORT_MARK, v1.Kind_KIND_SOURCE, v1.Kind_KIND_RULE_SET,
	v1.Kind_KIND_ALERT_DECISION, v1.Kind_KIND_CONTEXT_GAP, v1.Kind_KIND_QUESTION,
}

// Apply takes in a batch and hands over what comes of it, in order.
func (e *Engine) Apply(ctx context.Context, b *proto.Batch, out func(Output) error) error {
	e.out.to(out)
	if b.Has(readKinds...) {
		items, err := b.Items()
		if err != nil {
			return fmt.Errorf("read batch: %w", err)
		}
		for i, item := range items {
			entry := Entry{At: b.Position(i), Received: b.Head.ReceivedUs, Item: item}
			if e.cfg.FreeText != nil {
				entry.Free = func() *v1.FreeText { return e.cfg.FreeText(b, i) }
			}
			if err := e.take(ctx, &entry); err != nil {
				return err
			}
		}
	}
	e.position = b.Position(b.Count() - 1)
	if err := e.judgeHard(b.Head.ReceivedUs); err != nil {
		return err
	}
	return e.out.end()
}

// Take takes in one entry, for an evaluation that has no batches.
func (e *Engine) Take(ctx context.Context, entry Entry) error {
	e.out.to(nil)
	if err := e.take(ctx, &entry); err != nil {
		return err
	}
	e.hard.patients, e.hard.staff = e.hard.patients[:0], e.hard.staff[:0] // nothing is looked at as it comes
	return e.out.end()
}

func (e *Engine) take(ctx context.Context, entry *Entry) error {
	e.position = entry.At
	switch body := entry.Item.GetBody().(type) {
	case *v1.Item_Access:
		return e.access(entry, body.Access)
	case *v1.Item_Question:
		// Whoever looks through Readtrail is a reader like any other. What shows no record is for no detector.
		if look := proto.QuestionEvent(body.Question); len(look.GetPatients()) > 0 {
			return e.access(entry, look)
		}
	case *v1.Item_Context:
		e.fact(entry, body.Context)
	case *v1.Item_Tick:
		return e.tick(ctx, entry, body.Tick.GetAtUs())
	case *v1.Item_ImportMark:
		return e.mark(ctx, entry, body.ImportMark)
	case *v1.Item_Source:
		e.sources[strings.Clone(body.Source.GetName())] = systems{
			strings.Clone(body.Source.GetPatientSystem()), strings.Clone(body.Source.GetReaderSystem()),
		}
	case *v1.Item_RuleSet:
		e.useRuleSet(body.RuleSet)
	case *v1.Item_AlertDecision:
		e.past.decide(body.AlertDecision, e.today())
		e.decided(body.AlertDecision)
	case *v1.Item_ContextGap:
		e.journaledGap(body.ContextGap)
	}
	return nil
}

// access writes an event into the book of its day: the import's, where it is a backfill.
func (e *Engine) access(entry *Entry, event *v1.AccessEvent) error {
	var free *v1.FreeText
	if event.GetBreakGlass() && entry.Free != nil {
		free = entry.Free()
	}
	e.stats.Events++
	book := e.book
	if len(event.GetImportId()) > 0 {
		if im := e.imports[string(event.GetImportId())]; im != nil && im.backfill {
			im.last, book = e.clock, im.book
		}
	}
	book.scratch = book.view.view(book.scratch[:0], entry.At, entry.Received, event, free)
	for i := range book.scratch {
		e.stats.Accesses++
		a := &book.scratch[i]
		p := book.put(a)
		if a.Any(SignWrite) && a.Patient != 0 {
			e.changed([]facts.ID{a.Patient}, nil) // work on a record explains looks at it
		}
		if book == e.book {
			e.watch(p, len(p.accesses)-1)
		}
	}
	if book.number%4096 == 0 && e.spill != nil {
		return e.keepSmall(book)
	}
	return nil
}

// keepSmall moves days that wait to be judged into files when there are too many accesses in memory.
func (e *Engine) keepSmall(book *Book) error {
	if book == e.book && !e.learning {
		return nil // a day or two, which are closed soon
	}
	if book.inMemory() < e.cfg.HeldInMemory {
		return nil
	}
	for _, d := range book.days() {
		p := book.pages[d]
		if len(p.accesses) == 0 || book == e.book && !e.over(d) {
			continue // it is looked at for hard signs
		}
		if err := e.spill.write(book.name, p); err != nil {
			return err
		}
	}
	return nil
}

// fact takes in context. What cannot be read changes nothing.
func (e *Engine) fact(entry *Entry, f *v1.ContextFact) {
	if err := e.state.Apply(f); err != nil {
		e.stats.Faults++
		return
	}
	e.stats.Facts++
	e.known++
	patients, staff := e.state.Changes()
	e.changed(patients, staff)
	e.watchFact(f.GetResourceType(), patients, staff)
	e.context.seen(f.GetResourceType(), entry.Received)
}

// mark begins or ends an import. The events of a backfill are judged at its end.
func (e *Engine) mark(ctx context.Context, entry *Entry, m *v1.ImportMark) error {
	id := string(m.GetImportId())
	switch m.GetPhase() {
	case v1.ImportMark_PHASE_BEGIN:
		if e.imports[id] == nil && m.GetBackfill() {
			e.imports[id] = &importing{id: id, backfill: true, book: e.newBook(fmt.Sprintf("import-%x", id)), last: e.clock}
		}
	case v1.ImportMark_PHASE_END:
		if im := e.imports[id]; im != nil {
			return e.endImport(ctx, entry, im)
		}
	}
	return nil
}

// useRuleSet puts a rule set in force. One that cannot be read leaves the one before in force.
func (e *Engine) useRuleSet(rs *v1.RuleSet) {
	if e.cfg.Parse == nil {
		return
	}
	settings, err := e.cfg.Parse(rs)
	if err == nil {
		err = settings.Validate()
	}
	if err != nil {
		e.stats.BadRuleSets++
		e.stats.BadRuleSet = err.Error()
		return
	}
	first := !e.inForce
	e.settings, e.inForce = settings.WithDefaults(), true
	e.queues = e.settings.queues()
	e.rules = goproto.CloneOf(rs) // an item's texts keep its neighbours in memory
	e.ruleSet = e.rules.Hash
	before := e.judge.dets.customs.names()
	e.judge.workBy(e.config())
	e.judge.forgetCustom(before)
	if first {
		e.watchBegun()
	}
}

// RuleSet is the hash of the rule set in force; nil: there is none.
func (e *Engine) RuleSet() []byte { return e.ruleSet }

// today is the local day of the clock.
func (e *Engine) today() day {
	if e.clock == 0 {
		return 0
	}
	return localDay(e.clock, e.cfg.Zone)
}

// wrote reports whether a reader worked on a record on a day, as far as days are remembered.
func (e *Engine) wrote(d day, key pairKey) bool {
	if e.book.wrote(d, key) {
		return true
	}
	_, ok := e.wroteThen[d][key]
	return ok
}
