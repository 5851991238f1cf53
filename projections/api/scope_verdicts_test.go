package api_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestScopesTellVerdicts: of random histories with merges, each report of the file carries the verdict on its own patient, and the rows
// of the scope add up what the file says.
func TestScopesTellVerdicts(t *testing.T) {
	h := &history{rand.New(rand.NewPCG(8, 3))}
	w := newWorld(t)
	query := &v1.ScopeQuery{Workstation: "WS-1"}
	for range 6 {
		w.pass(time.Minute)
		items := make([]*v1.Item, 40)
		for i := range items {
			items[i] = h.item(w.clock())
		}
		w.append(items...)
	}
	w.settle()
	if got := w.scope(query); got.Verdicts != nil || !slices.ContainsFunc(got.Header.Notes, func(n string) bool { return strings.Contains(n, "judged nothing yet") }) {
		t.Errorf("no detector has judged, and the scope says %v, %q", got.Verdicts, got.Header.Notes)
	}
	all := w.entries()
	judging := &hospital{world: w, random: h.r, accesses: accessesOf(all)}
	judging.detector = detectiontest.NewGenerator(3, uint64(w.head()), begin)
	var stops []uint64
	for range 2 {
		judging.detect(5)
		stops = append(stops, uint64(w.head()))
	}
	w.settle()
	for i, stop := range stops {
		root, known := joined(all, stop), judging.judgements(stop)
		got := breachScope(t, w, w.service, query, 1000, func(m *v1.BreachScopeRequest) { m.AsOfPosition = stop })
		want := verdictsOfFile(t, w, query, stop, func(position uint64, patient, text string) judgement {
			return known[[2]uint64{position, uint64(placeOf(all, root, position, patient, text))}]
		})
		rows := map[string]*v1.ScopeVerdicts{}
		for _, p := range got.Patients {
			rows[root(name(p.Identifiers[0]))] = p.Verdicts
		}
		for _, u := range got.Unresolved {
			rows[u.Text] = u.Verdicts
		}
		sum, places := &v1.ScopeVerdicts{}, &v1.ScopeVerdicts{}
		perRow := map[string]*v1.ScopeVerdicts{}
		for who, v := range want {
			if perRow[root(who)] == nil {
				perRow[root(who)] = &v1.ScopeVerdicts{}
			}
			addVerdicts(perRow[root(who)], v)
			addVerdicts(sum, v)
		}
		if diff := cmp.Diff(perRow, rows, protocmp.Transform()); diff != "" {
			t.Errorf("stop %d: file (-) and rows (+): %s", i, diff)
		}
		for _, j := range got.Jurisdictions {
			addVerdicts(places, j.Verdicts)
		}
		if diff := cmp.Diff(sum, got.Verdicts, protocmp.Transform()); diff != "" {
			t.Errorf("stop %d: file (-) and whole scope (+): %s", i, diff)
		}
		if diff := cmp.Diff(sum, places, protocmp.Transform()); diff != "" {
			t.Errorf("stop %d: whole scope (-) and jurisdictions (+): %s", i, diff)
		}
		c := got.Totals.Counts
		if v := got.Verdicts; v.Explained+v.Unexplained+v.NotAssessable+v.NotJudged != c.Reports-c.SecondReports-c.Patientless {
			t.Errorf("stop %d: %v do not add up to %v", i, v, c)
		}
		if v := got.Verdicts; min(v.Explained, v.Unexplained, v.NotAssessable, v.NotJudged, c.SecondReports) == 0 {
			t.Fatalf("the history shows too little: %v, %v", v, c)
		}
	}
}

func addVerdicts(to, v *v1.ScopeVerdicts) {
	to.Explained, to.Unexplained = to.Explained+v.GetExplained(), to.Unexplained+v.GetUnexplained()
	to.NotAssessable, to.NotJudged = to.NotAssessable+v.GetNotAssessable(), to.NotJudged+v.GetNotJudged()
}

// patientsOf are an event's distinct patients, in order: by their first identifiers, or by text.
func patientsOf(e *v1.AccessEvent) (out []string) {
	for _, p := range e.Patients {
		who := p.Text
		if len(p.Identifiers) > 0 {
			who = name(p.Identifiers[0])
		}
		if !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	return out
}

func accessesOf(all []entry) (out []detectiontest.Access) {
	for _, x := range all {
		e := x.item.GetAccess()
		if e == nil {
			continue
		}
		a := detectiontest.Access{Position: x.position, Occurred: time.UnixMicro(e.OccurredUs), Reader: e.Reader.Identifiers[0]}
		for _, who := range patientsOf(e) {
			a.Patients = append(a.Patients, id("", who))
		}
		out = append(out, a)
	}
	return out
}

// placeOf is which of an event's patients is meant; of several names for one the first.
func placeOf(all []entry, root func(string) string, position uint64, patient, text string) int {
	i := slices.IndexFunc(all, func(x entry) bool { return x.position == position })
	return slices.IndexFunc(patientsOf(all[i].item.GetAccess()), func(who string) bool {
		return patient != "|" && strings.Contains(who, "|") && root(who) == root(patient) || patient == "|" && who == text
	})
}

// verdictsOfFile reads the scope's file, compares each verdict with the one that is known, and adds up by patient, or text.
func verdictsOfFile(t *testing.T, w *world, q *v1.ScopeQuery, stop uint64, known func(position uint64, patient, text string) judgement) map[string]*v1.ScopeVerdicts {
	t.Helper()
	var file bytes.Buffer
	w.exportTo(&v1.ExportScopeRequest{Query: q, Purpose: "p", Format: v1.ExportScopeRequest_FORMAT_CSV, AsOfPosition: stop}, func(part *v1.ExportScopeResponse) {
		file.Write(part.Data)
	}, 0)
	rows, err := csv.NewReader(&file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out, documented := map[string]*v1.ScopeVerdicts{}, false
	for _, row := range rows[1:] {
		cell := func(name string) string { return row[slices.Index(rows[0], name)] }
		class, verdict := cell("class"), cell("verdict")
		if class == "second report" || class == "patientless" {
			if told := verdict + cell("explanation") + cell("document"); class == "second report" && told != "" {
				t.Errorf("a second report is told as %s", told)
			}
			continue
		}
		var position uint64
		if _, err := fmt.Sscan(cell("position"), &position); err != nil {
			t.Fatal(err)
		}
		patient, text := cell("patient_system")+"|"+cell("patient"), cell("patient_text")
		want := known(position, patient, text)
		if diff := cmp.Diff([]string{codeText(want.verdict, "VERDICT_"), codeText(want.explanation, "EXPLANATION_"), proto.DocumentText(want.document, time.UTC)},
			[]string{verdict, cell("explanation"), cell("document")}); diff != "" {
			t.Errorf("the report at %d: %s", position, diff)
		}
		documented = documented || want.document != nil
		who := patient
		if patient == "|" {
			who = text
		}
		if out[who] == nil {
			out[who] = &v1.ScopeVerdicts{}
		}
		switch verdict {
		case "explained":
			out[who].Explained++
		case "unexplained":
			out[who].Unexplained++
		case "not assessable":
			out[who].NotAssessable++
		default:
			out[who].NotJudged++
		}
	}
	if !documented {
		t.Error("no report has a document")
	}
	return out
}

// codeText is a code as a file writes it.
func codeText(code fmt.Stringer, prefix string) string {
	text := strings.ToLower(strings.TrimPrefix(code.String(), prefix))
	if text == "unspecified" {
		return ""
	}
	return strings.ReplaceAll(text, "_", " ")
}

// TestScopeOfAnAlert is the scope of the events that its latest version cites, by name in the answer; an id that none has is refused.
func TestScopeOfAnAlert(t *testing.T) {
	h := newHospital(t, 4, 80)
	h.detect(6)
	h.settle()
	latest := map[string]*v1.AlertVersion{}
	for _, v := range h.alerts.Messages() {
		if key := projections.IDText(v.AlertId); latest[key] == nil || latest[key].Version < v.Version {
			latest[key] = v
		}
	}
	if len(latest) < 3 {
		t.Fatalf("%d alerts", len(latest))
	}
	for alert, v := range latest {
		var events []string
		for _, a := range v.Accesses {
			events = append(events, fmt.Sprint(a.Position))
		}
		slices.Sort(events)
		if len(events) == 0 {
			t.Fatalf("alert %s cites nothing", alert)
		}
		got, want := h.scope(&v1.ScopeQuery{Alert: alert}), h.scope(&v1.ScopeQuery{Events: events})
		if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(&v1.AnswerHeader{}, "question_id", "journal_position", "position", "as_of_us")); diff != "" {
			t.Errorf("alert %s: scope of its events (-) and of the alert (+): %s", alert, diff)
		}
		if got.Totals.Events != uint64(len(slices.Compact(events))) || got.Query.Alert != "" {
			t.Errorf("alert %s: %d events, understood as %v", alert, got.Totals.Events, got.Query)
		}
	}
	for query, want := range map[*v1.ScopeQuery]connect.Code{
		{Alert: "no id"}:                                              connect.CodeInvalidArgument,
		{Alert: "0ujsszwN8NRY24YaXiTIE2VWDTS"}:                        connect.CodeNotFound,
		{Alert: "0ujsszwN8NRY24YaXiTIE2VWDTS", Object: "1"}:           connect.CodeInvalidArgument,
		{Alert: "0ujsszwN8NRY24YaXiTIE2VWDTS", Events: []string{"1"}}: connect.CodeInvalidArgument,
	} {
		_, err := h.service.Scopes().BreachScope(h.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: query, Purpose: "p"}))
		if connect.CodeOf(err) != want {
			t.Errorf("%v: %v, want %v", query, err, want)
		}
	}
}
