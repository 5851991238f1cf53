package detect_test

import (
	"bytes"
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const caseRoot = "../../detectors/testdata/cases"

// TestLateCases runs the cases of what comes late along a journal: an evaluation reads all context first, and could not see that what comes
// late is not heeded. The case's own context comes when its days are closed. Each verdict on what an alert rests on that it turns in an
// evaluation has to be turned then, by a message of its own.
func TestLateCases(t *testing.T) {
	t.Parallel()
	paths, err := evaluation.CasePaths([]string{caseRoot})
	must(t, err)
	paths = slices.DeleteFunc(paths, func(path string) bool { return filepath.Base(path) != "late.txtar" })
	turned := make([]string, len(paths))
	t.Run("cases", func(t *testing.T) {
		for i, path := range paths {
			name, err := filepath.Rel(caseRoot, filepath.Dir(path))
			must(t, err)
			t.Run(filepath.ToSlash(name), func(t *testing.T) {
				t.Parallel()
				if lateCaseTurns(t, path) {
					turned[i] = filepath.ToSlash(name)
				}
			})
		}
	})
	// The others say that something stays as it is, or are about events; nobody is told of what is not assessable; and what is learned of late
	// days counts for those that come.
	want := []string{
		"BreakGlassMisuse", "BulkExport", "CohortHarvest", "CoworkerAccess", "Crowd", "FailedBurst", "GlassRate", "GlassReason", "ManyUnexplained",
		"Printed", "SensitiveRecord", "SerialLooks", "SharedAccount", "StrangeAddress", "VendorAccess", "explanations/Appointment",
		"explanations/Attending", "explanations/CareTeam", "explanations/Charted", "explanations/GeneralPractitioner", "explanations/Ordered",
		"explanations/Requested", "explanations/Routed", "explanations/Ticket", "explanations/Unit", "explanations/UnitWindow",
	}
	slices.Sort(turned)
	if diff := gocmp.Diff(want, slices.DeleteFunc(slices.Compact(turned), func(name string) bool { return name == "" })); diff != "" {
		t.Errorf("cases in which a verdict turns: %s", diff)
	}
}

// lateCaseTurns checks a case, and reports whether a verdict turned.
func lateCaseTurns(t *testing.T, path string) (turned bool) {
	t.Helper()
	early, late := lateCase(t, path)
	if !slices.ContainsFunc(early, func(f txtar.File) bool { return bytes.Contains(f.Data, []byte(`"id":"every-1"`)) }) {
		shared, everyday := lateCase(t, caseRoot+"/everyday.txtar") // where nothing is usual there are no alerts
		early = slices.Concat(shared, everyday, slices.DeleteFunc(early, func(f txtar.File) bool {
			return slices.ContainsFunc(shared, func(have txtar.File) bool { return have.Name == f.Name && bytes.Equal(have.Data, f.Data) })
		}))
	}
	before, after := verdictsOf(t, early), verdictsOf(t, slices.Concat(early, late))
	closed, then, cited := liveVerdicts(t, early, late)
	for event, is := range after {
		was := before[event]
		if was == is || !cited[event] || is == detectors.ReasonWorksWith.String() || is == detectors.ReasonResponsible.String() {
			continue
		}
		if closed[event] != was {
			t.Errorf("%s was %q when its day was closed, and is %q in an evaluation", event, closed[event], was)
		}
		if turned = true; then[event] != is {
			t.Errorf("%s is %q when what came late is known, and %q in an evaluation", event, then[event], is)
		}
	}
	return turned
}

// lateCase reads a case: what it shares and its events, and its own context.
func lateCase(t *testing.T, path string) (early, late []txtar.File) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	must(t, err)
	for line := range strings.Lines(string(archive.Comment)) {
		if other, found := strings.CutPrefix(strings.TrimSpace(line), "with "); found && strings.HasSuffix(other, ".txtar") {
			shared, context := lateCase(t, filepath.Join(filepath.Dir(path), other))
			early = slices.Concat(early, shared, context)
		}
	}
	for _, f := range archive.Files {
		switch {
		case f.Name == "want" || f.Name == "notes":
		case strings.HasPrefix(f.Name, "AuditEvent"):
			early = append(early, f)
		default:
			late = append(late, f)
		}
	}
	return early, late
}

// verdictsOf are those that an evaluation says, by event: the reason where there is one.
func verdictsOf(t *testing.T, files []txtar.File) map[string]string {
	t.Helper()
	var all txtar.Archive
	for _, f := range files {
		i := slices.IndexFunc(all.Files, func(have txtar.File) bool { return have.Name == f.Name })
		if i < 0 {
			i, all.Files = len(all.Files), append(all.Files, txtar.File{Name: f.Name})
		}
		all.Files[i].Data = slices.Concat(all.Files[i].Data, f.Data)
	}
	dir, err := txtar.FS(&all)
	must(t, err)
	out := map[string]string{}
	_, err = evaluation.Run(t.Context(), evaluation.Config{
		Dir: dir, Zone: time.UTC, Decode: dataset.Decode, Queue: lateQueue, Clock: func() time.Time { return time.Unix(0, 0) },
		Judged: func(event string, _ *detectors.Access, v detectors.Verdict, why, _ string) {
			out[event] = cmp.Or(why, v.String())
		},
	})
	must(t, err)
	return out
}

// lateQueue is that of cases.
var lateQueue = detectors.Queue{Budget: 20, Least: 1, Prior: -1}

// liveVerdicts are those that an engine says, by event: when the days are closed, and when the rest of the context has come.
func liveVerdicts(t *testing.T, early, late []txtar.File) (closed, then map[string]string, cited map[string]bool) {
	t.Helper()
	h := &hospital{tb: t, zone: time.UTC}
	var err error
	h.keys, err = proto.OpenKeyRing(t.TempDir(), make([]byte, 32))
	must(t, err)
	h.codec, err = proto.NewCodec(h.keys)
	must(t, err)
	days := map[int64][]entry{}
	for _, f := range early {
		all := h.decode(f.Name, f.Data)
		if !strings.HasPrefix(f.Name, "AuditEvent") {
			h.add(time.Time{}, all...)
			continue
		}
		for _, e := range all {
			day := e.item.GetAccess().GetOccurredUs() / (24 * time.Hour).Microseconds()
			days[day] = append(days[day], e)
		}
	}
	// The days are judged one by one, behind a first one of which there is only to learn.
	sorted := slices.Sorted(maps.Keys(days))
	first := sorted[0] - 1
	login := `{"resourceType":"AuditEvent","id":"login","type":{"code":"110114"},"subtype":[{"code":"110122"}],"action":"E","recorded":"` +
		at(first, 8).Format(time.RFC3339) + `","outcome":"0","agent":[{"who":{"reference":"Practitioner/nobody"},"requestor":true}],"source":{"observer":{"display":"emr"}}}`
	h.add(at(first, 8), h.decode("AuditEvent.ndjson", []byte(login))...)
	end := time.Time{}
	for day := first; day <= sorted[len(sorted)-1]; day++ {
		h.add(at(day, 20), days[day]...)
		end = at(day+2, 1)
		h.add(end, tick(end))
	}
	n := len(h.batches)
	for _, f := range late {
		h.add(end, h.decode(f.Name, f.Data)...)
	}
	h.add(end.Add(time.Hour), tick(end.Add(time.Hour)))
	e, err := detectors.NewEngine(detectors.EngineConfig{
		Zone: time.UTC, Dir: t.TempDir(), Standing: &detectors.Settings{Queue: lateQueue, LearningDays: 1, Sample: -1},
	})
	must(t, err)
	w, events := &written{}, map[uint64]string{}
	for i, b := range h.batches {
		items, err := b.Items()
		must(t, err)
		for k, it := range items {
			if a := it.GetAccess(); a != nil {
				events[uint64(b.Position(k))] = strings.Clone(a.SourceEventId)
			}
		}
		must(t, e.Apply(t.Context(), b, w.take(t)))
		if i == n-1 {
			closed, cited = w.verdicts(events), map[string]bool{}
			for _, v := range w.versions {
				for _, c := range v.Accesses {
					cited[events[c.Position]] = true
				}
			}
		}
	}
	return closed, w.verdicts(events), cited
}

// at is an hour of a day.
func at(day int64, hour int) time.Time { return time.Unix(day*86_400+int64(hour)*3600, 0).UTC() }

// verdicts are the latest ones, by event.
func (w *written) verdicts(events map[uint64]string) map[string]string {
	out := map[string]string{}
	for _, m := range w.messages {
		at := uint64(0)
		for i, d := range m.Verdicts.GetPositions() {
			at += d
			said := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(v1.Verdict(m.Verdicts.Verdicts[i]).String(), "VERDICT_")), "_", " ")
			if n := m.Verdicts.Explanations[i]; n != 0 {
				said = detectors.Reasons()[n-1].String()
			}
			out[events[at]] = said
		}
	}
	return out
}
