package evaluation

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Config says what is evaluated and how.
type Config struct {
	// Dir is the dataset directory.
	Dir fs.FS
	// Zone of the site; nil: the one in which the events state their times.
	Zone  *time.Location
	Queue detectors.Queue
	// Queues are those of some sites; Queue is that of everything else.
	Queues detectors.SiteQueues
	Decode Decode
	// Custom are detectors that the site wrote.
	Custom []detectors.CustomDetector
	// Numbers are those that the site changed.
	Numbers detectors.Chosen
	// Exemptions are days on which detectors say nothing of some readers.
	Exemptions detectors.Exemptions
	// Alerts, when set, gets every alert as NDJSON.
	Alerts io.Writer
	// Progress is told what is done, in bytes or days of a step; nil is allowed.
	Progress func(step string, done, total int64)
	// Found is told of every finding, Judged of the verdict on every look, by AuditEvent.id, and Ranked of every alert with the
	// AuditEvent.ids that it cites; nil is allowed.
	Found  func(detectors.Finding, *facts.State)
	Judged func(event string, a *detectors.Access, v detectors.Verdict, why, by string)
	Ranked func(a *detectors.Alert, events []string)
	// Clock measures the speed.
	Clock func() time.Time
}

// run is one evaluation.
type run struct {
	cfg    Config
	files  files
	engine *detectors.Engine
	state  *facts.State
	report Report
	// tally and shown, by queue, are what came out; out is where alerts are written.
	tally detectors.Tally
	shown map[string]int
	out   *bufio.Writer
	// ids are the events' AuditEvent.id, by number; numbers stand in positions.
	ids []string
	// seen are the events so far, by id and content, so that one that comes twice is judged once, as the journal stores it once.
	seen   map[seenKey]struct{}
	labels *LabelReport
	// looks of labelled and of other accesses, and those of them that were called explained.
	misuse, misuseExplained, other, otherExplained uint64
}

// seenKey is half of an event's id (its payload) and what the journal keeps of the hash of its content.
type seenKey [8 + proto.ContentCheckSize]byte

// Run evaluates a dataset directory.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	r := &run{cfg: cfg, seen: map[seenKey]struct{}{}, shown: map[string]int{}}
	if r.cfg.Progress == nil {
		r.cfg.Progress = func(string, int64, int64) {}
	}
	var err error
	if r.files, err = find(cfg.Dir); err != nil {
		return nil, err
	}
	if r.cfg.Zone == nil {
		total, done := sizes(cfg.Dir, r.files.events), int64(0)
		if r.cfg.Zone, err = zoneOf(cfg.Dir, r.files.events, func(n int) {
			done += int64(n)
			r.cfg.Progress("zone", done, total)
		}); err != nil {
			return nil, err
		}
		r.cfg.Progress("zone", total, total) // the last events need not be looked at
	}
	if r.files.labels != "" {
		labels, err := readLabels(cfg.Dir, r.files.labels)
		if err != nil {
			return nil, err
		}
		if labels != nil {
			r.labels = newLabelReport(labels)
		}
	}
	settings := detectors.Settings{Queue: cfg.Queue, Queues: cfg.Queues, Custom: cfg.Custom, Numbers: cfg.Numbers, Exemptions: cfg.Exemptions}
	r.engine, err = detectors.NewEngine(detectors.EngineConfig{Zone: r.cfg.Zone, Standing: &settings, Observer: r.observer()})
	if err != nil {
		return nil, fmt.Errorf("prepare detectors: %w", err)
	}
	r.state = r.engine.State()
	began := cfg.Clock()
	if err := r.mark(ctx, v1.ImportMark_PHASE_BEGIN); err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	r.seen = nil // what judging needs more
	read := cfg.Clock()
	if err := r.judge(ctx); err != nil {
		return nil, err
	}
	end := cfg.Clock()
	r.report.EventsPerSecond = float64(r.report.Events) / max(end.Sub(began).Seconds(), 1e-6)
	r.report.JudgedPerSecond = float64(r.report.Events) / max(end.Sub(read).Seconds(), 1e-6)
	r.report.PeakRSS = peakRSS()
	return &r.report, nil
}

// mark begins or ends the import.
func (r *run) mark(ctx context.Context, phase v1.ImportMark_Phase) error {
	mark := &v1.ImportMark{ImportId: []byte(importID), Phase: phase, Backfill: true}
	return r.take(ctx, r.at(), &v1.Item{Body: &v1.Item_ImportMark{ImportMark: mark}}, nil)
}

// at is the position of the next event.
func (r *run) at() proto.Position {
	return proto.At(uint64(len(r.ids)/proto.MaxBatchItems)+1, len(r.ids)%proto.MaxBatchItems)
}

func (r *run) take(ctx context.Context, at proto.Position, item *v1.Item, free *v1.FreeText) error {
	err := r.engine.Take(ctx, detectors.Entry{At: at, Item: item, Free: func() *v1.FreeText { return free }})
	if err != nil {
		return fmt.Errorf("judge: %w", err)
	}
	return nil
}

// fact takes an item of a context file. One that cannot be read is counted with the dead letters.
func (r *run) fact(ctx context.Context, item *v1.Item, free *v1.FreeText) error {
	if item.GetContext() == nil {
		if item.GetAccess() != nil {
			return r.event(ctx, item, free)
		}
		r.report.DeadLetters++
		return nil
	}
	before := r.engine.Faults()
	if err := r.take(ctx, r.at(), item, nil); err != nil {
		return err
	}
	r.report.DeadLetters += r.engine.Faults() - before
	return nil
}

// event takes an item of an AuditEvent file.
func (r *run) event(ctx context.Context, item *v1.Item, free *v1.FreeText) error {
	e := item.GetAccess()
	if e == nil {
		r.report.DeadLetters++
		return nil
	}
	again, err := r.again(item)
	if err != nil {
		return err
	}
	if again {
		r.report.Duplicates++
		return nil
	}
	if r.labels != nil {
		r.labels.seen(e.SourceEventId)
	}
	at := r.at()
	r.ids = append(r.ids, string([]byte(e.SourceEventId)))
	e.ImportId = []byte(importID)
	r.report.Events++
	return r.take(ctx, at, item, free)
}

// again reports whether the event came before: the same id with the same content. The same id with other content is a conflict, of which
// both are kept. Items that carry no hash of their content are all taken.
func (r *run) again(item *v1.Item) (bool, error) {
	if len(item.GetContent()) != proto.ContentCheckSize {
		return false, nil
	}
	id, err := proto.ItemID(item)
	if err != nil {
		return false, fmt.Errorf("read event: %w", err)
	}
	var key seenKey
	copy(key[:8], id[4:])
	copy(key[8:], item.Content)
	if _, ok := r.seen[key]; ok {
		return true, nil
	}
	r.seen[key] = struct{}{}
	return false, nil
}

// id is the AuditEvent.id of a position.
func (r *run) id(at proto.Position) string {
	return r.ids[(at.Sequence()-1)*proto.MaxBatchItems+uint64(at.Index())]
}

// observer collects what the report is made of.
func (r *run) observer() detectors.Observer {
	o := detectors.Observer{
		Progress: func(done, total int) { r.cfg.Progress("days", int64(done), int64(total)) },
		Judged:   r.judged, Queue: r.queue,
		Studied: func(t detectors.Tally) { r.tally = t },
	}
	if r.cfg.Found != nil {
		o.Found = func(f detectors.Finding) { r.cfg.Found(f, r.state) }
	}
	if r.cfg.Alerts != nil {
		r.out = bufio.NewWriterSize(r.cfg.Alerts, 1<<20)
	}
	return o
}

// queue takes the queue of a day.
func (r *run) queue(day int32, queue []detectors.Alert) error {
	for i := range queue {
		a := &queue[i]
		if a.Shown {
			r.shown[a.Queue]++
		}
		r.report.Candidates++
		if err := r.alert(r.out, day, a); err != nil {
			return err
		}
	}
	return nil
}

// judge ends the import, which has all of it judged.
func (r *run) judge(ctx context.Context) error {
	r.tally.Missing = r.engine.Missing()
	if err := r.mark(ctx, v1.ImportMark_PHASE_END); err != nil {
		return err
	}
	if r.out != nil {
		if err := r.out.Flush(); err != nil {
			return fmt.Errorf("write alerts: %w", err)
		}
	}
	r.fill(r.tally)
	return nil
}

// judged counts verdicts on labelled and other looks.
func (r *run) judged(a *detectors.Access, v detectors.Verdict, why, by string) {
	if r.cfg.Judged != nil {
		r.cfg.Judged(r.id(a.Position), a, v, why, by)
	}
	if r.labels == nil {
		return
	}
	of := r.labels.of[r.id(a.Position)]
	labelled := len(of) > 0
	switch explained := v == detectors.Explained; {
	case labelled && explained:
		r.misuseExplained++
		if r.report.MisuseExplainedBy == nil {
			r.report.MisuseExplainedBy = map[string]map[string]uint64{}
		}
		scenario := of[0].scenario
		if r.report.MisuseExplainedBy[scenario] == nil {
			r.report.MisuseExplainedBy[scenario] = map[string]uint64{}
		}
		r.report.MisuseExplainedBy[scenario][why]++
		fallthrough
	case labelled:
		r.misuse++
	case explained:
		r.otherExplained++
		fallthrough
	default:
		r.other++
	}
}

func (r *run) fill(t detectors.Tally) {
	share := func(a, b uint64) float64 { return float64(a) / float64(max(b, 1)) }
	out := &r.report
	out.Accesses, out.Days, out.Zone = t.Accesses, t.Days, r.cfg.Zone.String()
	out.ExplainedShare, out.UnexplainedShare = share(t.Explained, t.Looks), share(t.Unexplained, t.Looks)
	out.NotAssessableShare = share(t.Blind, t.Looks)
	out.Reasons, out.Findings = t.ReasonCounts(), t.Findings
	out.Blind, out.Faults = t.Missing.List(), t.Faults
	out.Abstain, out.Absent = detectors.Abstain(t.Missing), r.engine.Absent()
	out.Exemptions = r.engine.HeldBack()
	if out.Findings == nil {
		out.Findings = map[string]uint64{}
	}
	out.ByScenario = map[string]float64{}
	out.Budget = r.cfg.Queue.Budget
	shown := 0
	for _, n := range r.shown {
		shown += n
	}
	out.AlertsPerDay = float64(shown) / float64(max(t.Days, 1))
	if len(r.cfg.Queues) > 0 {
		for _, q := range r.cfg.Queues {
			out.Queues = append(out.Queues, QueueReport{q.Name, q.Budget, r.shown[q.Name]})
		}
		out.Queues = append(out.Queues, QueueReport{"", out.Budget, r.shown[""]})
	}
	if r.labels == nil {
		return
	}
	r.labels.fill(out)
	misuse, legitimate := share(r.misuseExplained, r.misuse), share(r.otherExplained, r.other)
	out.MisuseExplained, out.LegitimateExplained = &misuse, &legitimate
}

// line is an alert as --alerts writes it.
type line struct {
	Day string `json:"day"`
	// Queue is that in which it stands, where there are queues of sites; "" is that of everything else.
	Queue     *string  `json:"queue,omitempty"`
	Rank      int      `json:"rank"`
	Score     int32    `json:"score"`
	Chance    float64  `json:"chance"`
	Shape     string   `json:"shape"`
	Shown     bool     `json:"shown"`
	Scenario  string   `json:"scenario"`
	Readers   []string `json:"readers"`
	Patients  []string `json:"patients"`
	Events    []string `json:"events"`
	Detectors []string `json:"detectors"`
	// Explanation is the note, for people.
	Explanation string `json:"explanation"`
}

func (r *run) alert(out *bufio.Writer, day int32, a *detectors.Alert) error {
	events, ofDay := make([]string, 0, len(a.Accesses)), make([]string, 0, len(a.Accesses))
	last := proto.Position(0)
	for _, c := range a.Accesses {
		if c.Position != last { // an event of several patients is cited once
			if id := r.id(c.Position); id != "" { // not every source gives one
				events = append(events, id)
				if r.day(c.Occurred) == day {
					ofDay = append(ofDay, id)
				}
			}
		}
		last = c.Position
	}
	if r.labels != nil {
		r.labels.alert(events, ofDay, int32(a.Score), a.Shown)
	}
	if r.cfg.Ranked != nil {
		r.cfg.Ranked(a, events)
	}
	if out == nil {
		return nil
	}
	l := line{
		Day: time.Unix(int64(day)*86_400, 0).UTC().Format(time.DateOnly), Rank: a.Rank, Score: int32(a.Score), Shape: a.Shape.String(),
		Chance: float64(a.Chance()) / 1000, Shown: a.Shown, Scenario: a.Scenario, Events: events,
		Readers: []string{}, Patients: []string{}, Detectors: []string{},
	}
	for _, id := range a.Readers {
		l.Readers = append(l.Readers, name(r.state.StaffIdentifier(id)))
	}
	for _, id := range a.Patients {
		l.Patients = append(l.Patients, name(r.state.Identifier(id)))
	}
	for _, f := range a.Fired {
		l.Detectors = append(l.Detectors, f.Scale.Name)
	}
	if len(r.cfg.Queues) > 0 {
		l.Queue = &a.Queue
	}
	l.Explanation = a.Note.String()
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	if _, err := out.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}

// day is the local day of a time: days since 1970-01-01.
func (r *run) day(us int64) int32 {
	y, m, d := time.UnixMicro(us).In(r.cfg.Zone).Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

// name is an identifier as people give it: its value.
func name(id *v1.Identifier) string { return id.GetValue() }

// peakRSS is the largest resident memory of this process, where the system tells.
func peakRSS() uint64 {
	if text, err := os.ReadFile("/proc/self/status"); err == nil {
		if n, ok := highWater(string(text)); ok {
			return n
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
