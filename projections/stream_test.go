package projections_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// detected is a journal with what detectors wrote over it.
type detected struct {
	*memoryJournal
	findings *detectiontest.Stream[*v1.Findings]
	alerts   *detectiontest.Stream[*v1.AlertVersion]
	random   *detectiontest.Generator
	pick     *rand.Rand
	accesses []detectiontest.Access
}

func newDetected(t testing.TB, seed uint64) *detected {
	t.Helper()
	d := &detected{
		memoryJournal: newMemoryJournal(t), findings: detectiontest.NewStream[*v1.Findings](), alerts: detectiontest.NewStream[*v1.AlertVersion](),
		random: detectiontest.NewGenerator(seed, uint64(proto.At(10, 0)), time.Date(2024, 12, 28, 0, 0, 0, 0, time.UTC)),
		pick:   rand.New(rand.NewPCG(seed, 3)),
	}
	for i := range 200 {
		a := detectiontest.Access{
			Position: uint64(proto.At(uint64(1+i/4), i%4)), Occurred: time.Date(2024, 12, 27, 0, i, 0, 0, time.UTC),
			Reader: &v1.Identifier{System: "urn:staff", Value: fmt.Sprint("u", i%9)},
		}
		for p := range d.pick.IntN(4) {
			a.Patients = append(a.Patients, &v1.Identifier{System: "urn:mrn", Value: fmt.Sprint(i%20 + p)})
		}
		d.accesses = append(d.accesses, a)
	}
	newGenerator(seed).fill(t, d.memoryJournal, 2, 5, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	return d
}

// detect publishes what some causes brought.
func (d *detected) detect(causes int) {
	for range causes {
		from := d.pick.IntN(len(d.accesses))
		findings, alerts := d.random.Next(d.accesses[from:min(len(d.accesses), from+1+d.pick.IntN(60))])
		d.findings.Publish(findings...)
		d.alerts.Publish(alerts...)
	}
}

func (d *detected) config(c *projections.Config) {
	c.Findings = projections.Stream[*v1.Findings]{Follow: d.findings.Follow, Head: d.findings.Head}
	c.Alerts = projections.Stream[*v1.AlertVersion]{Follow: d.alerts.Follow, Head: d.alerts.Head}
}

// read reports whether the live version has read the journal and both streams.
func (d *detected) read(p *projections.Projector) bool {
	all := p.StreamStatus()
	for _, s := range all {
		if s.Sequence < s.Head {
			return false
		}
	}
	return len(all) >= 2 && reached(p, d.Head())
}

// project runs a projector until it has read everything.
func (d *detected) project(t testing.TB, p *projections.Projector) {
	t.Helper()
	stop := running(t, p)
	waitFor(t, "the watermarks", func() bool { return d.read(p) })
	if err := stop(); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func dayText(day int32) string { return time.Unix(int64(day)*86_400, 0).UTC().Format(time.DateOnly) }

// patientNumber is the number whose bytes stand in two columns.
func patientNumber(v *v1.Verdicts, k int) int {
	n := int(v.Patients[k])
	if len(v.PatientsHigh) > 0 {
		n += 256 * int(v.PatientsHigh[k])
	}
	return n
}

// cited is the place of what documents a verdict.
func cited(v *v1.Verdicts, k int) uint32 {
	if len(v.Cited) == 0 {
		return 0
	}
	return v.Cited[k]
}

// fold is the fold of both streams, written a second time: table name to rows.
func (d *detected) fold(t testing.TB) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	add := func(table string, values ...any) { rows[table] = append(rows[table], canonical(values)) }
	for i, m := range d.findings.Messages() {
		seq, at, rules := i+1, stamp(m.AtUs), hex.EncodeToString(m.RuleSet)
		position := uint64(0)
		for k := range m.Verdicts.GetPositions() {
			position += m.Verdicts.Positions[k]
			add("verdicts", position, patientNumber(m.Verdicts, k), m.Cause, int(m.Verdicts.Verdicts[k]), int(m.Verdicts.Explanations[k]), m.Closed, seq, at, cited(m.Verdicts, k))
		}
		for k, x := range m.Verdicts.GetDocuments() {
			lasts := int64(0)
			if x.UntilUs > 0 {
				lasts = x.UntilUs - x.FromUs
			}
			add("documents", seq, k+1, x.Source, x.Type, x.Id, x.FromUs, lasts, x.Position, at)
		}
		for k, f := range m.Findings {
			add("findings", dayText(m.Day), f.Detector, seq, k, m.Cause, f.Grade, f.Words, idKey(f.Reader), f.Reader.GetSystem(), f.Reader.GetValue(),
				idKey(f.Patient), f.Patient.GetSystem(), f.Patient.GetValue(), f.Positions, f.More, rules, at, m.Closed, m.Backfill)
		}
		missing := append([]string{}, m.Missing...)
		add("judged", m.Last, m.Cause, m.Ordinal, seq, dayText(m.Day), at, m.Closed, m.Backfill, rules, missing, len(m.Verdicts.GetPositions()), len(m.Findings))
	}
	for i, m := range d.alerts.Messages() {
		detectors, readers, patients := []string{}, []uint64{}, []uint64{}
		for _, x := range m.Detectors {
			detectors = append(detectors, x.Detector)
		}
		for _, x := range m.Readers {
			readers = append(readers, idKey(x.Identifier))
		}
		for _, x := range m.Patients {
			patients = append(patients, idKey(x.Identifier))
		}
		body, err := m.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		positions := []uint64{}
		for _, a := range m.Accesses {
			if len(m.Accesses) < 2000 {
				positions = append(positions, a.Position)
			}
		}
		add("alerts", dayText(m.Day), ksuid(m.AlertId), m.Version, i+1, m.Cause, stamp(m.AtUs), int(m.State), int(m.Shape), int(m.Severity), m.Scenario,
			m.Score, m.Chance, m.Rank, m.Shown, m.Sampled, m.Hard, m.Backfill, m.Queue, detectors, readers, patients, strings.ToUpper(hex.EncodeToString(body)), positions)
	}
	return rows
}

// check compares every table of the streams with their fold, row for row.
func (d *detected) check(t testing.TB, s *store.Store, version uint32) {
	t.Helper()
	want := d.fold(t)
	for name, columns := range projections.StreamTables(version) {
		base := name[:strings.LastIndex(name, "_v")]
		list := strings.Replace(strings.Join(columns, ", "), "body", "hex(body)", 1)
		got := readRows(t, s, fmt.Sprintf("SELECT toJSONString(tuple(%s)) FROM %s", list, name))
		expected := want[base]
		slices.Sort(expected)
		if !slices.Equal(expected, got) {
			t.Errorf("%s: %d rows, want %d; fold (-) and table (+): %s", name, len(got), len(expected), head(cmp.Diff(expected, got), 3000))
		}
	}
}

// TestStreamTablesAreTheFold: whatever detectors wrote, the tables hold its fold, and a second run changes nothing.
func TestStreamTablesAreTheFold(t *testing.T) {
	for seed := range uint64(3) {
		s, d := storetest.Open(t), newDetected(t, seed)
		p := newProjector(t, s, d.memoryJournal, d.config)
		d.detect(25)
		d.project(t, p)
		d.check(t, s, 1)
		d.detect(3)
		d.project(t, p)
		d.check(t, s, 1)
		checkTables(t, s, d.memoryJournal, 1)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestDocumentsComeBeforeTheirVerdicts: whoever asks between two inserts, or after a process died there, finds the document of each
// verdict that has one: without it a reason reads as one that nothing documents.
func TestDocumentsComeBeforeTheirVerdicts(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 28)
	d.detect(10)
	p := newProjector(t, s, d.memoryJournal, d.config)
	looked := 0
	p.SetHook(func(_ uint32, at string) error {
		if at == "insert:verdicts" {
			looked++
			missing := uint64(0)
			query := "SELECT count() FROM verdicts_v1 WHERE document > 0 AND (sequence, document) NOT IN (SELECT sequence, number FROM documents_v1)"
			if err := s.Query(t.Context(), query, nil, func(row store.Row) error { return row.Scan(&missing) }); err != nil || missing > 0 {
				t.Errorf("%d verdicts lead to no document: %v", missing, err)
			}
		}
		return nil
	})
	d.project(t, p)
	if looked == 0 {
		t.Error("no verdict was inserted")
	}
}

// streamStages lists every point at which a run of a stream can break off.
func streamStages() []string {
	var out []string
	for _, name := range []string{projections.ProjectorFindings, projections.ProjectorAlerts} {
		out = append(out, "before:watermark:"+name, "watermark:"+name)
	}
	for name := range projections.StreamTables(1) {
		out = append(out, "insert:"+strings.TrimSuffix(name, "_v1"))
	}
	return out
}

// TestKillStreamAtEveryCommitPoint breaks the projector off at each point of the streams, and starts a new one as a new process
// would. The tables must hold each row once.
func TestKillStreamAtEveryCommitPoint(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 21)
	for _, stage := range streamStages() {
		for range *rounds {
			for killed := false; !killed; {
				d.detect(4)
				killed = d.killOnce(t, newProjector(t, s, d.memoryJournal, d.config), stage)
			}
		}
	}
	d.project(t, newProjector(t, s, d.memoryJournal, d.config))
	d.check(t, s, 1)
}

// killOnce runs a projector until it comes to the stage, and drops it there, or when it has read all, and reports which.
func (d *detected) killOnce(t *testing.T, p *projections.Projector, stage string) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	dead := false
	p.SetHook(func(_ uint32, at string) error {
		mu.Lock()
		defer mu.Unlock()
		if dead = dead || at == stage; dead {
			cancel()
			return errKilled
		}
		return nil
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.Run(ctx) // fails: it was killed
	}()
	waitFor(t, "the kill or the end of the streams", func() bool {
		select {
		case <-ended:
			return true
		default:
			return d.read(p)
		}
	})
	cancel()
	<-ended
	return dead
}

// TestErrorAtEveryStreamPoint lets each stage fail while the projector lives on: it recovers by itself.
func TestErrorAtEveryStreamPoint(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 22)
	p := newProjector(t, s, d.memoryJournal, d.config)
	var mu sync.Mutex
	failed := map[string]bool{}
	p.SetHook(func(_ uint32, at string) error {
		mu.Lock()
		defer mu.Unlock()
		if failed[at] {
			return nil
		}
		failed[at] = true
		return fmt.Errorf("%s: %w", at, errKilled)
	})
	d.detect(20)
	d.project(t, p)
	for _, stage := range streamStages() {
		if !failed[stage] {
			t.Errorf("%s never came", stage)
		}
	}
	d.check(t, s, 1)
}

// TestTakeOverOfStreamsAtEveryCommitPoint stops a process at each point of the streams, lets the next one get past everything, and
// lets the first go on with the inserts that it was about to send: each row stands once.
func TestTakeOverOfStreamsAtEveryCommitPoint(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 23)
	one := beginWith(t, s, d.memoryJournal, nil, d.config)
	for _, stage := range streamStages() {
		one.haltAt(stage)
		for halted := false; !halted; {
			d.detect(2)
			waitFor(t, "the stage "+stage, func() bool {
				select {
				case <-one.there:
					halted = true
				default:
				}
				return halted || d.read(one.projector)
			})
		}
		next := beginWith(t, s, d.memoryJournal, nil, d.config)
		d.detect(2)
		waitFor(t, "the next process", func() bool { return d.read(next.projector) })
		one.release()
		// It finds out at the next message of the journal at the latest.
		newGenerator(1).fill(t, d.memoryJournal, 1, 2, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
		one.ends(t)
		one = next
	}
	d.detect(2)
	waitFor(t, "the last process", func() bool { return d.read(one.projector) })
	if err := one.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("the last process ended with %v", err)
	}
	d.check(t, s, 1)
}

// TestLateStreamInsertIsRepaired doubles rows above the watermark, as an insert does that was given up and lands after recovery has
// looked.
func TestLateStreamInsertIsRepaired(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 24)
	d.detect(10)
	d.project(t, newProjector(t, s, d.memoryJournal, d.config))
	d.detect(10)
	registry := prometheus.NewRegistry()
	p := newProjector(t, s, d.memoryJournal, d.config, func(c *projections.Config) { c.Linger, c.Metrics = 200*time.Millisecond, registry })
	double := sync.OnceFunc(func() {
		writer := ""
		query := "SELECT extract(create_table_query, '\\'([A-Z0-9]+-[0-9]+\\.)\\'') FROM system.tables WHERE database = currentDatabase() AND name = 'verdicts_v1'"
		if err := s.Query(t.Context(), query, nil, func(row store.Row) error { return row.Scan(&writer) }); err != nil {
			t.Error(err)
		}
		exec(t, s.With(store.Settings{"log_comment": writer}),
			"INSERT INTO verdicts_v1 SELECT * FROM verdicts_v1 WHERE sequence > (SELECT max(position) FROM watermarks WHERE projector = 'findings')")
	})
	p.SetHook(func(_ uint32, at string) error {
		if at == "insert:verdicts" {
			double()
		}
		return nil
	})
	d.project(t, p)
	d.check(t, s, 1)
	if n := counter(t, registry, "readtrail_projections_repairs_total"); n != 1 {
		t.Errorf("%v repairs, want 1", n)
	}
}

// TestRebuildOfStreamsEqualsLive rebuilds while detectors write: the new version holds the fold, and the live projector goes on with
// it.
func TestRebuildOfStreamsEqualsLive(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 25)
	d.detect(20)
	p := newProjector(t, s, d.memoryJournal, d.config)
	stop := running(t, p)
	waitFor(t, "the live version", func() bool { return d.read(p) })
	flipping := false
	p.SetHook(func(version uint32, at string) error {
		switch {
		case version != 2:
		case at == "before:flip":
			flipping = true
			notBehind(t, s)
			d.detect(3) // after the live version has let go
		case at == "before:watermark:findings", at == "before:watermark:alerts":
			time.Sleep(time.Second) // the streams come last
		}
		return nil
	})
	if err := p.Rebuild(t.Context(), func(projections.Progress) { d.detect(2) }); err != nil {
		t.Fatal(err)
	}
	if !flipping {
		t.Error("no flip")
	}
	d.detect(2)
	waitFor(t, "the new version to be live", func() bool {
		all := p.StreamStatus()
		return len(all) > 0 && all[0].Version == 2 && all[0].Active && d.read(p)
	})
	_ = stop()
	d.check(t, s, 2)
	checkTables(t, s, d.memoryJournal, 2)
	d.project(t, newProjector(t, s, d.memoryJournal, d.config))
	if n := tablesOf(t, s, 1); n != 0 {
		t.Errorf("%d tables of the old version are left", n)
	}
}

// notBehind: no question sees less after the flip than before.
func notBehind(t *testing.T, s *store.Store) {
	t.Helper()
	behind := readRows(t, s, `SELECT toJSONString(projector) FROM watermarks GROUP BY projector
		HAVING maxIf(position, version = 2) < maxIf(position, version = 1)`)
	if len(behind) > 0 {
		t.Errorf("the new version answers, and is behind with %v", behind)
	}
}

// TestDamagedStreamStopsAlone: a gap in FINDINGS stops the verdicts and says so; alerts and the journal go on.
func TestDamagedStreamStopsAlone(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 26)
	d.detect(12)
	d.findings.Skip(5)
	p := newProjector(t, s, d.memoryJournal, d.config)
	running(t, p)
	waitFor(t, "the trouble", func() bool { return strings.Contains(p.Trouble(), "findings have stopped") })
	newGenerator(2).fill(t, d.memoryJournal, 3, 5, time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	waitFor(t, "the others", func() bool {
		ok := reached(p, d.Head())
		for _, one := range p.StreamStatus() {
			ok = ok && (one.Name != projections.ProjectorAlerts || one.Sequence == one.Head)
		}
		return ok
	})
	for _, one := range p.StreamStatus() {
		if one.Name == projections.ProjectorFindings && one.Sequence > 4 {
			t.Errorf("message %d is claimed, the gap is at 5", one.Sequence)
		}
	}
}

// TestColumnsOfUnequalLength: a message that contradicts itself is damage, not rows.
func TestColumnsOfUnequalLength(t *testing.T) {
	s, d := storetest.Open(t), newDetected(t, 27)
	d.findings.Publish(&v1.Findings{Cause: 1, Last: true, Verdicts: &v1.Verdicts{Positions: []uint64{4096, 1}, Patients: []byte{0}, Verdicts: []byte{1, 1}, Explanations: []byte{1, 1}}})
	p := newProjector(t, s, d.memoryJournal, d.config)
	running(t, p)
	waitFor(t, "the trouble", func() bool { return strings.Contains(p.Trouble(), "findings have stopped") })
}
