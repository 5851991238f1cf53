package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// opened is a record that a reader opens on a day of the fortnight, so many times. Strangers are named by numbers.
type opened struct{ day, patient, looks int }

// openedBy is the fortnight in which one reader opens records of strangers.
func openedBy(tb testing.TB, all ...opened) (h *hospital, reader *v1.Identifier) {
	tb.Helper()
	base := fortnight()
	of := likelyPair(tb, base, fortnightWritten())
	template := citedEvents(tb, base, of)[0]
	h = base.copy(tb)
	var looks []arrival
	for n, o := range all {
		when := h.start(o.day).Add(11*time.Hour + time.Duration(n%2)*10*time.Minute)
		looks = append(looks, arrival{when.Add(time.Hour), sameAs(template, fmt.Sprintf("stranger-%d", n), when, o.looks, o.patient)})
	}
	h.insert(looks...)
	return h, of.Readers[0].Identifier
}

// snoopedDays are the hospitals of snooped by their days, which tests share: functions that make one once.
var snoopedDays sync.Map

// snooped is a fortnight in which one reader opens one record a day of somebody whom nobody knows, on so many of the last days. It is the
// caller's own.
func snooped(t *testing.T, days int) (h *hospital, reader *v1.Identifier, at []time.Time) {
	t.Helper()
	made, _ := snoopedDays.LoadOrStore(days, sync.OnceValues(func() (*hospital, *v1.Identifier) {
		tb := &quiet{}
		var all []opened
		for n := range days {
			all = append(all, opened{14 - days + n, n, 3})
		}
		h, reader := openedBy(tb, all...)
		h.share(tb, h.start(14-days))
		return h, reader
	}))
	shared, reader := made.(func() (*hospital, *v1.Identifier))() //nolint:forcetypeassert // stored above
	h = shared.copy(t)
	for n := range days {
		at = append(at, h.start(14-days+n).Add(11*time.Hour))
	}
	return h, reader, at
}

// attended is an encounter that says that a reader was with a patient.
func attended(h *hospital, n int, reader, patient *v1.Identifier, at time.Time) []entry {
	at = at.UTC()
	return h.decode("Encounter.ndjson", fmt.Appendf(nil, `{"resourceType":"Encounter","id":"late-%d","status":"finished","class":{"code":"AMB"},`+
		`"subject":{"reference":%q},"participant":[{"individual":{"reference":%q}}],"period":{"start":%q,"end":%q}}`,
		n, patient.Value, reader.Value, at.Add(-time.Hour).Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339)))
}

// replaced is a patient resource that says that the record of a stranger is a part of that of another one.
func replaced(h *hospital, from, by int) []entry {
	return h.decode("Patient.ndjson", fmt.Appendf(nil, `{"resourceType":"Patient","id":"stranger-%d","active":false,`+
		`"link":[{"other":{"reference":"Patient/stranger-%d"},"type":"replaced-by"}]}`, from, by))
}

// strangers are the records of strangers that an alert cites, by their numbers.
func strangers(a *v1.AlertVersion) map[string]int {
	out := map[string]int{}
	for _, c := range a.Accesses {
		if c.Patient > 0 {
			if name, ok := strings.CutPrefix(a.Patients[c.Patient-1].Identifier.Value, "Patient/stranger-"); ok {
				out[name]++
			}
		}
	}
	return out
}

// latestOf are the latest versions of a reader's alerts, by id; each follows the one before.
func latestOf(t *testing.T, w *written, reader *v1.Identifier) map[string]*v1.AlertVersion {
	t.Helper()
	out := map[string]*v1.AlertVersion{}
	for _, a := range w.versions {
		if len(a.Readers) == 0 || !pb.Equal(a.Readers[0].Identifier, reader) {
			continue
		}
		if was := out[string(a.AlertId)]; a.Version != was.GetVersion()+1 {
			t.Errorf("version %d of %x follows version %d", a.Version, a.AlertId, was.GetVersion())
		}
		out[string(a.AlertId)] = a
	}
	return out
}

// onlySeries is the latest version of the one series of a reader, the same for several hands and for engines that were restored.
func onlySeries(t *testing.T, h *hospital, reader *v1.Identifier) *v1.AlertVersion {
	t.Helper()
	w := judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-150)))
	var out *v1.AlertVersion
	for _, a := range latestOf(t, w, reader) {
		if a.Shape != v1.Shape_SHAPE_SERIAL {
			continue
		}
		if out != nil {
			t.Errorf("a second series of the reader: %q", a.Note.Title)
		}
		out = a
	}
	if out == nil {
		t.Fatal("there is no series")
	}
	return out
}

// TestASeriesIsOneAlert: who opens another record without a reason day after day is one alert, which grows: it cites and tells all of them,
// stands under the day on which it was told first, and nobody is told the same record twice.
func TestASeriesIsOneAlert(t *testing.T) {
	t.Parallel()
	const days = 8
	h, reader, at := snooped(t, days)
	h = h.whole(t)
	w := judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-150)))
	var series *v1.AlertVersion
	shown := map[string]int{}
	for _, a := range latestOf(t, w, reader) {
		if a.Shape == v1.Shape_SHAPE_SERIAL {
			if series != nil {
				t.Error("there are two series of one reader")
			}
			series = a
		}
		for name := range strangers(a) {
			if a.Shown {
				shown[name]++
			}
		}
	}
	if series == nil {
		t.Fatal("there is no series")
	}
	for n := range days {
		if name := fmt.Sprint(n); shown[name] != 1 {
			t.Errorf("the record of the %d. day is cited by %d alerts that are shown, want 1", n+1, shown[name])
		}
	}
	cited, seen := strangers(series), map[uint64]bool{}
	if len(cited) < days-2 || cited[fmt.Sprint(days-1)] != 3 {
		t.Errorf("the series cites %v", cited)
	}
	for _, c := range series.Accesses {
		if seen[c.Position] {
			t.Errorf("position %d is cited twice", c.Position)
		}
		seen[c.Position] = true
	}
	last := at[days-1].In(h.zone)
	if !strings.Contains(series.Note.What[0], "to "+last.Format("2 January 2006")) || !strings.Contains(series.Note.What[1], last.Format("Monday 2 January 2006")) {
		t.Errorf("the note does not tell the last day: %q", series.Note.What)
	}
	for _, a := range w.versions {
		if string(a.AlertId) == string(series.AlertId) && a.Day != series.Day {
			t.Errorf("version %d stands under day %d, the last one under %d", a.Version, a.Day, series.Day)
		}
	}
}

// TestASeriesCountsWhatItCites: the note of a series says how many accesses it rests on beside those that it tells, also those that only an
// earlier version knew of.
func TestASeriesCountsWhatItCites(t *testing.T) {
	t.Parallel()
	var all []opened
	for n := range 6 {
		all = append(all, opened{8 + n, n, 7})
	}
	h, reader := openedBy(t, all...)
	w := judged(t, h)
	seen := false
	for _, a := range latestOf(t, w, reader) {
		if a.Shape != v1.Shape_SHAPE_SERIAL || a.Version < 2 {
			continue
		}
		seen = true
		if told := len(a.Note.Evidence) + int(a.Note.More); told != len(a.Accesses) {
			t.Errorf("the note tells %d accesses, and the alert cites %d", told, len(a.Accesses))
		}
	}
	if !seen {
		t.Fatal("no series went on: the test saw nothing")
	}
}

// TestADecidedSeriesIsOver: what comes after somebody decided on a series is another one, and cites nothing that was decided on.
func TestADecidedSeriesIsOver(t *testing.T) {
	t.Parallel()
	for _, disposition := range []v1.Disposition{v1.Disposition_DISPOSITION_MISUSE, v1.Disposition_DISPOSITION_APPROPRIATE} {
		h, reader, _ := snooped(t, 9)
		w := judged(t, h)
		i := slices.IndexFunc(w.versions, func(a *v1.AlertVersion) bool {
			return a.Shape == v1.Shape_SHAPE_SERIAL && pb.Equal(a.Readers[0].Identifier, reader) && len(strangers(a)) >= 3
		})
		if i < 0 {
			t.Fatal("there is no series to decide on")
		}
		of := w.versions[i]
		h.after(time.UnixMicro(of.AtUs).Add(time.Hour), entry{item: &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{
			AlertId: of.AlertId, Version: of.Version, Disposition: disposition, Asker: "token:1", DecidedUs: of.AtUs,
		}}}})
		w = judged(t, h)
		must(t, w.same(restoredOften(t, h, len(h.batches)-150)))
		fresh := 0
		for id, a := range latestOf(t, w, reader) {
			if id == string(of.AlertId) {
				if a.Version != of.Version {
					t.Errorf("%s: the alert goes on after it was decided on: version %d, decided on %d", disposition, a.Version, of.Version)
				}
				continue
			}
			if a.Shape != v1.Shape_SHAPE_SERIAL {
				continue
			}
			fresh++
			for name := range strangers(of) {
				if strangers(a)[name] > 0 {
					t.Errorf("%s: the next series cites the record of the day %s, which was decided on", disposition, name)
				}
			}
		}
		if fresh != 1 {
			t.Errorf("%s: %d series after the one that was decided on, want 1", disposition, fresh)
		}
	}
}

// TestALateFactLeavesASeries: what becomes known later takes a record out of its series; when it explains all of them, the series is taken back.
func TestALateFactLeavesASeries(t *testing.T) {
	t.Parallel()
	const days = 6
	h, reader, at := snooped(t, days)
	encounters := func(names ...int) (out []entry) {
		for _, n := range names {
			out = append(out, attended(h, n, reader, &v1.Identifier{Value: fmt.Sprintf("Patient/stranger-%d", n)}, at[n])...)
		}
		return out
	}
	series := func(h *hospital) (shown []*v1.AlertVersion) {
		w := judged(t, h)
		for id, a := range latestOf(t, w, reader) {
			if a.Shape == v1.Shape_SHAPE_SERIAL && slices.ContainsFunc(w.versions, func(v *v1.AlertVersion) bool { return string(v.AlertId) == id && v.Shown }) {
				shown = append(shown, a)
			}
		}
		return shown
	}
	before := series(h)
	if len(before) != 1 || strangers(before[0])["2"] == 0 {
		t.Fatalf("%d series before", len(before))
	}
	one := h.copy(t)
	one.after(at[4], encounters(2)...) // its day was closed, and later ones were not
	if got := series(one); len(got) != 1 || strangers(got[0])["2"] != 0 || strangers(got[0])["5"] == 0 {
		t.Errorf("a record that is explained is still cited: %d series, %v", len(got), strangers(got[0]))
	}
	some := h.copy(t)
	some.after(h.start(16), encounters(5)...)
	if got := series(some); len(got) != 1 || got[0].State == v1.AlertState_ALERT_STATE_RETRACTED {
		t.Errorf("a series was taken back of which records are left: %d series", len(got))
	}
	all := h.copy(t)
	all.after(h.start(16), encounters(0, 1, 2, 3, 4, 5)...)
	if got := series(all); len(got) != 1 || got[0].State != v1.AlertState_ALERT_STATE_RETRACTED || got[0].Shown {
		t.Errorf("a series all of whose records are explained is %s", got[0].State)
	}
	inTurn := h.copy(t) // of which the first ones were not shown
	inTurn.after(at[0].Add(-24*time.Hour), entry{item: &v1.Item{Body: &v1.Item_RuleSet{RuleSet: ruleSet(t, func(c *ruleset.Config) { c.Threshold = 999 })}}})
	told := series(inTurn)
	if len(told) != 1 || !told[0].Shown {
		t.Fatalf("%d series when little is shown", len(told))
	}
	explained := map[uint32]bool{}
	for _, c := range slices.Backward(told[0].Accesses) {
		if !explained[c.Patient] {
			explained[c.Patient] = true
			n := len(explained)
			inTurn.after(h.start(16).Add(time.Duration(n)*time.Hour), attended(h, n, reader, told[0].Patients[c.Patient-1].Identifier, time.UnixMicro(c.OccurredUs))...)
		}
	}
	if got := series(inTurn); len(got) != 1 || got[0].State != v1.AlertState_ALERT_STATE_RETRACTED {
		t.Errorf("a series whose records are explained one after the other is %s", got[0].State)
	}
}

// TestWhatIsNoSeries: who opens the same record day after day is a story of that record, and who opens many on one day is one of that day.
func TestWhatIsNoSeries(t *testing.T) {
	t.Parallel()
	var oneRecord, oneDay []opened
	for day := 6; day < 14; day++ {
		oneRecord = append(oneRecord, opened{day, 0, 3})
		oneDay = append(oneDay, opened{12, day, 3})
	}
	for name, all := range map[string][]opened{"one record": oneRecord, "one day": oneDay} {
		h, reader := openedBy(t, all...)
		w := judged(t, h)
		told := 0
		for _, a := range latestOf(t, w, reader) {
			if told += len(strangers(a)); a.Shape == v1.Shape_SHAPE_SERIAL && len(strangers(a)) > 0 {
				t.Errorf("a series of %s: %q, %q", name, a.Note.Title, a.Note.What)
			}
		}
		if told == 0 {
			t.Errorf("%s: nothing is told of it, so the test saw nothing", name)
		}
	}
}

// TestARetractedSeriesCitesWhatItWas: a series that is taken back still says what it rested on, as any alert does.
func TestARetractedSeriesCitesWhatItWas(t *testing.T) {
	t.Parallel()
	var all []opened
	for day := 8; day < 14; day++ {
		all = append(all, opened{day, day, 3})
	}
	h, reader := openedBy(t, all...)
	var care []entry
	for day := 8; day < 14; day++ {
		care = append(care, attended(h, day, reader, &v1.Identifier{Value: fmt.Sprintf("Patient/stranger-%d", day)}, h.start(day).Add(11*time.Hour+10*time.Minute))...)
	}
	h.after(h.start(16), care...)
	w := judged(t, h)
	seen := false
	for _, a := range latestOf(t, w, reader) {
		if a.Shape != v1.Shape_SHAPE_SERIAL || a.State != v1.AlertState_ALERT_STATE_RETRACTED {
			continue
		}
		if seen = true; len(a.Accesses) == 0 {
			t.Errorf("version %d, taken back, cites nothing: %q", a.Version, a.Note.Title)
		}
	}
	if !seen {
		t.Fatal("no series was taken back: the test saw nothing")
	}
}

// TestALateAccessOfASeries: what comes late of a closed day of a series is told by it, beside all that it told before, and a late fact may still
// explain each record of that day. When the series was decided on before, it stays as it was.
func TestALateAccessOfASeries(t *testing.T) {
	t.Parallel()
	const days = 8
	base, reader, _ := snooped(t, days)
	series := func(h *hospital) map[string]*v1.AlertVersion {
		w := judged(t, h)
		must(t, w.same(restoredOften(t, h, len(h.batches)-60)))
		out := latestOf(t, w, reader)
		for id, a := range out {
			if a.Shape != v1.Shape_SHAPE_SERIAL {
				delete(out, id)
			}
		}
		return out
	}
	before := series(base)
	if len(before) != 1 {
		t.Fatalf("%d series before", len(before))
	}
	var of *v1.AlertVersion
	for _, of = range before {
		break
	}
	at := slices.IndexFunc(of.Accesses, func(c *v1.CitedAccess) bool { return of.Patients[c.Patient-1].Identifier.Value == "Patient/stranger-5" })
	again := citedEvents(t, base, of)[at]
	again.SourceEventId, again.EventId, again.RequestId = "late", nil, ""
	again.OccurredUs += (30 * time.Minute).Microseconds()
	late := entry{item: &v1.Item{Body: &v1.Item_Access{Access: again}}}

	grown := base.copy(t)
	grown.after(base.start(15).Add(12*time.Hour), late)
	all := series(grown)
	got := all[string(of.AlertId)]
	if len(all) != 1 || got.GetVersion() != of.Version+1 || len(got.Accesses) != len(of.Accesses)+1 {
		t.Errorf("%d series, version %d after %d cites %d accesses, %d before", len(all), got.GetVersion(), of.Version, len(got.GetAccesses()), len(of.Accesses))
	}
	for name, n := range strangers(of) {
		if strangers(got)[name] < n {
			t.Errorf("stranger %s is cited %d times, %d before", name, strangers(got)[name], n)
		}
	}

	decided := base.copy(t)
	decided.after(base.start(15).Add(6*time.Hour), entry{item: &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{
		AlertId: of.AlertId, Version: of.Version, Disposition: v1.Disposition_DISPOSITION_APPROPRIATE, Asker: "token:1", DecidedUs: of.AtUs,
	}}}})
	decided.after(base.start(15).Add(12*time.Hour), late)
	if got := series(decided); len(got) != 1 || got[string(of.AlertId)].GetVersion() != of.Version {
		t.Errorf("%d series, version %d after it was decided on at version %d", len(got), got[string(of.AlertId)].GetVersion(), of.Version)
	}
}

// TestASeriesAcrossAMerge: records of a series that turn out to be one are cited once, each access once, and what explains them under the
// number that they have by now takes them out of it, whichever number they were told under.
func TestASeriesAcrossAMerge(t *testing.T) {
	t.Parallel()
	const days = 8
	record := func(n int) *v1.Identifier { return &v1.Identifier{Value: fmt.Sprintf("Patient/stranger-%d", n)} }
	base, reader, at := snooped(t, days)
	series := func(h *hospital) *v1.AlertVersion { return onlySeries(t, h, reader) }

	for name, direction := range map[string][2]int{"into the later one": {2, 4}, "into the earlier one": {4, 2}} {
		one := base.copy(t)
		one.after(at[5].Add(-2*time.Hour), replaced(one, direction[0], direction[1])...) // both were told, and more follows
		told := series(one)
		seen, names := map[uint64]bool{}, map[string]bool{}
		for _, c := range told.Accesses {
			if seen[c.Position] {
				t.Errorf("%s: position %d is cited twice", name, c.Position)
			}
			if seen[c.Position] = true; c.Patient == 0 {
				t.Errorf("%s: position %d is cited as nobody's", name, c.Position)
			}
		}
		for _, p := range told.Patients {
			names[p.Identifier.Value] = true
		}
		if names[record(2).Value] == names[record(4).Value] {
			t.Errorf("%s: of one record that has two numbers the series names both, or neither: %v", name, names)
		}
		for _, number := range []int{2, 4} { // an encounter under either number is one of the record
			explained := one.copy(t)
			var care []arrival
			for i, day := range []int{2, 4} {
				care = append(care, arrival{at[6].Add(-time.Duration(4-i) * time.Hour), attended(explained, 10+i, reader, record(number), at[day])})
			}
			explained.insert(care...)
			for n := range strangers(series(explained)) {
				if n == "2" || n == "4" {
					t.Errorf("%s, explained under %d: the series still cites it, under %s", name, number, n)
				}
			}
		}
	}
}
