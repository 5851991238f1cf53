package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// What the generated years are made of: a pattern of really imported events, repeated with other people and times.
const (
	// repetitions of the pattern fill ten years; a patient comes again in every fifth of them, a reader stays for a
	// quarter of them.
	repetitions, fewRepetitions = 100, 5
	visits, terms               = 5, 4
	// fewRows is below which the pattern repeats seldom, so that it does not get too small.
	fewRows = 1_000_000
	// perMessage is how many generated events share a message of the journal.
	perMessage = 4096
)

// plan is what is generated, and what of it is needed later.
type plan struct {
	Rows        int   `json:"rows"`
	Repetitions int   `json:"repetitions"`
	Pattern     int   `json:"pattern"`
	Slots       int   `json:"slots"`
	Generations int   `json:"generations"`
	Events      int64 `json:"events"`
	// Parts of the path table by patient, of which Late were received late and are not merged.
	Parts int `json:"parts"`
	Late  int `json:"late"`
	// Inserting is how long the inserts into the path tables took.
	Inserting time.Duration `json:"inserting"`
}

func newPlan(rows, late int) plan {
	p := plan{Rows: rows, Repetitions: repetitions, Late: late}
	if rows < fewRows {
		p.Repetitions = fewRepetitions
	}
	p.Pattern = rows / p.Repetitions
	p.Slots, p.Generations = p.Repetitions/visits, min(terms, p.Repetitions)
	return p
}

// populated returns a population and an engine that runs on it, which the caller closes.
func (b *bench) populated(ctx context.Context, rows int) (home string, p plan, e *engine, err error) {
	if home, p, err = b.population(ctx, rows, b.size.lates); err == nil {
		e, err = openEngine(ctx, b.binary, home)
	}
	return home, p, e, err
}

// population returns a data directory whose tables hold so many accesses over ten years, the newest in late parts that
// are not merged, and whose journal is as long as that. With kept data it only reads what they are.
func (b *bench) population(ctx context.Context, rows, late int) (home string, p plan, err error) {
	home, p = filepath.Join(b.dir, fmt.Sprintf("years-%d", rows)), newPlan(rows, late)
	note := filepath.Join(home, "plan.json")
	if text, err := os.ReadFile(note); err == nil {
		if err := json.Unmarshal(text, &p); err != nil {
			return "", p, fmt.Errorf("read kept data: %w", err)
		}
		b.say("going on with %s events in %s", number(float64(p.Events)), home)
		return home, p, nil
	}
	if err := os.RemoveAll(home); err != nil {
		return "", p, fmt.Errorf("clear %s: %w", home, err)
	}
	b.shared = append(b.shared, home)
	first, err := b.importPattern(ctx, home, p)
	if err != nil {
		return "", p, err
	}
	if err := b.generate(ctx, home, first, &p); err != nil {
		return "", p, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", p, fmt.Errorf("note what was generated: %w", err)
	}
	if err := os.WriteFile(note, text, 0o600); err != nil {
		return "", p, fmt.Errorf("note what was generated: %w", err)
	}
	return home, p, nil
}

// importPattern imports the events whose pattern is repeated: consecutive days of a hospital that would cause the wanted
// number in ten years. It returns the journal's next sequence.
func (b *bench) importPattern(ctx context.Context, home string, p plan) (first uint64, err error) {
	h, err := newHospital(max(p.Rows/(years*365*perHead), 150))
	if err != nil {
		return 0, err
	}
	days := make([]int, years*365/p.Repetitions+14) // two weeks more than the average needs
	for i := range days {
		days[i] = i
	}
	data, err := writeDataset(ctx, filepath.Join(home, "events"), h, days, p.Pattern)
	if err != nil {
		return 0, err
	}
	b.say("importing a pattern of %s events", number(float64(data.events)))
	s, err := startServer(ctx, b.binary, home, "")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := s.registerSources(ctx); err != nil {
		return 0, err
	}
	for _, f := range data.files {
		if f.events == 0 {
			continue
		}
		if err := s.importFile(ctx, f.source, f.path, nil, f.events); err != nil {
			return 0, err
		}
	}
	if _, _, err := s.awaitProjected(ctx); err != nil {
		return 0, err
	}
	if err := os.RemoveAll(filepath.Join(home, "events")); err != nil {
		return 0, fmt.Errorf("remove events: %w", err)
	}
	at, err := s.status(ctx)
	// A tick or two may follow until the server has stopped.
	return at.journal.Sequence() + 100, err
}

// generate repeats the pattern in the engine and brings the journal to the same length.
func (b *bench) generate(ctx context.Context, home string, first uint64, p *plan) (err error) {
	e, err := openEngine(ctx, b.binary, home)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	if err := projections.Unfence(ctx, e.Store, 1); err != nil {
		return fmt.Errorf("prepare tables: %w", err)
	}
	if err := e.exec(ctx, "seed", nil); err != nil {
		return err
	}
	var events uint64
	var from, until int64
	err = e.Query(ctx, statement("pattern"), nil, func(row store.Row) error { return row.Scan(&events, &from, &until) })
	if err != nil {
		return fmt.Errorf("read pattern: %w", err)
	}
	g := generator{bench: b, engine: e, plan: p, events: events, from: from, first: first, now: time.Now().UnixMicro()}
	if err := g.all(ctx); err != nil {
		return err
	}
	head, err := lengthenJournal(ctx, home, first+g.total()/perMessage+1)
	if err != nil {
		return err
	}
	params := store.Params{"position": uint64(proto.EndOf(head)), "received": time.Now().UnixMicro()}
	if err := e.exec(ctx, "watermarks", params); err != nil {
		return err
	}
	if err := e.exec(ctx, "forget", nil); err != nil {
		return err
	}
	n, err := e.one(ctx, "events")
	if err != nil {
		return err
	}
	parts, err := e.one(ctx, "parts")
	p.Events, p.Parts, p.Inserting = int64(n), int(parts), g.inserting
	return err
}

// generator knows the pattern and where it is repeated to.
type generator struct {
	bench     *bench
	engine    *engine
	plan      *plan
	events    uint64 // in the pattern
	from      int64  // its first time, microseconds
	first     uint64 // the first generated message
	now       int64
	inserting time.Duration
}

// decadeMicros is ten years.
const decadeMicros = int64(years*365) * 24 * 3600 * 1e6

// total is how many events there are with the late ones.
func (g *generator) total() uint64 { return uint64(g.plan.Repetitions+1) * g.events }

func (g *generator) all(ctx context.Context) error {
	n := g.plan.Repetitions
	step := decadeMicros / int64(n)
	since := g.now - decadeMicros
	pace := float64(step) / float64(g.events)
	began := time.Now()
	for k := range n {
		err := g.repeat(ctx, store.Params{
			"k": uint32(k), "slot": uint32(k % g.plan.Slots), "generation": uint32(k * g.plan.Generations / n),
			"first_n": uint64(k) * g.events, "first_sequence": g.first, "every": uint32(1), "remainder": uint32(0),
			"shift": since + int64(k)*step - g.from, "scatter": uint64(0), "since": since, "received": since, "pace": pace,
		})
		if err != nil {
			return err
		}
		if k%10 == 9 {
			g.bench.say("%d of %d repetitions, %s rows/s", k+1, n, number(float64(uint64(k+1)*g.events)/time.Since(began).Seconds()))
		}
	}
	params := store.Params{
		"slots": uint32(g.plan.Slots), "generations": uint32(g.plan.Generations), "first_sequence": g.first,
		"per_slot": g.events, "per_generation": g.events * uint64(n/g.plan.Generations),
	}
	if err := g.engine.exec(ctx, "identities", params); err != nil {
		return err
	}
	// What a running system merges at leisure: a quarter of an hour is enough for what matters here.
	if err := g.engine.settle(ctx, 15*time.Minute); err != nil {
		return err
	}
	if err := g.mergeYears(ctx); err != nil {
		return err
	}
	if err := g.engine.exec(ctx, "unmerged", nil); err != nil {
		return err
	}
	late := uint32(g.plan.Late)
	for j := range late {
		k := uint32(n) + j
		err := g.repeat(ctx, store.Params{
			"k": k, "slot": k % uint32(g.plan.Slots), "generation": j % uint32(g.plan.Generations),
			"first_n": uint64(n)*g.events + uint64(j)*(g.events/uint64(late)+1)*uint64(1), "first_sequence": g.first, "every": late,
			"remainder": j, "shift": int64(0), "scatter": uint64(decadeMicros), "since": since, "received": g.now, "pace": 0.0,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mergeYears makes one part of each year of received times that is over, as the tables' settings do by themselves a day after the
// year's last row.
func (g *generator) mergeYears(ctx context.Context) error {
	years := []uint16{}
	err := g.engine.Query(ctx, statement("years"), store.Params{"now": g.now}, func(row store.Row) error {
		var year uint16
		err := row.Scan(&year)
		years = append(years, year)
		return err //nolint:wrapcheck // says what failed
	})
	if err != nil {
		return fmt.Errorf("list years: %w", err)
	}
	for _, year := range years {
		for text := range strings.SplitSeq(strings.ReplaceAll(statement("merge_year"), "YEAR", strconv.Itoa(int(year))), ";\n") {
			if err := g.engine.Exec(ctx, text, nil); err != nil {
				return fmt.Errorf("merge a year: %w", err)
			}
		}
	}
	return nil
}

// repeat inserts one repetition into all tables.
func (g *generator) repeat(ctx context.Context, params store.Params) error {
	if err := g.engine.exec(ctx, "replica_at", params); err != nil {
		return err
	}
	begin := time.Now()
	if err := g.engine.exec(ctx, "paths", nil); err != nil {
		return err
	}
	g.inserting += time.Since(begin)
	return g.engine.exec(ctx, "rollups", nil)
}

// lengthenJournal appends ticks until the stream has the sequence: the messages that the generated rows stand at exist,
// they only hold nothing that the tables would have to show. It returns the last sequence.
func lengthenJournal(ctx context.Context, home string, sequence uint64) (uint64, error) {
	j, err := journal.Open(ctx, journal.Config{Dir: filepath.Join(home, "data", "journal"), TickEvery: -1})
	if err != nil {
		return 0, fmt.Errorf("open journal: %w", err)
	}
	for err == nil && j.Head().Sequence() < sequence {
		tick := &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: time.Now().UnixMicro()}}}
		_, err = j.Append(ctx, []ingest.Entry{{Item: tick}}, ingest.Options{Reserved: true})
	}
	head := j.Head().Sequence()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := errors.Join(err, j.Close(closing)); err != nil {
		return 0, fmt.Errorf("lengthen journal: %w", err)
	}
	return head, nil
}
