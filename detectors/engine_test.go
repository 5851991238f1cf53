package detectors_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Codes are stored and never change their meaning: they are the reasons and verdicts, in their order.
func TestCodes(t *testing.T) {
	if n, codes := len(detectors.Reasons()), len(v1.Explanation_name)-1; n != codes {
		t.Fatalf("%d reasons, %d codes", n, codes)
	}
	for reason, code := range map[string]v1.Explanation{
		"the patient themself": v1.Explanation_EXPLANATION_PATIENT, "takes part in an encounter": v1.Explanation_EXPLANATION_ATTENDING,
		"charted": v1.Explanation_EXPLANATION_CHARTED, "vendor's task": v1.Explanation_EXPLANATION_TICKET,
		"research with consent":                           v1.Explanation_EXPLANATION_RESEARCH,
		"the department is responsible for the diagnosis": v1.Explanation_EXPLANATION_RESPONSIBLE,
		"the request that it names":                       v1.Explanation_EXPLANATION_REQUESTED,
	} {
		if got := detectors.Reasons()[code-1].String(); got != reason {
			t.Errorf("%s stands for %q, want %q", code, got, reason)
		}
	}
}

// outcomes are decisions on alerts of one kind: so many, so many of them misuse, each promised with a chance in per mille.
func outcomes(scenario string, n, misuse int, chance uint32, grades map[string]uint32) []detectors.Outcome {
	out := make([]detectors.Outcome, n)
	for i := range out {
		out[i] = detectors.Outcome{Scenario: scenario, Chance: chance, Misuse: i < misuse, Grades: grades}
	}
	return out
}

func TestCalibrate(t *testing.T) {
	if w, report := detectors.Calibrate(outcomes("family", 19, 10, 500, nil), nil); len(w) != 0 || !report[0].TooFew || report[0].Before != report[0].After {
		t.Errorf("19 decisions taught something: %v, %+v", w, report[0])
	}
	// Half of what was promised to be likely was nothing; what was misuse showed the highest grade.
	all := append(outcomes("family", 40, 12, 800, map[string]uint32{"FamilyAccess": 3}), outcomes("neighbour", 3, 3, 500, nil)...)
	weights, report := detectors.Calibrate(all, nil)
	if len(weights) != 1 || weights[0].Scenario != "family" {
		t.Fatalf("weights of %d kinds: %v", len(weights), weights)
	}
	w := weights[0]
	// (12 + 10) / (32 + 10) of 240
	if w.Share != 125 || report[0].Misuse != 12 || report[0].Expected != 32 {
		t.Errorf("share %d, report %+v", w.Share, report[0])
	}
	// (20*80, 20*260, 20*560 + 12*1000) / 32
	if g := w.Grades["FamilyAccess"]; len(g) != 3 || g[0] != 50 || g[1] != 162 || g[2] != 725 {
		t.Errorf("grades %v", g)
	}
	if _, ok := w.Grades["OnlyRead"]; ok {
		t.Error("what all kinds have in common was learned from one")
	}
	settings := detectors.Settings{Weights: weights}
	if err := settings.Validate(); err != nil {
		t.Errorf("what was learned is refused: %v", err)
	}
	settings.Weights[0].Share = 0
	if settings.Validate() == nil {
		t.Error("a share of nothing is accepted")
	}
}

// FuzzRestore: whatever a part holds, restoring ends with an engine or with ErrSnapshot.
func FuzzRestore(f *testing.F) {
	cfg := detectors.EngineConfig{Zone: time.UTC, Parse: func(*v1.RuleSet) (detectors.Settings, error) { return detectors.Settings{}, nil }}
	e, err := detectors.NewEngine(cfg)
	if err != nil {
		f.Fatal(err)
	}
	for i := range 200 {
		item := &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: int64(i) * 3_600_000_000}}}
		switch i % 4 {
		case 0:
			item = &v1.Item{Body: &v1.Item_RuleSet{RuleSet: &v1.RuleSet{Hash: make([]byte, 16)}}}
		case 1, 2:
			item = &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
				OccurredUs: int64(i) * 3_600_000_000, Action: v1.Action_ACTION_UPDATE,
				Reader:   &v1.Reader{Identifiers: []*v1.Identifier{{System: "s", Value: string(rune('a' + i%5))}}},
				Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "p", Value: string(rune('a' + i%7))}}}},
			}}}
		}
		if err := e.Take(context.Background(), detectors.Entry{At: 1, Item: item}); err != nil {
			f.Fatal(err)
		}
	}
	parts := map[string][]byte{}
	var names []string
	for _, p := range e.Parts() {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			f.Fatal(err)
		}
		parts[p.Name] = b.Bytes()
		names = append(names, p.Name)
	}
	if _, err := restored(cfg, parts); err != nil {
		f.Fatal("the parts as they were written: ", err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		f.Add(uint8(random.IntN(len(names))), uint16(random.Uint32()), uint8(random.Uint32()), random.IntN(2) == 0)
	}
	f.Fuzz(func(t *testing.T, part uint8, at uint16, by uint8, cut bool) {
		name := names[int(part)%len(names)]
		spoiled := map[string][]byte{}
		for n, b := range parts {
			spoiled[n] = bytes.Clone(b)
		}
		b := spoiled[name]
		i := int(at) % len(b)
		if cut {
			spoiled[name] = b[:i]
		} else {
			b[i] ^= by
		}
		if _, err := restored(cfg, spoiled); err != nil && !errors.Is(err, detectors.ErrSnapshot) {
			t.Fatalf("%s: %v", name, err)
		} else if err == nil && (cut || by != 0) {
			t.Fatalf("%s was spoiled at %d, and nobody noticed", name, i)
		}
	})
}

func restored(cfg detectors.EngineConfig, parts map[string][]byte) (*detectors.Engine, error) {
	return detectors.Restore(cfg, func(name string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(parts[name])), nil })
}

// standing is an engine that judges by settings from the beginning, and what hands it an item at the next position.
func standing(t *testing.T, settings detectors.Settings) (*detectors.Engine, func(*v1.Item)) {
	t.Helper()
	e, err := detectors.NewEngine(detectors.EngineConfig{Zone: time.UTC, Standing: &settings})
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	return e, func(item *v1.Item) {
		t.Helper()
		n++
		if err := e.Take(t.Context(), detectors.Entry{At: proto.At(n, 0), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestImportBeforeTheFirstTick: an import that begins before the journal's clock does is no import that rests since 1970. Its events wait
// for its end, and are no live ones.
func TestImportBeforeTheFirstTick(t *testing.T) {
	t.Parallel()
	e, take := standing(t, detectors.Settings{LearningDays: 1})
	mark := func(phase v1.ImportMark_Phase) {
		take(&v1.Item{Body: &v1.Item_ImportMark{ImportMark: &v1.ImportMark{ImportId: []byte("old"), Phase: phase, Backfill: true}}})
	}
	now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	mark(v1.ImportMark_PHASE_BEGIN)
	take(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: now.UnixMicro()}}})
	for d := range 3 {
		take(&v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
			ImportId: []byte("old"), OccurredUs: now.AddDate(0, -2, d).UnixMicro(), Action: v1.Action_ACTION_READ,
			Reader:   &v1.Reader{Identifiers: []*v1.Identifier{{System: "s", Value: "a"}}},
			Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "p", Value: "b"}}}},
		}}})
	}
	for d := range 6 {
		take(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: now.AddDate(0, 0, d).UnixMicro()}}})
	}
	if s := e.Stats(); s.Days != 0 || s.OpenAccesses != 3 {
		t.Errorf("%d days were judged and %d accesses wait before the import ended; want none and three", s.Days, s.OpenAccesses)
	}
	mark(v1.ImportMark_PHASE_END)
	if s := e.Stats(); s.Days != 3 || s.OpenAccesses != 0 {
		t.Errorf("%d days were judged and %d accesses wait when the import ended; want three and none", s.Days, s.OpenAccesses)
	}
}

// TestOldDaysTeachNothingAnew: an old file that comes as live events, 56 days of it, makes nothing that was learned older, and a straggler of
// the same look that comes every day is counted once.
func TestOldDaysTeachNothingAnew(t *testing.T) {
	t.Parallel()
	e, take := standing(t, detectors.Settings{LearningDays: 2})
	look := func(at time.Time, reader, patient, department string) {
		take(&v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
			OccurredUs: at.UnixMicro(), Action: v1.Action_ACTION_READ,
			Reader:   &v1.Reader{Identifiers: []*v1.Identifier{{System: "s", Value: reader}}, Department: department},
			Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "p", Value: patient}}}},
		}}})
	}
	tick := func(at time.Time) { take(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: at.UnixMicro()}}}) }
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for d := range 7 {
		at := now.AddDate(0, 0, d)
		tick(at)
		for _, patient := range []string{"a", "b", "c"} {
			look(at, "anna", patient, "icu")
		}
	}
	now = now.AddDate(0, 0, 9)
	tick(now)
	days, looked := detectors.Taught(e, "icu")
	if days != 7 || looked != 21 {
		t.Fatalf("%d days taught, with %d looks; want 7 and 21", days, looked)
	}
	for d := range 56 {
		look(now.AddDate(0, -6, d), "bert", "x", "lab")
	}
	now = now.AddDate(0, 0, 1)
	tick(now)
	if days, looked := detectors.Taught(e, "icu"); days != 7 || looked != 21 {
		t.Errorf("after an old file, %d days taught, with %d looks; want 7 and 21", days, looked)
	}
	if _, looked := detectors.Taught(e, "lab"); looked != 56 {
		t.Errorf("%d looks of the old file were counted, want 56", looked)
	}
	for straggler := now.AddDate(0, 0, -5); now.Before(straggler.AddDate(0, 0, 8)); {
		look(straggler, "carl", "y", "ward")
		now = now.AddDate(0, 0, 1)
		tick(now)
	}
	if days, looked := detectors.Taught(e, "ward"); days != 7 || looked != 1 {
		t.Errorf("after the same look came three times, %d days taught, with %d looks; want 7 and one", days, looked)
	}
}

// TestWorkOfALateDay: work on a record is a reason in the days around it, also when something else of that day came late.
func TestWorkOfALateDay(t *testing.T) {
	t.Parallel()
	e, take := standing(t, detectors.Settings{LearningDays: 2})
	access := func(at time.Time, patient string, action v1.Action) {
		take(&v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
			OccurredUs: at.UnixMicro(), Action: action, Reader: &v1.Reader{Identifiers: []*v1.Identifier{{System: "s", Value: "anna"}}},
			Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "p", Value: patient}}}},
		}}})
	}
	tick := func(at time.Time) { take(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: at.UnixMicro()}}}) }
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for d := range 4 {
		tick(now.AddDate(0, 0, d))
		access(now.AddDate(0, 0, d), "a", v1.Action_ACTION_READ)
	}
	wrote := now.AddDate(0, 0, 4)
	access(wrote, "b", v1.Action_ACTION_UPDATE)
	tick(wrote.AddDate(0, 0, 2))
	access(wrote.Add(time.Hour), "a", v1.Action_ACTION_READ)
	tick(wrote.AddDate(0, 0, 3))
	before := e.Stats().Explained
	access(wrote.AddDate(0, 0, 2), "b", v1.Action_ACTION_READ)
	tick(wrote.AddDate(0, 0, 5))
	if got := e.Stats().Explained - before; got != 1 {
		t.Errorf("%d looks are explained two days after the work, want one", got)
	}
}

// TestLateInANetwork: who was seen on a day adds no second one to a network by what comes late of it.
func TestLateInANetwork(t *testing.T) {
	t.Parallel()
	if got := detectors.InNetwork(); got != 2 {
		t.Errorf("%d days of readers are counted in the network, want two", got)
	}
}
