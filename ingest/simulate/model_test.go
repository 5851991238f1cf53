package simulate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/simulate"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// facts is the context of a hospital, indexed.
type facts struct {
	ids    map[string]bool // Type/id
	mrn    map[string]string
	staff  map[string]string // staff number to Practitioner/id
	duty   map[string][]span // Practitioner/id
	served map[string][]string
	count  map[string]int
}

type span struct{ from, to time.Time }

func contextOf(t *testing.T, h *simulate.Hospital) facts {
	t.Helper()
	f := facts{
		ids: map[string]bool{}, mrn: map[string]string{}, staff: map[string]string{}, duty: map[string][]span{},
		served: map[string][]string{}, count: map[string]int{},
	}
	actors := map[string]string{}
	for r := range h.Context() {
		var v struct {
			ResourceType, ID string
			Identifier       []struct{ System, Value string }
			Actor            []reference
			Schedule         reference
			Start, End       time.Time
			Subject          reference
			ServiceProvider  reference
		}
		if err := json.Unmarshal(r.JSON, &v); err != nil {
			t.Fatalf("%s is no JSON: %v", r.Type, err)
		}
		key := v.ResourceType + "/" + v.ID
		if v.ResourceType != r.Type || f.ids[key] {
			t.Fatalf("%s %s comes twice or under a wrong type", r.Type, key)
		}
		f.ids[key] = true
		f.count[r.Type]++
		switch r.Type {
		case "Patient":
			f.mrn[v.Identifier[0].Value] = key
		case "Practitioner":
			f.staff[v.Identifier[0].Value] = key
		case "Schedule":
			actors[key] = v.Actor[0].Reference
		case "Slot":
			who := actors[v.Schedule.Reference]
			f.duty[who] = append(f.duty[who], span{v.Start, v.End})
		case "Encounter":
			f.served[v.Subject.Reference] = append(f.served[v.Subject.Reference], v.ServiceProvider.Reference)
		}
	}
	return f
}

func (f *facts) onDuty(who string, at time.Time) bool {
	for _, s := range f.duty[who] {
		if !at.Before(s.from) && at.Before(s.to) {
			return true
		}
	}
	return false
}

func TestEveryAccessHoldsWithItsContext(t *testing.T) {
	cfg := small()
	cfg.Incidents = 60
	h := hospital(t, cfg)
	f := contextOf(t, h)
	from, to := h.Range()
	seen := map[string]bool{}
	requests := map[string]int{}
	last := from
	id := regexp.MustCompile(`^[A-Za-z0-9.\-]{1,64}$`)
	for day := range cfg.Days {
		for e := range h.Events(day) {
			a := decode(t, &e)
			if a.ResourceType != "AuditEvent" || a.ID != e.ID || !a.Recorded.Equal(e.Time) || !id.MatchString(e.ID) {
				t.Fatalf("event %s does not say what its JSON says", e.ID)
			}
			if seen[e.ID] {
				t.Fatalf("event %s comes twice", e.ID)
			}
			seen[e.ID] = true
			if e.Time.Before(last) || !e.Time.Before(to) || h.Day(e.Time) != day {
				t.Fatalf("event %s at %s is out of order or of its day", e.ID, e.Time)
			}
			last = e.Time
			for _, p := range a.patients() {
				if f.mrn[p] == "" {
					t.Fatalf("event %s names an unknown patient", e.ID)
				}
			}
			for _, enc := range a.encounters() {
				if !f.ids[enc] {
					t.Fatalf("event %s names %s, which is not in the context", e.ID, enc)
				}
			}
			for i := range a.Entity {
				if a.Entity[i].Type != nil && a.Entity[i].Type.Code == "XrequestId" {
					requests[a.Entity[i].What.Identifier.Value]++
				}
			}
			checkReader(t, &f, &e, &a)
		}
	}
	if len(seen) < 40_000 {
		t.Errorf("only %d events", len(seen))
	}
	single := 0
	for _, n := range requests {
		if n == 1 {
			single++
		}
	}
	// A report of the app after midnight is cut off with its day; nothing else stands alone.
	if len(requests) < 1000 || single > 5 {
		t.Errorf("%d of %d request ids are reported once", single, len(requests))
	}
}

func checkReader(t *testing.T, f *facts, e *simulate.Event, a *audit) {
	t.Helper()
	number := a.reader()
	if number == "" {
		if e.Source != simulate.SourceLab || !strings.Contains(string(e.JSON), "PATRQT") {
			t.Fatalf("event %s has no reader and is not of the portal", e.ID)
		}
		return
	}
	who := f.staff[number]
	if who == "" {
		t.Fatalf("event %s names unknown staff", e.ID)
	}
	if e.Label == (simulate.Label{}) && !f.onDuty(who, e.Time) && !a.remote() {
		t.Fatalf("event %s at %s: the reader is neither on duty nor at home and the access is not labelled", e.ID, e.Time)
	}
}

func TestContextRefersOnlyToItself(t *testing.T) {
	h := hospital(t, small())
	f := contextOf(t, h)
	references := regexp.MustCompile(`"reference":"([^"]+)"`)
	for r := range h.Context() {
		for _, m := range references.FindAllSubmatch(r.JSON, -1) {
			if !f.ids[string(m[1])] {
				t.Fatalf("a %s refers to %s, which does not exist", r.Type, m[1])
			}
		}
	}
	for _, typ := range []string{
		"Organization", "Location", "Practitioner", "PractitionerRole", "Schedule", "Patient", "RelatedPerson", "Person", "Consent",
		"Encounter", "Condition", "Appointment", "CareTeam", "ServiceRequest", "DocumentReference", "Observation", "MedicationAdministration", "Slot",
	} {
		if f.count[typ] == 0 {
			t.Errorf("there is no %s", typ)
		}
	}
}

// The shares that README.md promises.
// The figures for a journal speak of FHIR JSON of 1.5 KB, so that is what the events take, with the end of the line.
func TestEventsTakeAKilobyteAndAHalf(t *testing.T) {
	h := hospital(t, simulate.Config{Seed: 3, Days: 2})
	events, bytes := 0, 0
	for day := range 2 {
		for e := range h.Events(day) {
			events++
			bytes += len(e.JSON) + 1
		}
	}
	if mean := bytes / events; mean < 1450 || mean > 1550 {
		t.Errorf("an event takes %d bytes", mean)
	}
}

// Server and app tell one look with the same workstation, so that either of them can be read alone.
func TestTheWorkstationIsNamed(t *testing.T) {
	h := hospital(t, small())
	told := map[bool]int{}
	for e := range h.Events(0) {
		if e.Source != simulate.SourceEHR {
			continue
		}
		ev, err := fhir.NewDecoder(fhir.Limits{}).Decode(source(e.Source), fhir.Input{Data: e.JSON})
		if err != nil {
			t.Fatal(err)
		}
		name, address := ev.Item.GetAccess().GetWorkstation(), ev.Item.GetAccess().GetNetworkAddress()
		if !strings.HasPrefix(name, "WS-") && !strings.HasPrefix(name, "TAB-") && !strings.HasPrefix(name, "VDI-") && name != "VPN-GATEWAY" || address == "" {
			t.Fatalf("event %s was made at %q, address %q", e.ID, name, address)
		}
		told[ev.Item.GetAccess().GetObserver() == "Rounds App 4.2"]++
	}
	if told[true] == 0 || told[false] == 0 {
		t.Errorf("told by the app and by the server: %v", told)
	}
}

// Several attempts of one account fail one after the other where a password expires, several people use a ward's device every day, and some who
// use others' accounts guess before it.
func TestSignInsFail(t *testing.T) {
	cfg := simulate.Config{Seed: 3, Staff: 400, Patients: 8000, Days: 7, Incidents: 140, Weights: map[string]int{}}
	for _, s := range simulate.Scenarios() {
		cfg.Weights[s] = 0
	}
	cfg.Weights[simulate.ScenarioSharedAccount], cfg.Weights[simulate.ScenarioTerminated] = 50, 50
	h := hospital(t, cfg)
	honest, labelled, used := map[string]int{}, map[string]int{}, map[string]map[string]bool{}
	for day := range cfg.Days {
		for e := range h.Events(day) {
			if !strings.Contains(string(e.JSON), "110122") {
				continue
			}
			ev, err := fhir.NewDecoder(fhir.Limits{}).Decode(source(e.Source), fhir.Input{Data: e.JSON})
			if err != nil {
				t.Fatal(err)
			}
			a := ev.Item.GetAccess()
			at := fmt.Sprint(day, a.Workstation)
			switch who := a.Reader.Identifiers[0].Value; {
			case a.Outcome > v1.Outcome_OUTCOME_SUCCESS && e.Label.Incident == "":
				honest[fmt.Sprint(day, who)]++
			case a.Outcome > v1.Outcome_OUTCOME_SUCCESS:
				labelled[e.Label.Incident]++
			case strings.HasSuffix(a.Workstation, "-9"):
				if used[at] == nil {
					used[at] = map[string]bool{}
				}
				used[at][who] = true
			}
		}
	}
	bursts, shared, guessed := 0, 0, 0
	for _, n := range honest {
		if n >= 4 {
			bursts++
		}
	}
	for _, by := range used {
		if len(by) >= 3 {
			shared++
		}
	}
	for _, n := range labelled {
		if n >= 3 {
			guessed++
		}
	}
	if bursts == 0 || shared == 0 || guessed < 20 || guessed > 80 {
		t.Errorf("%d bursts of the honest, %d days of shared devices, %d incidents begin with guesses", bursts, shared, guessed)
	}
}

func TestShares(t *testing.T) {
	cfg := simulate.Config{Seed: 3, Staff: 400, Patients: 8000, Days: 7, Incidents: -1, NoStory: true}
	h := hospital(t, cfg)
	n := map[string]int{}
	hours := [24]int{}
	weekend, workday := 0, 0
	events := 0
	for day := range cfg.Days {
		for e := range h.Events(day) {
			if events++; events%slowdown != 0 {
				continue
			}
			a := decode(t, &e)
			n["all"]++
			n[e.Source]++
			hours[e.Time.Hour()]++
			if d := e.Time.Weekday(); d == time.Saturday || d == time.Sunday {
				weekend++
			} else {
				workday++
			}
			switch {
			case a.hasCode("print"):
				n["print"]++
			case a.hasCode("110127"):
				n["break-glass"]++
			case a.hasCode("search") && len(a.patients()) == 0 && strings.Contains(a.queries(), "?family="):
				n["name search"]++
			case a.hasCode("search") && len(a.patients()) == 0:
				n["list"]++
			case a.hasCode("search") && len(a.patients()) > 1:
				n["list with patients"]++
			}
			if o := string(a.Outcome); o != `"0"` && !strings.Contains(o, `"code":"0"`) {
				n["failed"]++
			}
			if a.Source.Observer.Display == "Rounds App 4.2" {
				n["reported by the app"]++
			}
			if e.Label != (simulate.Label{}) {
				t.Fatal("an access is labelled though no misuse was asked for")
			}
		}
	}
	for _, c := range []struct {
		what   string
		lo, hi int // per 10,000
	}{
		{"print", 20, 100},
		{"break-glass", 2, 20},
		{"name search", 40, 200},
		{"list", 300, 800},
		{"list with patients", 50, 200},
		{"failed", 20, 80},
		{"reported by the app", 500, 1200},
		{simulate.SourcePACS, 150, 400},
		{simulate.SourceLab, 250, 500},
	} {
		if got := n[c.what] * 10_000 / n["all"]; got < c.lo || got > c.hi {
			t.Errorf("%s: %d of 10,000 events, not %d to %d", c.what, got, c.lo, c.hi)
		}
	}
	if night, noon := hours[3], hours[11]; night*4 > noon || night*20 < noon {
		t.Errorf("at three %d events, at eleven %d", night, noon)
	}
	if w, d := weekend/2, workday/5; w*10 > d*9 || w*2 < d {
		t.Errorf("%d events on a day of the weekend, %d on a workday", w, d)
	}
	if perHead := events / cfg.Days / cfg.Staff; perHead < 35 || perHead > 65 {
		t.Errorf("%d events a day for each of the staff", perHead)
	}
}

func (a *audit) queries() string {
	var all []byte
	for i := range a.Entity {
		var b []byte
		_ = json.Unmarshal([]byte(`"`+a.Entity[i].Query+`"`), &b)
		all = append(all, b...)
	}
	return string(all)
}

func TestStory(t *testing.T) {
	for seed := range uint64(4 / slowdown) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			cfg := simulate.Config{Seed: seed, Staff: 200, Patients: 3000, Days: 21}
			h := hospital(t, cfg)
			s := h.Story()
			if len(s.EventIDs) < 10 || s.Text == "" || s.ReaderName == s.PatientName || !strings.Contains(s.Text, s.Patient.Value) {
				t.Fatalf("the story is thin: %d events, %q", len(s.EventIDs), s.Text)
			}
			want := map[string]bool{}
			for _, id := range s.EventIDs {
				want[id] = true
			}
			days, printed, late := map[int]bool{}, 0, 0
			for day := range cfg.Days {
				for e := range h.Events(day) {
					if !want[e.ID] && !bytes.Contains(e.JSON, []byte(s.Patient.Value)) {
						continue
					}
					a := decode(t, &e)
					both := a.reader() == s.Reader.Value && len(a.patients()) == 1 && a.patients()[0] == s.Patient.Value
					if both != want[e.ID] {
						t.Fatalf("event %s belongs to the story: %t, is told: %t", e.ID, both, want[e.ID])
					}
					if !both {
						continue
					}
					delete(want, e.ID)
					if e.Label.Scenario != simulate.ScenarioExPartner || e.Source != simulate.SourceEHR {
						t.Fatalf("event %s of the story has label %v and source %s", e.ID, e.Label, e.Source)
					}
					days[day] = true
					if a.hasCode("print") {
						printed++
					}
					if e.Time.Hour() >= 21 {
						late++
					}
				}
			}
			if len(want) > 0 || len(days) < 5 || printed != 1 || late == 0 {
				t.Errorf("%d events missing; %d days, %d printed, %d late", len(want), len(days), printed, late)
			}
		})
	}
}

func TestScenarios(t *testing.T) {
	cfg := small()
	cfg.Days, cfg.Incidents = 28, 28*8
	h := hospital(t, cfg)
	found := map[string]map[string]int{}
	day := map[string]int{}
	for d := range cfg.Days {
		for e := range h.Events(d) {
			if e.Label == (simulate.Label{}) {
				continue
			}
			if found[e.Label.Scenario] == nil {
				found[e.Label.Scenario] = map[string]int{}
			}
			found[e.Label.Scenario][e.Label.Incident]++
			if before, ok := day[e.Label.Incident]; ok && before != d {
				t.Fatalf("incident %s spans days", e.Label.Incident)
			}
			day[e.Label.Incident] = d
		}
	}
	for _, s := range simulate.Scenarios() {
		if len(found[s]) == 0 {
			t.Errorf("no incident of %s", s)
		}
		accesses := 0
		for _, n := range found[s] {
			accesses += n
		}
		t.Logf("%s: %d incidents, %d accesses", s, len(found[s]), accesses)
	}
	// The story adds a few; an incident for which nobody fits is left out.
	if n := len(day); n < cfg.Incidents*97/100 || n > cfg.Incidents+8 {
		t.Errorf("%d incidents, not %d", n, cfg.Incidents)
	}
}

// Covering adds looks that nobody could object to, and takes nothing of the misuse away.
func TestCovering(t *testing.T) {
	count := func(covering bool) (all, labelled int) {
		cfg := small()
		cfg.Days, cfg.Incidents, cfg.Covering, cfg.NoStory = 2, 40, covering, true
		h := hospital(t, cfg)
		f := contextOf(t, h)
		for day := range cfg.Days {
			for e := range h.Events(day) {
				a := decode(t, &e)
				checkReader(t, &f, &e, &a)
				if all++; e.Label != (simulate.Label{}) {
					labelled++
				}
			}
		}
		return all, labelled
	}
	all, labelled := count(false)
	more, same := count(true)
	if more < all+100 || same < labelled*8/10 || same > labelled*12/10 {
		t.Errorf("%d events, %d of them labelled; with covering accesses %d and %d", all, labelled, more, same)
	}
}
