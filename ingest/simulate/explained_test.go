package simulate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

// reasons is what a plain explanation of accesses knows: which departments had, have or expect a patient, who ordered or
// charted, and who works where.
type reasons struct {
	mrn     map[string]string // Patient/id to record number
	staff   map[string]string // Practitioner/id to staff number
	home    map[string]string // staff number to department
	float   map[string][]string
	care    map[string][]time.Time // record number and department
	any     map[string][]time.Time // record number
	did     map[string]bool        // staff number and record number
	consent map[string]bool
}

type careResource struct {
	ID                                  string
	Identifier                          []struct{ System, Value string }
	Practitioner, Organization, Patient reference
	Subject, ServiceProvider, Requester reference
	Actor, Performer, Author            []json.RawMessage
	Period                              struct{ Start, End time.Time }
	Start, OccurrenceDateTime           time.Time
	Location                            []struct{ Location reference }
	Participant                         []struct{ Actor, Individual reference }
	GeneralPractitioner                 []reference
	Schedule                            reference
}

func reasonsOf(t *testing.T, h *simulate.Hospital) *reasons {
	t.Helper()
	r := &reasons{
		mrn: map[string]string{}, staff: map[string]string{}, home: map[string]string{}, float: map[string][]string{},
		care: map[string][]time.Time{}, any: map[string][]time.Time{}, did: map[string]bool{}, consent: map[string]bool{},
	}
	for f := range h.Context() {
		var v careResource
		if f.Type == "Consent" {
			r.consent[r.mrn[patientOf(f.JSON)]] = true
			continue
		}
		if err := json.Unmarshal(f.JSON, &v); err != nil {
			t.Fatalf("%s: %v", f.Type, err)
		}
		r.learn(f.Type, &v)
	}
	return r
}

func (r *reasons) learn(typ string, v *careResource) {
	patient := r.mrn[v.Subject.Reference]
	switch typ {
	case "Patient":
		r.mrn["Patient/"+v.ID] = v.Identifier[0].Value
		for _, g := range v.GeneralPractitioner {
			r.did[r.staff[g.Reference]+v.Identifier[0].Value] = true
		}
	case "Practitioner":
		r.staff["Practitioner/"+v.ID] = v.Identifier[0].Value
	case "PractitionerRole":
		r.home[r.staff[v.Practitioner.Reference]] = departmentOf(v.Organization.Reference)
	case "Schedule":
		who := r.staff[referenceIn(v.Actor[0])]
		r.float[who] = append(r.float[who], departmentOf(referenceIn(v.Actor[1])))
	case "Encounter":
		for _, l := range v.Location {
			r.sees(patient, departmentOf(l.Location.Reference), v.Period.Start, v.Period.End)
		}
	case "Appointment":
		p := r.mrn[v.Participant[0].Actor.Reference]
		r.sees(p, departmentOf(v.Participant[2].Actor.Reference), v.Start, v.Start)
	case "ServiceRequest":
		r.did[r.staff[v.Requester.Reference]+patient] = true
		r.sees(patient, departmentOf(referenceIn(v.Performer[0])), v.OccurrenceDateTime, v.OccurrenceDateTime)
	case "DocumentReference":
		r.did[r.staff[referenceIn(v.Author[0])]+patient] = true
	}
}

func patientOf(b json.RawMessage) string {
	var v struct{ Patient reference }
	_ = json.Unmarshal(b, &v)
	return v.Patient.Reference
}

func departmentOf(ref string) string { return ref[strings.IndexByte(ref, '/')+1:] }

func referenceIn(b json.RawMessage) string {
	var v struct{ Reference string }
	_ = json.Unmarshal(b, &v)
	return v.Reference
}

func (r *reasons) sees(patient, dept string, from, to time.Time) {
	r.care[patient+dept] = append(r.care[patient+dept], from, to)
	r.any[patient] = append(r.any[patient], from, to)
}

// explain says which plain reason there is for an access, or "".
func (r *reasons) explain(reader, patient string, at time.Time) string {
	close := func(times []time.Time, days time.Duration) bool {
		for _, t := range times {
			if d := at.Sub(t); d < days*24*time.Hour && d > -days*24*time.Hour {
				return true
			}
		}
		return false
	}
	home := r.home[reader]
	switch {
	case r.did[reader+patient]:
		return "task"
	case close(r.care[patient+home], 30):
		return "department"
	case strings.HasPrefix(home, "dep-res") && r.consent[patient]:
		return "consent"
	}
	for _, dept := range r.float[reader] {
		if close(r.care[patient+dept], 30) {
			return "roster"
		}
	}
	for _, queue := range []string{"dep-him", "dep-reg", "dep-lab", "dep-pha", "dep-qua", "dep-rad"} {
		if home == queue && close(r.any[patient], 14) {
			return "queue"
		}
	}
	return ""
}

// What is right can nearly all be explained by what is on file, and what is wrong can hardly ever: neither is there by
// accident.
func TestWhatIsRightIsExplained(t *testing.T) {
	if slowdown > 1 {
		t.Skip("reads 100,000 events and their context")
	}
	cfg := simulate.Config{Seed: 2, Staff: 300, Patients: 10_000, Days: 7, Incidents: 200}
	h := hospital(t, cfg)
	r := reasonsOf(t, h)
	why := map[bool]map[string]int{false: {}, true: {}}
	all := map[bool]int{}
	scenario := map[string][2]int{}
	unexplained := map[string]int{}
	for day := range cfg.Days {
		for e := range h.Events(day) {
			reader, patient := valueAfter(e.JSON, staffMark), valueAfter(e.JSON, mrnMark)
			if reader == "" || patient == "" {
				continue
			}
			wrong := e.Label != (simulate.Label{})
			reason := r.explain(reader, patient, e.Time)
			all[wrong]++
			why[wrong][reason]++
			if !wrong && reason == "" {
				unexplained[r.home[reader]]++
			}
			if wrong {
				n := scenario[e.Label.Scenario]
				n[0]++
				if reason != "" {
					n[1]++
				}
				scenario[e.Label.Scenario] = n
			}
		}
	}
	t.Logf("right %d: %v; wrong %d: %v", all[false], why[false], all[true], why[true])
	t.Logf("right and not explained, by department: %v", unexplained)
	t.Logf("wrong and explained, by scenario: %v", scenario)
	if n := why[false][""] * 1000 / all[false]; n > 30 {
		t.Errorf("of what is right %d of 1,000 are not explained", n)
	}
	if n := 1000 - why[true][""]*1000/all[true]; n > 80 {
		t.Errorf("of what is wrong %d of 1,000 are explained", n)
	}
}
