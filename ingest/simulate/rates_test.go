package simulate_test

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/ingest/simulate"
)

// human is what the plain rules know of somebody, as patient or as staff.
type human struct {
	family, given, born string
	streets, phones     []string
	lat, lon            float64 // 0: not known
	department          string  // of staff
	as                  string  // number as patient, of staff that have one
	vip                 bool
	contacts            []string // given, family and telephone number
}

// town is the context as the plain rules use it: by staff number and by record number.
type town struct {
	staff, patients map[string]*human
	visited         map[string]bool // record numbers with an encounter or an appointment
}

type fhirPerson struct {
	ID         string
	Meta       struct{ Security []coding }
	Identifier []struct{ System, Value string }
	Name       []struct {
		Family string
		Given  []string
	}
	BirthDate string
	Telecom   []struct{ Value string }
	Address   []struct {
		Use       string
		Line      []string
		Extension []struct {
			Extension []struct {
				URL          string
				ValueDecimal float64
			}
		}
	}
	Contact []struct {
		Name struct {
			Family string
			Given  []string
		}
		Telecom []struct{ Value string }
	}
	Practitioner, Patient, Organization reference
	Link                                []struct{ Target reference }
}

func (v *fhirPerson) human() *human {
	h := &human{family: v.Name[0].Family, given: v.Name[0].Given[0], born: v.BirthDate}
	for _, t := range v.Telecom {
		h.phones = append(h.phones, digits(t.Value))
	}
	for _, a := range v.Address {
		if a.Use != "home" {
			continue
		}
		h.streets = append(h.streets, plainStreet(a.Line[0]))
		for _, e := range a.Extension {
			h.lat, h.lon = e.Extension[0].ValueDecimal, e.Extension[1].ValueDecimal
		}
	}
	for _, c := range v.Contact {
		for _, t := range c.Telecom {
			h.contacts = append(h.contacts, c.Name.Given[0]+c.Name.Family+digits(t.Value))
		}
	}
	for _, s := range v.Meta.Security {
		h.vip = h.vip || s.Code == "CEL" || s.Code == "VIP"
	}
	return h
}

// digits are the last ten of a telephone number, however it is written.
func digits(s string) string {
	var b []byte
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			b = append(b, s[i])
		}
	}
	return string(b[max(0, len(b)-10):])
}

// plainStreet leaves number, name and flat of an address line.
func plainStreet(line string) string {
	kinds := []string{"STREET", "ST", "AVENUE", "AVE", "ROAD", "RD", "LANE", "LN", "DRIVE", "DR", "APT", "UNIT"}
	words := strings.FieldsFunc(strings.ToUpper(line), func(r rune) bool { return strings.ContainsRune(" ,.#", r) })
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return slices.Contains(kinds, w) }), " ")
}

func townOf(t *testing.T, h *simulate.Hospital) *town {
	t.Helper()
	out := &town{staff: map[string]*human{}, patients: map[string]*human{}, visited: map[string]bool{}}
	byID, number := map[string]*human{}, map[string]string{}
	kinds := []string{"Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person"}
	for r := range both(h.People(), h.Visits()) {
		if r.Type == "Encounter" || r.Type == "Appointment" {
			// There are many of them, and of each only the patient counts.
			out.visited[number["Patient/"+valueAfter(r.JSON, []byte(`:{"reference":"Patient/`))]] = true
		}
		if !slices.Contains(kinds, r.Type) {
			continue
		}
		var v fhirPerson
		if err := json.Unmarshal(r.JSON, &v); err != nil {
			t.Fatal(err)
		}
		switch r.Type {
		case "Practitioner":
			out.staff[v.Identifier[0].Value] = v.human()
			byID["Practitioner/"+v.ID] = out.staff[v.Identifier[0].Value]
		case "PractitionerRole":
			byID[v.Practitioner.Reference].department = v.Organization.Reference
		case "Patient":
			p := v.human()
			out.patients[v.Identifier[0].Value] = p
			byID["Patient/"+v.ID], number["Patient/"+v.ID] = p, v.Identifier[0].Value
		case "RelatedPerson":
			p := byID[v.Patient.Reference]
			for _, phone := range v.Telecom {
				p.contacts = append(p.contacts, v.Name[0].Given[0]+v.Name[0].Family+digits(phone.Value))
			}
		case "Person":
			byID[v.Link[1].Target.Reference].as = number[v.Link[0].Target.Reference]
		}
	}
	out.recognise()
	return out
}

func both(a, b iter.Seq[simulate.Resource]) iter.Seq[simulate.Resource] {
	return func(yield func(simulate.Resource) bool) {
		for r := range a {
			if !yield(r) {
				return
			}
		}
		b(yield)
	}
}

// recognise finds those who are patient and staff by name and date of birth, where no Person says so.
func (w *town) recognise() {
	born := map[string]string{}
	for number, p := range w.patients {
		born[p.family+p.given+p.born] = number
	}
	for _, s := range w.staff {
		if s.as == "" {
			s.as = born[s.family+s.given+s.born]
		}
	}
	employs := map[string]string{}
	for _, s := range w.staff {
		if s.as != "" {
			employs[s.as] = s.department
		}
	}
	for number, p := range w.patients {
		p.department = employs[number]
	}
}

// The classic rules, plainly.
func (w *town) rules(s, p *human, patient string) (fired []string) {
	if s.as == patient {
		return []string{"self"}
	}
	if p.department != "" && p.department == s.department {
		fired = append(fired, "co-worker")
	}
	if p.vip {
		fired = append(fired, "vip")
	}
	home := shares(s.streets, p.streets)
	listed := false
	for _, phone := range s.phones {
		listed = listed || slices.Contains(p.contacts, s.given+s.family+phone)
	}
	if s.family == p.family && (home || shares(s.phones, p.phones)) || listed {
		fired = append(fired, "family")
	} else if !home && s.lat != 0 && p.lat != 0 && near(s, p) {
		fired = append(fired, "neighbour")
	}
	if !w.visited[patient] {
		fired = append(fired, "no recent visit")
	}
	return fired
}

// near is 500 yards as the crow flies.
func near(a, b *human) bool {
	north, east := (a.lat-b.lat)*111_200, (a.lon-b.lon)*83_700
	return north*north+east*east < 457*457
}

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

var (
	staffMark = []byte(`"system":"` + simulate.StaffSystem + `","value":"`)
	mrnMark   = []byte(`"system":"` + simulate.MRNSystem + `","value":"`)
)

func valueAfter(b, mark []byte) string {
	i := bytes.Index(b, mark)
	if i < 0 {
		return ""
	}
	b = b[i+len(mark):]
	return string(b[:bytes.IndexByte(b, '"')])
}

// The rates of the classic rules on legitimate accesses are those of Boxwala 2011, table 3: one rule firing says little.
func TestBaseRates(t *testing.T) {
	if testing.Short() || slowdown > 1 {
		t.Skip("reads half a million events")
	}
	h := hospital(t, simulate.Config{Seed: 1, Staff: 2000, Patients: 60_000, Days: 4, Incidents: -1, NoStory: true})
	w := townOf(t, h)
	hits, all := map[string]int{}, 0
	for day := range 4 {
		for e := range h.Events(day) {
			reader, patient := valueAfter(e.JSON, staffMark), valueAfter(e.JSON, mrnMark)
			s, p := w.staff[reader], w.patients[patient]
			if all++; s == nil || p == nil {
				continue
			}
			for _, rule := range w.rules(s, p, patient) {
				hits[rule]++
			}
		}
	}
	for _, c := range []struct {
		rule   string
		target int
	}{
		{"co-worker", 93},
		{"vip", 142},
		{"no recent visit", 166},
		{"family", 876},
		{"neighbour", 5538},
	} {
		got := hits[c.rule] * 1_000_000 / all
		t.Logf("%s: %d per million accesses, %d in the literature", c.rule, got, c.target)
		if got < c.target/2 || got > c.target*2 {
			t.Errorf("%s: %d per million accesses, not near %d", c.rule, got, c.target)
		}
	}
	if hits["self"] > 0 {
		t.Errorf("%d accesses to their own records by people who do nothing wrong", hits["self"])
	}
}
