package rules_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/detectors/rules"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// hospital is a small one: ward W with nurses n1 to n9, clinic C with clerks c1 to c9, patients p1 to p40. p1 to p30 are in ward W.
type hospital struct {
	// queue has a prior, so that scenarios have the shares that are configured: these tests are about those.
	queue detectors.Queue
	// weights are what decisions taught.
	weights []detectors.ScenarioWeights
	t       testing.TB
	state   *facts.State
	book    *detectors.Book
	n       int
}

// monday is the first day of a hospital.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newHospital(t testing.TB) *hospital {
	t.Helper()
	state, err := facts.New(facts.Config{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	h := &hospital{queue: detectors.Queue{Prior: -13 * 256}, t: t, state: state, book: detectors.NewBook(state, time.UTC)}
	h.fact("Organization", "W", `"name":"Ward W"`)
	h.fact("Organization", "C", `"name":"Clinic C"`)
	for i := 1; i <= 9; i++ {
		h.staff(fmt.Sprintf("n%d", i), "W", "nurse")
		h.staff(fmt.Sprintf("c%d", i), "C", "clerk")
	}
	for i := 1; i <= 40; i++ {
		id := fmt.Sprintf("p%d", i)
		security := ""
		switch {
		case i > 35:
			security = `"meta":{"security":[{"code":"EMP"},{"code":"PSY"}]},`
		case i == 35:
			security = `"meta":{"security":[{"code":"VIP"}]},`
		}
		h.fact("Patient", id, security+fmt.Sprintf(`"name":[{"family":"Family%d","given":["A"]}],"birthDate":"1970-01-%02d"`, i, 1+i%28))
		if i <= 30 {
			h.fact("Encounter", "e"+id, fmt.Sprintf(`"subject":{"reference":"Patient/%s"},"serviceProvider":{"reference":"Organization/W"},`+
				`"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2026-02-28T00:00:00Z"}`, id))
		}
	}
	return h
}

func (h *hospital) fact(typ, id, body string) {
	h.t.Helper()
	resource := fmt.Sprintf(`{"resourceType":%q,"id":%q,%s}`, typ, id, body)
	if !json.Valid([]byte(resource)) {
		h.t.Fatalf("not JSON: %s", resource)
	}
	if err := h.state.Apply(&v1.ContextFact{Source: "emr", ResourceType: typ, ResourceId: id, Resource: []byte(resource)}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hospital) staff(id, department, role string) {
	h.fact("Practitioner", id, fmt.Sprintf(`"name":[{"family":"Staff%s","given":["B"]}]`, id))
	h.fact("PractitionerRole", "r"+id, fmt.Sprintf(`"practitioner":{"reference":"Practitioner/%s"},"organization":{"reference":"Organization/%s"},`+
		`"code":[{"coding":[{"code":%q}]}],"period":{"start":"2020-01-01"}`, id, department, role))
}

// access writes one into the book, at a time after the first day's midnight. change may change the event.
func (h *hospital) access(at time.Duration, reader, patient string, change ...func(*v1.AccessEvent)) {
	e := &v1.AccessEvent{
		Source: "emr", OccurredUs: monday.Add(at).UnixMicro(), Action: v1.Action_ACTION_READ, Outcome: v1.Outcome_OUTCOME_SUCCESS,
		Reader:      &v1.Reader{Identifiers: []*v1.Identifier{{System: "source:emr", Value: "Practitioner/" + reader}}, Type: v1.ReaderType_READER_TYPE_PRACTITIONER},
		Workstation: "ws-1",
	}
	if patient != "" {
		e.Patients = []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "source:emr", Value: "Patient/" + patient}}}}
	}
	for _, f := range change {
		f(e)
	}
	h.n++
	h.book.Add(proto.At(uint64(h.n/4096)+1, h.n%4096), 0, e, nil)
}

// outcome is what a study said, as text.
type outcome struct {
	findings, alerts []string
	// weights are by kind of misuse.
	weights map[string]detectors.Weight
	tally   detectors.Tally
}

func (h *hospital) judge(own ...detectors.CustomDetector) outcome {
	h.t.Helper()
	study, err := detectors.NewStudy(detectors.Config{Zone: time.UTC, Queue: h.queue, Custom: own, Weights: h.weights}, h.state, h.book)
	if err != nil {
		h.t.Fatal(err)
	}
	names := map[string]bool{}
	for _, d := range own {
		names[d.Custom().Name] = true
	}
	out := outcome{weights: map[string]detectors.Weight{}}
	study.Found = func(f detectors.Finding) {
		if names[f.Scale.Name] {
			who := strings.TrimSpace(last(h.state.StaffIdentifier(f.Reader)) + " " + last(h.state.Identifier(f.Patient)))
			out.findings = append(out.findings, fmt.Sprintf("%s: %s (%s)", f.Scale.Name, f.Scale.Words[f.Grade-1], who))
		}
	}
	out.tally, err = study.Run(context.Background(), func(day int32, queue []detectors.Alert) error {
		for i := range queue {
			a := &queue[i]
			out.weights[a.Scenario] = a.Weight
			out.alerts = append(out.alerts, fmt.Sprintf("%d %d %s %s %d %v %v %v\n%s", day, a.Rank, a.Shape, a.Scenario, a.Score, a.Readers, a.Patients, a.Accesses, a.Note))
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// last is the end of an identifier: "Practitioner/n1" is n1.
func last(id *v1.Identifier) string {
	return id.GetValue()[strings.LastIndex(id.GetValue(), "/")+1:]
}

// probe asks a rule about every access and tells what it said.
type probe struct {
	detectors.CustomDetector
	told func(*detectors.AccessView, bool, error)
}

func (p probe) Fits(v *detectors.AccessView) (bool, error) {
	ok, err := p.CustomDetector.Fits(v)
	p.told(v, ok, err)
	return ok, err
}

// parse reads one rule with a condition; the rest is as usual.
func parse(t testing.TB, key, when string, more ...string) *rules.Rule {
	t.Helper()
	text := "rules:\n- name: TestedRule\n  about: Something was seen.\n  normal: Something else would have made it normal.\n  key: " + key +
		"\n  when: |\n    " + strings.ReplaceAll(when, "\n", "\n    ") + "\n"
	if len(more) == 0 {
		more = []string{"grades: [{at_least: 1, word: seen}]"}
	}
	for _, line := range more {
		text += "  " + line + "\n"
	}
	all, err := rules.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return all[0]
}
