package detect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/detect"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// installation is a journal of a week, and the handler that judges it again.
type installation struct {
	t        *testing.T
	h        *hospital
	jn       *journal.Journal
	settings config.Config
	server   detect.Server
	out      bytes.Buffer
	aside    bytes.Buffer
	rules    *v1.RuleSet
}

func newInstallation(t *testing.T, without string) *installation {
	t.Helper()
	i := &installation{t: t, h: newHospital(t, simulate.Config{Seed: 21, Staff: 150, Patients: 600, Days: 7, Incidents: 25})}
	i.h.before(without)
	i.h.live(0, 7, without)
	for hour := range 50 {
		at := i.h.start(7).Add(time.Duration(hour) * time.Hour)
		i.h.add(at, tick(at))
	}
	var now atomic.Int64
	now.Store(i.h.start(0).UnixMicro())
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	dir := t.TempDir()
	var err error
	i.jn, err = journal.Open(t.Context(), journal.Config{
		Dir: filepath.Join(dir, "journal"), Reserve: 1 << 20, LastReserve: 1 << 10, TickEvery: -1, Keys: i.h.keys, MaxClockJump: 100 * 24 * time.Hour,
		Now: func() time.Time { return time.UnixMicro(now.Load()) }, Logger: log,
	})
	must(t, err)
	t.Cleanup(func() { must(t, i.jn.Close(context.Background())) })
	for _, b := range i.h.batches {
		now.Store(max(now.Load()+1, b.Head.ReceivedUs))
		_, err := i.jn.Append(t.Context(), entriesOf(t, b), ingest.Options{})
		must(t, err)
	}
	loaded, err := config.Load("", nil)
	must(t, err)
	i.settings = *loaded
	i.settings.DataDir, i.settings.Site.TimeZone, i.settings.Detectors.LearningDays = dir, i.h.zone.String(), 3
	i.rules, err = i.settings.RuleSet("os:test")
	must(t, err)
	i.open()
	return i
}

// open opens the detectors by the settings as they are now.
func (i *installation) open() {
	i.t.Helper()
	log := slog.New(slog.NewTextHandler(i.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	_, handler, err := detect.Open(detect.Config{Settings: &i.settings, Journal: i.jn, Zone: i.h.zone, Logger: log})
	must(i.t, err)
	server := httptest.NewServer(handler)
	i.t.Cleanup(server.Close)
	i.server = detect.Server{HTTP: server.Client(), Base: server.URL, Out: &i.out, Aside: &i.aside, Clock: time.Now}
}

// alerts are what the rule set in force makes of the journal: ids, and whether they are shown.
func (i *installation) alerts() (ids []string, shown int) {
	i.t.Helper()
	lines, err := detect.Replayed(i.t.Context(), i.jn, i.h.zone, filepath.Join(i.t.TempDir(), "again"), 0, i.rules, func() {})
	must(i.t, err)
	for _, line := range lines {
		if strings.Contains(line, " true ") {
			shown++
		}
		ids = append(ids, line[:27])
	}
	return ids, shown
}

func (i *installation) decide(id string, d v1.Disposition) {
	i.t.Helper()
	alert, err := proto.ParseEventID(id)
	must(i.t, err)
	item := &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{AlertId: alert.Bytes(), Disposition: d}}}
	_, err = i.jn.Append(i.t.Context(), []ingest.Entry{{Item: item}}, ingest.Options{})
	must(i.t, err)
}

func (i *installation) backtest(from, to string, change func(*config.Config)) (detect.Difference, string, error) {
	i.t.Helper()
	i.out.Reset()
	err := (&detect.BacktestCommand{From: from, To: to, JSON: true}).Run(i.t.Context(), i.server, func() (*config.Config, error) {
		other := i.settings
		if change != nil {
			change(&other)
		}
		return &other, nil
	})
	var d detect.Difference
	if err == nil {
		must(i.t, json.Unmarshal(i.out.Bytes(), &d))
	}
	return d, i.out.String(), err
}

// TestBacktest: the same configuration differs in nothing, a higher threshold only loses alerts, but for stories that are told in parts, days that were not asked for do not count,
// and the answer is the same each time.
func TestBacktest(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "")
	same, _, err := i.backtest("", "", nil)
	must(t, err)
	if same.Same == 0 || same.Same != same.Before || same.Before != same.After || same.Gained+same.Lost+same.Reranked != 0 {
		t.Errorf("the same configuration: %+v", same)
	}
	higher := func(c *config.Config) { c.Detectors.Threshold = 0.9 }
	all, text, err := i.backtest("", "", higher)
	must(t, err)
	for _, e := range all.Examples["gained"] { // a story that is told in two parts, as its first days are shown no more
		if e.StoryOf == "" {
			t.Errorf("a higher threshold gains an alert: %+v", e)
		}
	}
	if all.Before != same.Before || all.Gained > all.Moved || all.Lost == 0 || all.Moved == 0 || all.Before+all.Gained-all.Lost != all.After ||
		len(all.Examples["gained"]) != all.Gained || len(all.Examples["lost"]) != min(all.Lost, 10) {
		t.Errorf("a higher threshold: %+v", all)
	}
	for name, d := range all.Detectors {
		if d.Before+d.Gained-d.Lost != d.After {
			t.Errorf("%s: %+v does not add up", name, *d)
		}
	}
	if _, again, err := i.backtest("", "", higher); err != nil || again != text {
		t.Errorf("asked twice (%v):\n%s", err, cmp.Diff(text, again))
	}
	other, _, err := i.backtest("", "", func(c *config.Config) {
		c.Detectors.Numbers = detectors.Chosen{"Explanations": {"care_days": 1, "unit_days": 0, "order_days": 0, "note_days": 1}}
	})
	must(t, err)
	if other.Before != same.Before || other.Gained+other.Lost == 0 {
		t.Errorf("reasons that hold for a day only: %+v", other)
	}
	queued, _, err := i.backtest("", "", func(c *config.Config) {
		c.Detectors.Queues = detectors.SiteQueues{{Name: "Main", Sites: []string{"millbrook general"}, Budget: 1}}
	})
	must(t, err)
	if queued.Before != same.Before || queued.Lost == 0 || queued.Reranked == 0 || queued.Examples["reranked"][0].Queue+queued.Examples["reranked"][0].WasQueue != "Main" {
		t.Errorf("a queue of a site: %+v", queued)
	}
	middle := i.h.start(4).Format(time.DateOnly)
	first, _, err := i.backtest("", middle, higher)
	must(t, err)
	rest, _, err := i.backtest(i.h.start(5).Format(time.DateOnly), "", higher)
	must(t, err)
	if first.Before+rest.Before != all.Before || first.Lost+rest.Lost != all.Lost || first.Gained+rest.Gained != all.Gained || first.Before == 0 || rest.Before == 0 || first.To > middle {
		t.Errorf("until %s %d of %d, then %d of %d; in all %d of %d", middle, first.Lost, first.Before, rest.Lost, rest.Before, all.Lost, all.Before)
	}
	if _, _, err := i.backtest("2026-03-10", "2026-03-01", nil); err == nil || !strings.Contains(err.Error(), "from: is after to") {
		t.Errorf("a period that ends before it begins: %v", err)
	}
	i.out.Reset()
	must(t, (&detect.BacktestCommand{From: "2027-01-01"}).Run(t.Context(), i.server, func() (*config.Config, error) { return &i.settings, nil }))
	if !strings.Contains(i.out.String(), "Neither configuration shows an alert") {
		t.Errorf("a period without alerts reads: %q", i.out.String())
	}
	if left, err := filepath.Glob(filepath.Join(i.settings.StateDir(), "replay", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestExemptionIsSeen: a backtest shows the alerts that an exemption loses and how many findings it held back, and the scorecard says so of one in
// force; an exemption of days before loses nothing.
func TestExemptionIsSeen(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "")
	i.settings.Detectors.Threshold, i.settings.Detectors.Budget = 0.001, 1_000 // in a week of so few people what is exempt is not likely enough
	i.open()
	exempt := func(from, until int) func(*config.Config) {
		return func(c *config.Config) {
			for _, role := range []string{"nurse", "physician", "clerk", "receptionist", "researcher"} {
				c.Detectors.Exemptions = append(c.Detectors.Exemptions, detectors.Exemption{
					Detector: "ManyUnexplained", Role: role, From: i.h.start(from).Format(time.DateOnly), Until: i.h.start(until).Format(time.DateOnly),
					Reason: "register", Owner: "quality office",
				})
			}
		}
	}
	same, text, err := i.backtest("", "", exempt(-30, 0))
	must(t, err)
	if same.Lost+same.Gained+same.Reranked != 0 || same.Same == 0 || strings.Contains(text, "exemptions_before") {
		t.Errorf("an exemption of days before: %+v", same)
	}
	d, _, err := i.backtest("", "", exempt(0, 7))
	must(t, err)
	held := uint64(0)
	for _, x := range d.ExemptAfter {
		held += x.Findings
	}
	if len(d.ExemptAfter) != 5 || len(d.ExemptBefore) != 0 || held == 0 || d.Lost == 0 || d.Detectors["ManyUnexplained"].Lost == 0 {
		t.Errorf("%d findings of %d exemptions: %+v", held, len(d.ExemptAfter), d)
	}
	exempt(0, 7)(&i.settings)
	i.open()
	i.out.Reset()
	must(t, (&detect.ScorecardCommand{JSON: true}).Run(t.Context(), i.server))
	var card detect.Scorecard
	must(t, json.Unmarshal(i.out.Bytes(), &card))
	if diff := cmp.Diff(d.ExemptAfter, card.Exemptions); diff != "" {
		t.Errorf("what a backtest says and what the scorecard does (-backtest +scorecard):\n%s", diff)
	}
	i.out.Reset()
	must(t, (&detect.ScorecardCommand{}).Run(t.Context(), i.server))
	if want := fmt.Sprintf("Exempt from ManyUnexplained: %s\n", &d.ExemptAfter[0]); !strings.Contains(i.out.String(), want) {
		t.Errorf("the scorecard does not say %q:\n%s", want, i.out.String())
	}
	i.out.Reset()
	must(t, (&detect.BacktestCommand{}).Run(t.Context(), i.server, func() (*config.Config, error) {
		other := i.settings
		other.Detectors.Exemptions = other.Detectors.Exemptions[:1]
		return &other, nil
	}))
	full := i.server
	full.Out = fullAt("Exempt, and how many")
	if err := (&detect.BacktestCommand{}).Run(t.Context(), full, func() (*config.Config, error) { return &i.settings, nil }); !errors.Is(err, errFull) {
		t.Errorf("what was not written of exemptions: %v", err)
	}
	for _, want := range []string{"\nnow, from ManyUnexplained: " + d.ExemptAfter[1].String(), "\nthen, from ManyUnexplained: " + d.ExemptAfter[0].String()} {
		if !strings.Contains(i.out.String(), want) {
			t.Errorf("the backtest does not say %q:\n%s", want, i.out.String())
		}
	}
}

var errFull = errors.New("full")

// fullAt is a file that has no room for some text.
type fullAt string

func (f fullAt) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(f)) {
		return 0, errFull
	}
	return len(p), nil
}

// TestReplayHoldsLittle: days wait in files, as they do in an installation, the alerts are the same, and nothing is left behind.
func TestReplayHoldsLittle(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "")
	dir, files := filepath.Join(t.TempDir(), "replay"), 0
	again := func(held int) []string {
		must(t, os.MkdirAll(filepath.Join(dir, "0"), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, "0", "of a crash"), nil, 0o600))
		out, err := detect.Replayed(t.Context(), i.jn, i.h.zone, dir, held, i.rules, func() {
			found, err := filepath.Glob(filepath.Join(dir, "0", "*"))
			must(t, err)
			files = max(files, len(found))
		})
		must(t, err)
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left behind: %v", dir, err)
		}
		return out
	}
	want := again(0)
	if files != 0 {
		t.Errorf("%d files, though all fits in memory", files)
	}
	if diff := cmp.Diff(want, again(1000)); diff != "" || len(want) < 20 {
		t.Errorf("%d alerts; with days in files (-in memory +in files):\n%s", len(want), diff)
	}
	if files == 0 {
		t.Error("no day waited in a file: the test saw nothing")
	}
}

// TestCalibrateAndScorecard: a few decisions teach nothing and write no file; of an alert that was judged twice the last decision counts;
// what is learned is accepted as configuration.
func TestCalibrateAndScorecard(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "")
	ids, shown := i.alerts()
	if len(ids) < 23 || shown == 0 {
		t.Fatalf("%d alerts, %d shown: too few to learn from", len(ids), shown)
	}
	file := filepath.Join(t.TempDir(), "weights.yaml")
	calibrate := func() string {
		i.out.Reset()
		must(t, (&detect.CalibrateCommand{Out: file}).Run(t.Context(), i.server))
		return i.out.String()
	}
	i.decide(ids[0], v1.Disposition_DISPOSITION_MISUSE)
	i.decide(proto.EventID{1}.String(), v1.Disposition_DISPOSITION_MISUSE)
	if text := calibrate(); !strings.Contains(text, "\n1 alerts were found") || !strings.Contains(text, "Decisions on 1 alerts teach nothing") || !strings.Contains(i.aside.String(), "no file was written") {
		t.Errorf("one decision: %q, aside %q", text, i.aside.String())
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a file was written of nothing: %v", err)
	}
	for _, id := range ids { // first all of them one way, then the other
		i.decide(id, v1.Disposition_DISPOSITION_APPROPRIATE)
	}
	for _, id := range ids[:len(ids)-3] {
		i.decide(id, v1.Disposition_DISPOSITION_MISUSE)
	}
	i.decide(ids[0], v1.Disposition_DISPOSITION_REOPENED)
	text := calibrate()
	learned, err := os.ReadFile(file)
	must(t, err)
	weights, err := ruleset.Weights(string(learned))
	must(t, err)
	if len(weights) == 0 || !strings.Contains(string(learned), "learned: from "+strconv.Itoa(len(ids)-1)+" alerts") {
		t.Errorf("%d kinds were learned of:\n%s\n%s", len(weights), learned, text)
	}
	with := i.settings
	with.Detectors.WeightsFile = file
	if _, err := with.RuleSet("os:test"); err != nil {
		t.Errorf("what was learned is refused: %v", err)
	}
	if again := calibrate(); again != text {
		t.Errorf("asked twice:\n%s", cmp.Diff(text, again))
	}
	i.out.Reset()
	must(t, (&detect.ScorecardCommand{JSON: true}).Run(t.Context(), i.server))
	var card detect.Scorecard
	must(t, json.Unmarshal(i.out.Bytes(), &card))
	at := slices.IndexFunc(card.Detectors, func(d detect.DetectorScore) bool { return d.Name == "NoRelation" })
	if card.Decided != len(ids)-1 || at < 0 || card.Detectors[at].Misuse == 0 || card.Detectors[at].Hits == 0 || card.Detectors[at].Explained > 1 {
		t.Errorf("scorecard of %d decisions: %+v", len(ids)-1, card)
	}
}

// TestScorecardSaysWhatAbstains: who has no hits because they cannot see is told from who has nothing to say.
func TestScorecardSaysWhatAbstains(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "vendors.csv")
	must(t, (&detect.ScorecardCommand{JSON: true}).Run(t.Context(), i.server))
	var card detect.Scorecard
	must(t, json.Unmarshal(i.out.Bytes(), &card))
	if diff := cmp.Diff([]string{"vendors' tasks"}, card.Missing); diff != "" {
		t.Errorf("missing context (-want +got):\n%s", diff)
	}
	i.out.Reset()
	must(t, (&detect.ScorecardCommand{}).Run(t.Context(), i.server))
	if want := "Missing, or too old: vendors' tasks. What needs it abstains: vendor's task."; !strings.Contains(i.out.String(), want) {
		t.Errorf("the scorecard does not say %q:\n%s", want, i.out.String())
	}
}
