package detect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// replay judges the journal again, from its beginning to where it ended when the replay began: by each of some rule sets, as if it
// had always been in force. It writes nothing.
type replay struct {
	journal  *journal.Journal
	alertKey []byte
	zone     *time.Location
	// dir is where days wait that do not fit in memory: a year's history does not. It is made, and removed at the end. held is how many
	// accesses of an engine are held in memory; 0: the engine's default.
	dir  string
	held int
	// progress is told how many batches are done.
	progress func(done, total uint64) error
	// chance has pairs at random graded too.
	chance bool
	// dispositions are how alerts were judged last.
	dispositions map[string]v1.Disposition
}

// replayed is what came out of one rule set.
type replayed struct {
	// alerts are the latest versions, by id; states, kept small: no names, no notes.
	alerts map[string]*judged
	stats  detectors.Stats
	// missing is the context that was absent or too old at the end.
	missing detectors.Needs
	// heldBack is what each exemption of the rule set held back.
	heldBack []detectors.HeldBack
}

// judged is an alert as it stands at the end.
type judged struct {
	id        proto.EventID
	day       int32
	scenario  string
	shape     v1.Shape
	shown     bool
	queue     string
	rank      uint32
	chance    uint32
	backfill  bool
	sampled   bool
	retracted bool
	detectors []string
	grades    map[string]uint32
	// cited are the accesses of an alert that is shown, rising.
	cited []uint64
}

// errReplayed ends the following.
var errReplayed = errors.New("journal was read")

// replaying is one rule set's engine, where its days wait, and what came out of it.
type replaying struct {
	engine *detectors.Engine
	dir    string
	out    *replayed
}

func (r *replay) begin(i int, rs *v1.RuleSet) (*replaying, error) {
	settings, err := ruleset.Parse(rs)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	one := &replaying{dir: filepath.Join(r.dir, strconv.Itoa(i)), out: &replayed{alerts: map[string]*judged{}}}
	if err := os.MkdirAll(one.dir, 0o700); err != nil {
		return nil, fmt.Errorf("replay: make directory: %w", err)
	}
	one.engine, err = detectors.NewEngine(detectors.EngineConfig{
		Zone: r.zone, Standing: &settings, FreeText: freeText, Chance: r.chance, AlertKey: r.alertKey, Dir: one.dir, HeldInMemory: r.held,
	})
	return one, err //nolint:wrapcheck // says what failed
}

// apply judges a batch, and removes the files of days that were judged: there is no snapshot that needs them.
func (p *replaying) apply(ctx context.Context, b *proto.Batch) error {
	if err := p.engine.Apply(ctx, b, p.out.take); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	for _, name := range p.engine.Unused() {
		if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
			return fmt.Errorf("remove a judged day: %w", err)
		}
	}
	return nil
}

func (r *replay) run(ctx context.Context, sets ...*v1.RuleSet) (out []*replayed, err error) {
	if err := os.RemoveAll(r.dir); err != nil { // a crash may have left it
		return nil, fmt.Errorf("replay: clear directory: %w", err)
	}
	defer func() {
		if left := os.RemoveAll(r.dir); left != nil {
			err = errors.Join(err, fmt.Errorf("replay: clear directory: %w", left))
		}
	}()
	all := make([]*replaying, len(sets))
	for i, rs := range sets {
		if all[i], err = r.begin(i, rs); err != nil {
			return nil, err
		}
		out = append(out, all[i].out)
	}
	r.dispositions = map[string]v1.Disposition{}
	head := r.journal.Head()
	if head == 0 {
		return out, nil
	}
	err = r.journal.FollowAs(ctx, "replay", 0, func(ctx context.Context, b *proto.Batch) error {
		if err := r.decisions(b); err != nil {
			return err
		}
		for _, p := range all {
			if err := p.apply(ctx, b); err != nil {
				return err
			}
		}
		if err := r.progress(b.Sequence(), head.Sequence()); err != nil {
			return err
		}
		if b.Sequence() >= head.Sequence() {
			return errReplayed
		}
		return nil
	})
	if !errors.Is(err, errReplayed) {
		return nil, fmt.Errorf("replay: %w", err)
	}
	for _, p := range all {
		p.out.stats, p.out.missing, p.out.heldBack = p.engine.Stats(), p.engine.Missing(), p.engine.HeldBack()
	}
	return out, nil
}

func (r *replay) decisions(b *proto.Batch) error {
	if !b.Has(v1.Kind_KIND_ALERT_DECISION) {
		return nil
	}
	items, err := b.Items()
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	for _, it := range items {
		if d := it.GetAlertDecision(); d != nil {
			r.dispositions[string(d.GetAlertId())] = d.GetDisposition()
		}
	}
	return nil
}

// take keeps the latest version of an alert.
func (r *replayed) take(o detectors.Output) error {
	a := o.Alert
	if a == nil {
		return nil
	}
	id, err := proto.EventIDFromBytes(a.GetAlertId())
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	j := &judged{
		id: id, day: a.GetDay(), scenario: a.GetScenario(), shape: a.GetShape(), shown: a.GetShown(), queue: a.GetQueue(),
		rank: a.GetRank(), chance: a.GetChance(), backfill: a.GetBackfill(), sampled: a.GetSampled(), retracted: a.GetState() == v1.AlertState_ALERT_STATE_RETRACTED,
		grades: map[string]uint32{},
	}
	if j.shown && !j.retracted {
		for _, c := range a.GetAccesses() {
			if c.GetPatient() != 0 { // else an attempt elsewhere, which is told with it
				j.cited = append(j.cited, c.GetPosition())
			}
		}
		slices.Sort(j.cited)
	}
	for _, d := range a.GetDetectors() {
		if _, twice := j.grades[d.GetDetector()]; !twice {
			j.detectors = append(j.detectors, d.GetDetector())
		}
		j.grades[d.GetDetector()] = d.GetGrade()
	}
	r.alerts[string(a.GetAlertId())] = j
	return nil
}
