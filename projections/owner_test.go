package projections_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// troubled waits until the projector meets an error, and returns it.
func troubled(t *testing.T, p *projections.Projector, want error) {
	t.Helper()
	waitFor(t, want.Error(), func() bool {
		_, err := p.Status()
		return errors.Is(err, want)
	})
}

// TestDatabaseOfAnotherJournal: a server that is pointed at the projections of another journal writes nothing there, and
// says so; the other one does not notice.
func TestDatabaseOfAnotherJournal(t *testing.T) {
	s := storetest.Open(t)
	mine, other, g := newMemoryJournal(t), newMemoryJournal(t), newGenerator(41)
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	g.fill(t, mine, 20, 20, start)
	first := newProjector(t, s, mine)
	running(t, first)
	waitFor(t, "the first server", func() bool { return reached(first, mine.Head()) })

	// It is refused while its journal is empty, and when it holds more than the other.
	second := newProjector(t, s, other)
	stop := running(t, second)
	troubled(t, second, projections.ErrForeign)
	g.fill(t, other, 40, 20, start)
	if err := second.Rebuild(t.Context(), nil); !errors.Is(err, projections.ErrForeign) {
		t.Errorf("rebuild: %v", err)
	}
	if version, err := second.Version(t.Context()); version != 0 || err != nil {
		t.Errorf("it answers from version %d of another journal, %v", version, err)
	}
	if version, err := first.Version(t.Context()); version != 1 || err != nil {
		t.Errorf("the first answers from version %d, %v", version, err)
	}
	if text := second.Trouble(); !strings.Contains(text, "another journal") {
		t.Errorf("trouble: %q", text)
	}
	g.fill(t, mine, 20, 20, start.Add(time.Hour))
	waitFor(t, "the first server", func() bool { return reached(first, mine.Head()) })
	if text := first.Trouble(); text != "" {
		t.Errorf("trouble of the first: %q", text)
	}
	_ = stop()
	checkTables(t, s, mine, 1)
}

// TestSecondProcessTakesOver: of two processes on one journal and database the later one writes; the earlier one stops by
// itself, and does not take the database back.
func TestSecondProcessTakesOver(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(42)
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	g.fill(t, j, 20, 20, start)
	first := newProjector(t, s, j)
	stop := running(t, first)
	waitFor(t, "the first process", func() bool { return reached(first, j.Head()) })

	second := newProjector(t, s, j)
	running(t, second)
	waitFor(t, "the second process", func() bool { return reached(second, j.Head()) })
	for n := range 20 {
		g.fill(t, j, 2, 20, start.Add(time.Duration(n+1)*time.Hour))
	}
	troubled(t, first, projections.ErrSuperseded)
	if err := stop(); !errors.Is(err, projections.ErrSuperseded) {
		t.Errorf("the first process ended with %v", err)
	}
	if text := first.Trouble(); !strings.Contains(text, "another process") {
		t.Errorf("trouble: %q", text)
	}
	g.fill(t, j, 10, 20, start.Add(48*time.Hour))
	waitFor(t, "the second process", func() bool { return reached(second, j.Head()) })
	if text := second.Trouble(); text != "" {
		t.Errorf("trouble of the second: %q", text)
	}
}

// TestRefusedInsertsAreTold lets ClickHouse refuse what is written: it is told with ClickHouse's code, tried again, and
// goes on once it is taken.
func TestRefusedInsertsAreTold(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(43)
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	g.fill(t, j, 10, 20, start)
	metrics := prometheus.NewRegistry()
	p := newProjector(t, s, j, func(c *projections.Config) { c.Metrics = metrics })
	stop := running(t, p)
	waitFor(t, "the watermark", func() bool { return reached(p, j.Head()) })
	if err := s.Exec(t.Context(), "ALTER TABLE accesses_by_reader_v1 ADD CONSTRAINT closed CHECK position = 0", nil); err != nil {
		t.Fatal(err)
	}
	g.fill(t, j, 10, 20, start.Add(time.Hour))
	waitFor(t, "the refusal", func() bool { return strings.Contains(p.Trouble(), "code 469 VIOLATED_CONSTRAINT") })
	if diff := cmp.Diff([]string{"469"}, refusedCodes(t, metrics)); diff != "" {
		t.Errorf("codes in the metric:\n%s", diff)
	}
	if err := s.Exec(t.Context(), "ALTER TABLE accesses_by_reader_v1 DROP CONSTRAINT closed", nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the watermark", func() bool { return reached(p, j.Head()) })
	waitFor(t, "the end of the trouble", func() bool { return p.Trouble() == "" })
	if codes := refusedCodes(t, metrics); len(codes) > 0 {
		t.Errorf("codes %v are still told", codes)
	}
	_ = stop()
	checkTables(t, s, j, 1)
}

// refusedCodes are the labels of readtrail_projections_refused.
func refusedCodes(t *testing.T, metrics *prometheus.Registry) (codes []string) {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "readtrail_projections_refused" && m.GetGauge().GetValue() == 1 {
				codes = append(codes, m.GetLabel()[0].GetValue())
			}
		}
	}
	return codes
}
