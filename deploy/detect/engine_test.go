package detect_test

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// quiet is a testing.TB for what tests share: it outlives each of them.
type quiet struct{ testing.TB }

// quietDirs are the directories of what tests share; TestMain has them removed.
var quietDirs struct {
	sync.Mutex
	made []string
}

func removeQuiet() {
	for _, dir := range quietDirs.made {
		_ = os.RemoveAll(dir)
	}
}

func (*quiet) Helper() {}

func (*quiet) Fatal(args ...any) { panic(args) }

func (*quiet) TempDir() string {
	dir, err := os.MkdirTemp("", "readtrail-detect-")
	if err != nil {
		panic(err)
	}
	quietDirs.Lock()
	defer quietDirs.Unlock()
	quietDirs.made = append(quietDirs.made, dir)
	return filepath.Clean(dir)
}

// TestNothingIsLeftBehind: a run of this binary leaves none of its directories where temporary files are.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	if os.Getenv("READTRAIL_TEST_SHARES") != "" {
		(&quiet{}).TempDir()
		return
	}
	binary, err := os.Executable()
	must(t, err)
	run := exec.CommandContext(t.Context(), binary, "-test.run=^TestNothingIsLeftBehind$")
	dir := t.TempDir()
	run.Env = append(os.Environ(), "READTRAIL_TEST_SHARES=1", "TMPDIR="+dir)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("%s and %d more are left", left[0].Name(), len(left)-1)
	}
}

// What comes out of a fortnight is what the design says: nothing before it is known what is usual but signs of record, a budget that
// is a ceiling, versions that follow each other, and verdicts on every access.
func TestLive(t *testing.T) {
	t.Parallel()
	h, w := fortnight(), fortnightWritten()
	shown, latest := map[int32]int{}, map[string]*v1.AlertVersion{}
	for _, a := range w.versions {
		id := string(a.AlertId)
		if before := latest[id]; a.Version != before.GetVersion()+1 {
			t.Errorf("version %d follows version %d", a.Version, before.GetVersion())
		}
		latest[id] = a
		if len(a.Readers) == 0 || len(a.Patients) == 0 || len(a.Accesses) == 0 || a.Note.GetTitle() == "" || len(a.RuleSet) != 16 {
			t.Errorf("an alert without readers, patients, accesses, a note or a rule set: %v", a.Detectors)
		}
		if a.Hard != (a.Hard && a.Shown) && a.State != v1.AlertState_ALERT_STATE_RETRACTED {
			t.Error("a hard sign is raised and not shown")
		}
	}
	sampled := map[int32]int{}
	for _, a := range latest {
		if a.Shown {
			shown[a.Day]++
		}
		if a.Sampled {
			sampled[a.Day]++
			if a.Shown {
				t.Error("a drawn pair counts as shown")
			}
		}
	}
	for day, n := range shown {
		if n > 20 {
			t.Errorf("%d alerts shown on day %d", n, day)
		}
	}
	if len(sampled) < 8 {
		t.Errorf("pairs were drawn on %d days", len(sampled))
	}
	verdicts, events := map[uint64]bool{}, map[uint64]bool{}
	for _, m := range w.messages {
		at := uint64(0)
		for _, d := range m.Verdicts.GetPositions() {
			at += d
			verdicts[at] = true
		}
	}
	for _, b := range h.batches {
		items, err := b.Items()
		if err != nil {
			t.Fatal(err)
		}
		for i, it := range items {
			if e := it.GetAccess(); e != nil && len(e.Patients) > 0 {
				events[uint64(b.Position(i))] = true
			}
		}
	}
	if missing := len(events) - len(verdicts); missing != 0 {
		t.Errorf("%d of %d events have no verdict", missing, len(events))
	}
}

// found counts the incidents of a scenario of which an alert that was shown cites an access.
func found(t *testing.T, h *hospital, w *written, scenario string, hard bool) (n, all int) {
	t.Helper()
	cited := map[uint64]bool{}
	for _, a := range w.versions {
		if a.Shown && (a.Hard || !hard) {
			for _, c := range a.Accesses {
				cited[c.Position] = true
			}
		}
	}
	incidents := map[string]bool{}
	for _, b := range h.batches {
		items, err := b.Items()
		if err != nil {
			t.Fatal(err)
		}
		for i, it := range items {
			if l, ok := h.labelled[it.GetAccess().GetSourceEventId()]; ok && l.Scenario == scenario {
				incidents[l.Incident] = incidents[l.Incident] || cited[uint64(b.Position(i))]
			}
		}
	}
	for _, yes := range incidents {
		if yes {
			n++
		}
	}
	return n, len(incidents)
}

// Signs of record are raised while the day goes on, within the batch, and looks at other records around them do not hide them.
func TestHardSignsDoNotWait(t *testing.T) {
	t.Parallel()
	for _, covering := range []bool{false, true} {
		h := newHospital(t, simulate.Config{
			Seed: 5, Staff: 150, Patients: 1500, Days: 10, Incidents: 40, Covering: covering, NoStory: true,
			Weights: onlyScenarios("self", "terminated", "enumeration"),
		})
		h.rules(h.start(0), ruleSet(t, nil))
		h.before("")
		h.live(0, 10, "")
		_, w := run(t, engineConfig(t, h), h.batches)
		for _, scenario := range []string{"self", "terminated", "enumeration"} {
			n, all := found(t, h, w, scenario, true)
			t.Logf("covering %v: %s: %d of %d at once", covering, scenario, n, all)
			floor := all * 9 / 10
			if scenario == "enumeration" {
				floor = all / 3 // half of the days are learning days, on which a walk says nothing yet
			}
			if all < 5 || n < floor {
				t.Errorf("covering %v: %d of %d incidents of %s were raised at once", covering, n, all, scenario)
			}
		}
		late := 0
		received := map[uint64]int64{}
		for _, b := range h.batches {
			for i := range b.Count() {
				received[uint64(b.Position(i))] = b.Head.ReceivedUs
			}
		}
		for _, a := range w.versions {
			newest := int64(0)
			for _, c := range a.Accesses {
				newest = max(newest, received[c.Position])
			}
			if a.Hard && a.Version == 1 && a.AtUs != newest {
				late++
			}
		}
		if late > 0 {
			t.Errorf("%d hard alerts came later than the batch that showed them", late)
		}
		provisionalUntilClosed(t, w)
	}
}

// TestHardSignAtTheBeginning: an account whose owner had left is told of at once, though nothing but the staff list is known: also when it
// acted before there was a rule set, and when no tick has come since the list.
func TestHardSignAtTheBeginning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(h *hospital, list, sign func()){
		"list, rules, access": func(h *hospital, list, sign func()) { list(); h.rules(h.start(0), ruleSet(t, nil)); sign() },
		"rules, list, access": func(h *hospital, list, sign func()) { h.rules(h.start(0), ruleSet(t, nil)); list(); sign() },
		"list, access, rules": func(h *hospital, list, sign func()) { list(); sign(); h.rules(h.start(0), ruleSet(t, nil)) },
		"rules, access, list": func(h *hospital, list, sign func()) { h.rules(h.start(0), ruleSet(t, nil)); sign(); list() },
		"access, rules, list": func(h *hospital, list, sign func()) { sign(); h.rules(h.start(0), ruleSet(t, nil)); list() },
		"tick before the list": func(h *hospital, list, sign func()) {
			h.rules(h.start(0), ruleSet(t, nil))
			h.add(h.start(0), tick(h.start(0)))
			list()
			sign()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHospital(t, simulate.Config{Seed: 5, Staff: 150, Patients: 1500, Days: 1})
			list := func() {
				h.add(h.start(0), h.decode("PractitionerRole.ndjson", []byte(`{"resourceType":"PractitionerRole","id":"left","practitioner":`+
					`{"reference":"Practitioner/left"},"period":{"start":"2015-01-01","end":"2016-01-01"}}`))...)
			}
			sign := func() {
				h.add(h.start(0), entry{item: &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
					EventId: []byte("0123456789abcdefghij"), Source: "dataset", OccurredUs: h.start(0).UnixMicro(), Action: v1.Action_ACTION_READ,
					Reader:   &v1.Reader{Type: v1.ReaderType_READER_TYPE_STAFF, Identifiers: []*v1.Identifier{{System: "source:dataset", Value: "Practitioner/left"}}},
					Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "s", Value: "p"}}}},
				}}}})
			}
			c(h, list, sign)
			if _, w := run(t, engineConfig(t, h), h.batches); len(w.versions) != 1 || !w.versions[0].Hard {
				t.Errorf("alerts %v, want one that did not wait", w.versions)
			}
		})
	}
}

// TestListAfterTheLook: a record that is put on a watch list is one for who opened it on the same day, too, without another access.
func TestListAfterTheLook(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 5, Staff: 150, Patients: 1500, Days: 1})
	h.rules(h.start(0), ruleSet(t, nil))
	for _, f := range [][2]string{
		{"PractitionerRole", `"practitioner":{"reference":"Practitioner/cook"},"organization":{"display":"Kitchen"},"period":{"start":"2015-01-01"}`},
		{"Patient", `"identifier":[{"system":"urn:mrn","value":"1"}]`},
		{"Encounter", `"status":"finished","subject":{"reference":"Patient/b"},"period":{"start":"2016-01-01","end":"2016-01-02"}`},
	} {
		h.add(h.start(0), h.decode(f[0]+".ndjson", []byte(`{"resourceType":"`+f[0]+`","id":"a",`+f[1]+`}`))...)
	}
	h.add(h.start(0), entry{item: &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
		EventId: []byte("0123456789abcdefghij"), Source: "dataset", OccurredUs: h.start(0).UnixMicro(), Action: v1.Action_ACTION_READ,
		Reader:   &v1.Reader{Type: v1.ReaderType_READER_TYPE_STAFF, Identifiers: []*v1.Identifier{{System: "source:dataset", Value: "Practitioner/cook"}}},
		Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "source:dataset", Value: "Patient/a"}}}},
	}}}})
	_, before := run(t, engineConfig(t, h), h.batches)
	h.add(h.start(0), h.decode("WatchListEntry.ndjson", []byte(`{"resourceType":"WatchListEntry","id":"w","subject":{"reference":"Patient/a"},`+
		`"period":{"start":"2020-01-01","end":"2050-01-01"}}`))...)
	_, w := run(t, engineConfig(t, h), h.batches)
	if len(before.versions) != 0 || len(w.versions) != 1 || !w.versions[0].Hard ||
		!slices.ContainsFunc(w.versions[0].Detectors, func(d *v1.FiredDetector) bool { return d.Detector == "WatchedRecord" }) {
		t.Errorf("alerts before the list %v and after it %v, want none and one that did not wait", before.versions, w.versions)
	}
}

// TestRuleSetThatCannotBeRead: the one before stays in force, and what is wrong is told with its key.
func TestRuleSetThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 5, Staff: 150, Patients: 600, Days: 1})
	good := ruleSet(t, nil)
	h.rules(h.start(0), good)
	h.rules(h.start(0), &v1.RuleSet{Code: "0", Config: "time_zone: UTC\nnumbers: {Crowd: {readers: 1}}\n", Hash: []byte("0123456789abcdef")})
	e, _ := run(t, engineConfig(t, h), h.batches)
	if s := e.Stats(); s.BadRuleSets != 1 || !strings.Contains(s.BadRuleSet, "numbers: Crowd.readers: 1; want 2 to 1000") || !bytes.Equal(e.RuleSet(), good.Hash) {
		t.Errorf("%d rule sets could not be read (%q), and %x is in force; want %x", s.BadRuleSets, s.BadRuleSet, e.RuleSet(), good.Hash)
	}
}

// provisionalUntilClosed: what was said on an open day is said to be provisional, is about what its alerts rest on, and is said again,
// as final, when the day is closed.
func provisionalUntilClosed(t *testing.T, w *written) {
	t.Helper()
	type key struct {
		position uint64
		patient  byte
	}
	cited, open, final, last := map[uint64]map[uint64]bool{}, map[key]int32{}, map[key]bool{}, int32(0)
	for _, a := range w.versions {
		if cited[a.Cause] == nil {
			cited[a.Cause] = map[uint64]bool{}
		}
		for _, c := range a.Accesses {
			cited[a.Cause][c.Position] = true
		}
	}
	for _, m := range w.messages {
		if m.Closed {
			last = max(last, m.Day)
		}
		position := uint64(0)
		for i, step := range m.Verdicts.GetPositions() {
			position += step
			k := key{position, m.Verdicts.Patients[i]}
			switch {
			case m.Closed:
				final[k] = true
			case final[k]:
				t.Errorf("a verdict on an access of day %d is provisional after it was final", m.Day)
			case !cited[m.Cause][position]:
				t.Errorf("a provisional verdict of day %d is about an access that no alert of its cause cites", m.Day)
			default:
				open[k] = m.Day
			}
		}
	}
	closed := 0
	for k, day := range open {
		if day <= last {
			closed++
			if !final[k] {
				t.Errorf("a provisional verdict of day %d never became final", day)
			}
		}
	}
	if closed < 5 {
		t.Errorf("only %d verdicts were provisional first", closed)
	}
}

func onlyScenarios(names ...string) map[string]int {
	out := map[string]int{}
	for _, s := range simulate.Scenarios() {
		out[s] = 0
	}
	for _, n := range names {
		out[n] = 100
	}
	return out
}

// A note that comes after the day was closed takes the alert back, with the reason, and turns the verdicts.
func TestLateFactRetracts(t *testing.T) {
	t.Parallel()
	h, w := fortnight(), fortnightWritten()
	var of *v1.AlertVersion
	for _, a := range w.versions {
		if a.Shown && !a.Hard && a.Shape == v1.Shape_SHAPE_PAIR && a.State == v1.AlertState_ALERT_STATE_RAISED &&
			!slices.ContainsFunc(a.Detectors, func(d *v1.FiredDetector) bool { return d.Detector == "SelfAccess" }) {
			of = a
		}
	}
	if of == nil {
		t.Fatal("no alert to take back")
	}
	reader, patient := of.Readers[0].Identifier.Value, of.Patients[0].Identifier.Value
	at := time.UnixMicro(of.Accesses[0].OccurredUs).UTC()
	note := fmt.Sprintf(`{"resourceType":"Encounter","id":"late","status":"finished","class":{"code":"AMB"},"subject":{"reference":%q},`+
		`"participant":[{"individual":{"reference":%q}}],"period":{"start":%q,"end":%q}}`,
		patient, reader, at.Add(-time.Hour).Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))
	late := h.copy(t)
	closed := time.UnixMicro(of.AtUs)
	late.after(closed, h.decode("Encounter.ndjson", []byte(note))...)
	got := judged(t, late)
	var last *v1.AlertVersion
	for _, a := range got.versions {
		if bytes.Equal(a.AlertId, of.AlertId) {
			last = a
		}
	}
	if last.GetState() != v1.AlertState_ALERT_STATE_RETRACTED || last.Shown || !strings.Contains(last.Because, "takes part in an encounter") {
		t.Fatalf("the alert is %s, version %d, because %q", last.GetState(), last.GetVersion(), last.GetBecause())
	}
	turned := map[uint64]v1.Explanation{}
	for _, m := range got.messages {
		if m.Cause != last.Cause {
			continue
		}
		at := uint64(0)
		for i, d := range m.Verdicts.GetPositions() {
			at += d
			if m.Verdicts.Verdicts[i] == byte(v1.Verdict_VERDICT_EXPLAINED) {
				turned[at] = v1.Explanation(m.Verdicts.Explanations[i])
			}
		}
	}
	for _, c := range of.Accesses {
		if turned[c.Position] != v1.Explanation_EXPLANATION_ATTENDING {
			t.Errorf("the verdict on an access of the alert is not turned: %s", turned[c.Position])
		}
		if n := len(got.about()[proto.Position(c.Position)]); n != 2 {
			t.Errorf("the verdict on an access of the alert came %d times", n)
		}
	}
}

// Without a file of context nothing fails, the budget holds, and what is blind is named: by day, as a change of context, and in the note of
// each alert that no reason is known for.
func TestWithoutContext(t *testing.T) {
	t.Parallel()
	blind := map[string]struct{ kind, abstains, untried string }{
		"Patient": {"patients", "general practitioner", ""}, "Practitioner": {"staff", "SelfAccess", ""},
		"PractitionerRole": {"employment", "LeftAccount", ""}, "Slot": {"roster", "AfterHours", ""}, "Schedule": {"roster", "AfterHours", ""},
		"Encounter":      {"encounters", "takes part in an encounter", "Encounters are missing here"},
		"Appointment":    {"appointments", "has an appointment", "Appointments are missing here"},
		"CareTeam":       {"care teams", "in the care team", "Care teams are missing here"},
		"ServiceRequest": {"orders", "an order is routed to the department", "Orders are missing here"},
		"Consent":        {"consents", "research with consent", ""}, "vendors.csv": {"vendors' tasks", "vendor's task", ""},
		"badges.csv": {"badges", "BadgedOut", ""}, "Person": {}, "RelatedPerson": {}, "Organization": {}, "watchlist.csv": {}, "managers.csv": {},
		"Observation": {}, "DocumentReference": {}, "MedicationAdministration": {}, "Condition": {}, "Location": {},
	}
	of := newHospital(t, simulate.Config{Seed: 3, Staff: 150, Patients: 600, Days: 6, Incidents: 20})
	of.reading = &reading{all: map[string][]entry{}}
	for file, want := range blind {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			h := of.again(t)
			h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) { c.LearningDays, c.Budget = 3, 5 }))
			h.before(file)
			h.live(0, 6, file)
			for hour := range 60 {
				h.add(h.start(6).Add(time.Duration(hour)*time.Hour), tick(h.start(6).Add(time.Duration(hour)*time.Hour)))
			}
			e, w := run(t, engineConfig(t, h), h.batches)
			shown := map[int32]map[string]bool{}
			for _, a := range w.versions {
				if shown[a.Day] == nil {
					shown[a.Day] = map[string]bool{}
				}
				shown[a.Day][string(a.AlertId)] = a.Shown && !mayExceed(a)
			}
			for day, of := range shown {
				n := 0
				for _, yes := range of {
					if yes {
						n++
					}
				}
				if n > 5 {
					t.Errorf("%d alerts shown on day %d", n, day)
				}
			}
			kind := cmp.Or(map[string]string{
				"watchlist.csv": "watch list", "managers.csv": "managers", "vendors.csv": "tickets and contracts of vendors", "badges.csv": "door badges",
			}[file], file)
			absent := slices.DeleteFunc(e.Absent(), func(a detectors.AbsentContext) bool { return a.Optional })
			if len(absent) != 1 || absent[0].Kind != kind || absent[0].Tells == "" {
				t.Errorf("without %s, %v are called absent", file, absent)
			}
			if want.kind == "" { // others tell of the same kind of context: nothing abstains
				if got := e.Gaps(); len(got) > 0 {
					t.Errorf("without %s, %v are proposed", file, got)
				}
				return
			}
			if !slices.ContainsFunc(w.messages, func(m *v1.Findings) bool { return slices.Contains(m.Missing, want.kind) }) {
				t.Errorf("it is not said that %s are missing", want.kind)
			}
			if !slices.ContainsFunc(e.Gaps(), func(g *v1.ContextGap) bool {
				return g.Context == want.kind && g.Absent && slices.Contains(g.Blind, want.abstains)
			}) {
				t.Errorf("no entry is proposed that without %s, %q abstains: %v", want.kind, want.abstains, e.Gaps())
			}
			told := 0
			for _, a := range w.versions {
				for _, tried := range a.Note.GetTried() {
					switch missing := strings.Contains(tried, "missing here"); {
					case !missing:
					case want.untried == "" || !strings.Contains(tried, want.untried):
						t.Errorf("a note says: %s", tried)
					default:
						told++
					}
				}
			}
			if want.untried != "" && told == 0 {
				t.Errorf("no note says %q", want.untried)
			}
		})
	}
}

func mayExceed(a *v1.AlertVersion) bool {
	return slices.ContainsFunc(a.Detectors, func(d *v1.FiredDetector) bool {
		return d.Grade == 2 && (d.Detector == "LeftAccount" || d.Detector == "WatchedRecord")
	})
}

// Care that falls silent is no reason to suspect everybody: verdicts say that they cannot tell, whether care as a whole is too old or each of its
// kinds.
func TestCareFallsSilent(t *testing.T) {
	t.Parallel()
	const old = 36 * time.Hour
	for name, ages := range map[string]map[string]time.Duration{
		"care":       {"care": old},
		"every kind": {"care": 168 * time.Hour, "encounters": old, "appointments": old, "teams": old, "orders": old, "charting": old},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			careFallsSilent(t, ages)
		})
	}
}

func careFallsSilent(t *testing.T, ages map[string]time.Duration) {
	t.Helper()
	h := newHospital(t, simulate.Config{Seed: 4, Staff: 150, Patients: 600, Days: 8, Incidents: 60})
	h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) { c.LearningDays, c.MaxAge, c.Budget = 3, ages, 60 }))
	h.before("vendors.csv")
	h.live(0, 4, "vendors.csv")
	silent := len(h.batches)
	for day := 4; day < 8; day++ { // the care feed is broken
		h.liveDay(day, nil)
	}
	for hour := range 50 {
		at := h.start(8).Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	e, w := run(t, engineConfig(t, h), h.batches)
	for _, a := range w.versions {
		for _, tried := range a.Note.GetTried() {
			if strings.Contains(tried, "  ") || strings.Contains(tried, "No connects") || strings.HasPrefix(tried, " ") {
				t.Errorf("a note says: %s", tried)
			}
		}
	}
	at, unable, unexplained := h.batches[silent].Sequence(), 0, 0
	for _, m := range w.messages {
		sum := uint64(0)
		for i, d := range m.Verdicts.GetPositions() {
			if sum += d; sum>>12 > at+40 {
				switch v1.Verdict(m.Verdicts.Verdicts[i]) {
				case v1.Verdict_VERDICT_NOT_ASSESSABLE:
					unable++
				case v1.Verdict_VERDICT_UNEXPLAINED:
					unexplained++
				}
			}
		}
	}
	if unable < 100 || unexplained > unable/10 {
		t.Errorf("%d not assessable, %d unexplained", unable, unexplained)
	}
	gaps := e.Gaps()
	i := slices.IndexFunc(gaps, func(g *v1.ContextGap) bool { return g.Context == "care" })
	if i < 0 || !gaps[i].Absent || gaps[i].NewestUs == 0 {
		t.Fatalf("gaps: %v", gaps)
	}
	again, _ := run(t, engineConfig(t, h), h.batches)
	if got := again.Gaps(); !bytes.Equal(got[i].EventId, gaps[i].EventId) {
		t.Error("a replay proposes the same change under another id")
	}
	h.add(h.start(11), entry{item: &v1.Item{Body: &v1.Item_ContextGap{ContextGap: gaps[i]}}})
	after, _ := run(t, engineConfig(t, h), h.batches)
	if slices.ContainsFunc(after.Gaps(), func(g *v1.ContextGap) bool { return g.Context == "care" }) {
		t.Error("what is journaled is proposed again")
	}
}

// An import of a year's history, every day of it and of a quarter of the accounts, is judged at its end and marked: its alerts notify nobody. What comes
// live behind it is judged at once by what it taught.
func TestBackfill(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 9, Staff: 150, Patients: 1500, Days: 367, Incidents: 900})
	h.rules(h.start(364), ruleSet(t, nil))
	at := h.start(364)
	mark := func(phase v1.ImportMark_Phase) entry {
		return entry{item: &v1.Item{Body: &v1.Item_ImportMark{ImportMark: &v1.ImportMark{
			ImportId: []byte("a year"), Phase: phase, Backfill: true,
		}}}}
	}
	h.add(at, mark(v1.ImportMark_PHASE_BEGIN))
	h.add(at, h.people("")...)
	for day := range 364 {
		h.add(at, h.care(day, "")...)
		events := h.someEvents(day, func(json []byte) bool {
			agents, _, _ := bytes.Cut(json, []byte(`"requestor":true`))
			account := fnv.New32a()
			account.Write(agents[max(0, bytes.LastIndex(agents, []byte(`"who":`))):])
			return account.Sum32()%4 == 0
		})
		for i := range events {
			events[i].item.GetAccess().ImportId = []byte("a year")
		}
		h.add(at, events...)
	}
	before := len(h.batches)
	h.add(at, mark(v1.ImportMark_PHASE_END))
	end := h.batches[before].Sequence()
	h.live(364, 366, "")
	for hour := range 50 {
		at := h.start(366).Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	e, w := run(t, engineConfig(t, h), h.batches)
	old, days, fresh := 0, map[int32]bool{}, 0
	for _, a := range w.versions {
		switch cause := proto.Position(a.Cause).Sequence(); {
		case a.Backfill:
			old++
			days[a.Day] = true
			if cause != end {
				t.Errorf("an alert of the backfill was caused by batch %d, not by its end %d", cause, end)
			}
		case cause <= end:
			t.Error("an alert that notifies came out of the backfill")
		default:
			fresh++
		}
	}
	t.Logf("%d alerts of the backfill on %d days, %d of the days behind it", old, len(days), fresh)
	if old < 200 || len(days) < 100 || fresh == 0 || e.Stats().Learning {
		t.Errorf("%d alerts of the backfill on %d days, %d behind it, learning %v", old, len(days), fresh, e.Stats().Learning)
	}
}

// Who was found to misuse records ranks higher afterwards, and a decision that was reopened takes that back.
func TestPastOutcomesRaiseScores(t *testing.T) {
	t.Parallel()
	h, w := fortnight(), fortnightWritten()
	var first, second *v1.AlertVersion
	for _, b := range w.versions {
		for _, a := range w.versions {
			if a.Day < b.Day && a.Cause < b.Cause && len(a.Readers) == 1 && len(b.Readers) == 1 && len(a.Patients) <= 4 &&
				!a.Sampled && !b.Sampled && !b.Hard && b.Version == 1 && a.Readers[0].Identifier.Value == b.Readers[0].Identifier.Value {
				first, second = a, b
			}
		}
	}
	if first == nil {
		t.Fatal("no reader has two alerts")
	}
	decide := func(d v1.Disposition) entry {
		return entry{item: &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{AlertId: first.AlertId, Disposition: d}}}}
	}
	scoreOf := func(decisions ...entry) *v1.AlertVersion {
		with := h.copy(t)
		with.after(time.UnixMicro(first.AtUs), decisions...)
		got := judged(t, with)
		for _, a := range got.versions {
			if bytes.Equal(a.AlertId, second.AlertId) && a.Version == second.Version {
				return a
			}
		}
		t.Fatal("the second alert is gone")
		return nil
	}
	plain, found := scoreOf(), scoreOf(decide(v1.Disposition_DISPOSITION_MISUSE))
	reopened := scoreOf(decide(v1.Disposition_DISPOSITION_MISUSE), decide(v1.Disposition_DISPOSITION_REOPENED))
	if found.Score <= plain.Score || found.Score > plain.Score+512 || !slices.Contains(found.Boosts, "repeat_offender") {
		t.Errorf("the score goes from %d to %d, boosts %v", plain.Score, found.Score, found.Boosts)
	}
	if reopened.Score != plain.Score || len(reopened.Boosts) > 0 {
		t.Errorf("a decision that was reopened still counts: %d, not %d", reopened.Score, plain.Score)
	}
}
