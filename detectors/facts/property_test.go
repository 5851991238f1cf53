package facts_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// hospital draws random resources about few people, so that they meet. Every resource comes once: any order must do.
func hospital(rng *rand.Rand) []string {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	n := func(k int) string { return fmt.Sprint(rng.IntN(k)) }
	maybe := func(text string) string {
		if rng.IntN(2) == 0 {
			return ""
		}
		return text
	}
	person := func() string {
		return `"name":[{"family":"` + pick("Ruiz", "Smith", "García-López", "Lopez") + `","given":["` + pick("Ana", "Ben") + `"]}],` +
			`"birthDate":"1980-01-0` + fmt.Sprint(1+rng.IntN(3)) + `","telecom":[{"system":"phone","value":"555-810-720` + n(3) + `"}],` +
			`"address":[{"line":["` + fmt.Sprint(1+rng.IntN(3)) + ` ` + pick("Hill Street", "Hill St.", "Elm Ave") + `"],"postalCode":"0002` + n(2) + `"}]`
	}
	who := func() string {
		return pick(`{"reference":"Practitioner/`+n(4)+`"}`, `{"reference":"PractitionerRole/`+n(4)+`"}`,
			`{"identifier":{"system":"urn:npi","value":"`+n(4)+`"}}`)
	}
	where := func() string {
		return pick(`{"reference":"Organization/`+n(3)+`"}`, `{"reference":"Location/`+n(3)+`"}`, `{"display":"Ward `+n(3)+`"}`)
	}
	whose := func() string {
		return pick(`{"reference":"Patient/`+n(5)+`"}`, `{"identifier":{"system":"urn:mrn","value":"`+n(5)+`"}}`)
	}
	time := func() string { return fmt.Sprintf("2026-01-%02dT0%d:00:00Z", 1+rng.IntN(28), rng.IntN(10)) }
	var out []string
	for i := range 5 {
		id := fmt.Sprint(i)
		out = append(out, `{"resourceType":"Patient","id":"`+id+`",`+person()+`,"identifier":[{"system":"urn:mrn","value":"`+id+`"}`+
			maybe(`,{"system":"urn:ssn","value":"`+n(4)+`"}`)+`]`+
			maybe(`,"link":[{"type":"replaced-by","other":{"reference":"Patient/`+n(5)+`"}}]`)+
			maybe(`,"generalPractitioner":[`+who()+`]`)+
			maybe(`,"contact":[{"name":{"family":"Ruiz","given":["Ben"]},"relationship":[{"text":"`+pick("wife", "ex-wife")+`"}]}]`)+`}`)
	}
	for i := range 4 {
		id := fmt.Sprint(i)
		out = append(out,
			`{"resourceType":"Practitioner","id":"`+id+`",`+person()+`,"identifier":[{"system":"urn:npi","value":"`+id+`"}`+
				maybe(`,{"system":"urn:ssn","value":"`+n(4)+`"}`)+`]`+maybe(`,"manager":`+who())+`}`,
			`{"resourceType":"PractitionerRole","id":"`+id+`","practitioner":{"reference":"Practitioner/`+n(4)+`"},"organization":`+where()+
				`,"period":{"start":"`+time()+`"}}`,
			`{"resourceType":"RelatedPerson","id":"`+id+`","patient":`+whose()+`,`+person()+`,"relationship":[{"text":"`+pick("son", "former spouse")+`"}]}`,
			`{"resourceType":"Person","id":"`+id+`","link":[{"target":{"reference":"Practitioner/`+id+`"}},{"target":{"reference":"`+
				pick("Patient/", "RelatedPerson/")+n(4)+`"}}]}`,
			`{"resourceType":"Schedule","id":"`+id+`","actor":[`+who()+`,`+where()+`]}`,
			`{"resourceType":"WatchListEntry","id":"`+id+`","list":"vip","subject":`+whose()+`}`,
			`{"resourceType":"Task","id":"`+id+`","owner":`+who()+maybe(`,"`+pick("for", "focus")+`":`+whose())+`,"executionPeriod":{"start":"`+time()+`"}}`,
			`{"resourceType":"Contract","id":"`+id+`","signer":[{"party":`+who()+`}]`+maybe(`,"subject":[`+whose()+`,`+whose()+`]`)+`,"applies":{"start":"`+time()+`"}}`)
	}
	for i := range 30 {
		out = append(out, `{"resourceType":"BadgeStay","id":"`+fmt.Sprint(i)+`","practitioner":`+who()+`,"period":{"start":"`+time()+`"`+
			maybe(`,"end":"`+time()+`"`)+`}`+pick("", "", "", `,"status":"cancelled"`)+`}`)
	}
	for i := range 3 {
		id := fmt.Sprint(i)
		out = append(out,
			`{"resourceType":"Organization","id":"`+id+`","name":"Ward `+n(3)+`","partOf":{"reference":"Organization/h"},"type":[{"coding":[{"code":"`+
				pick("dept", "bus")+`"}]}]}`,
			`{"resourceType":"Location","id":"`+id+`","name":"Ward `+n(3)+`"`+maybe(`,"position":{"latitude":41.`+n(2)+`,"longitude":-84.9}`)+
				maybe(`,"partOf":{"reference":"Location/`+n(3)+`"}`)+pick("", `,"physicalType":{"coding":[{"code":"bd"}]}`)+`}`)
	}
	payer := func() string {
		return pick(whose(), `{"reference":"RelatedPerson/`+n(4)+`"}`, `{"reference":"Organization/`+n(3)+`"}`, `{"display":"Ana Ruiz"}`, `{"reference":"#p"}`)
	}
	contained := `"contained":[{"resourceType":"RelatedPerson","id":"p","name":[{"family":"Lopez","given":["Ben"]}],"telecom":[{"value":"555-810-7201"}]}]`
	for i := range 5 {
		id := fmt.Sprint(i)
		out = append(out,
			`{"resourceType":"Account","id":"`+id+`",`+contained+`,"status":"`+pick("active", "inactive")+`","subject":[`+whose()+maybe(`,`+whose())+
				`],"servicePeriod":{"start":"`+time()+`"},"guarantor":[{"party":`+payer()+maybe(`,"period":{"end":"`+time()+`"}`)+`}]}`,
			`{"resourceType":"Coverage","id":"`+id+`",`+contained+`,"beneficiary":`+whose()+`,"subscriber":`+payer()+`,"policyHolder":`+payer()+
				`,"payor":[`+payer()+`]}`,
			`{"resourceType":"Consent","id":"`+id+`","patient":`+whose()+`,"dateTime":"`+time()+`","provision":{"actor":[{"reference":`+pick(who(), where())+
				`}],"securityLabel":[{"code":"`+pick("ETH", "HIV", "R")+`"}],"provision":[{"type":"`+pick("permit", "deny")+`","actor":[{"reference":`+
				pick(who(), where())+`}]`+maybe(`,"period":{"end":"`+time()+`"}`)+`}]}}`)
	}
	for i := range 12 {
		id := fmt.Sprint(i)
		out = append(out,
			`{"resourceType":"Encounter","id":"`+id+`","status":"`+pick("finished", "in-progress")+`","class":{"code":"`+pick("IMP", "AMB")+`"},"subject":`+whose()+
				`,"participant":[{"individual":`+who()+`}],"period":{"start":"`+time()+`"},"serviceProvider":`+where()+
				maybe(`,"diagnosis":[{"condition":{"reference":"Condition/`+id+`"}}]`)+`}`,
			`{"resourceType":"Condition","id":"`+id+`","subject":`+whose()+`,"recordedDate":"`+time()+`","code":{"text":"`+pick("hip", "knee")+`"}}`,
			`{"resourceType":"Slot","id":"`+id+`","status":"busy","schedule":{"reference":"Schedule/`+n(4)+`"},"start":"`+time()+`","end":"2026-01-30"}`,
			`{"resourceType":"ServiceRequest","id":"`+id+`","subject":`+whose()+`,"authoredOn":"`+time()+`","requester":`+who()+`,"performer":[`+where()+`]}`)
	}
	return out
}

// answers asks a state everything, in words that do not depend on numbers.
func answers(s *facts.State) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	staff := func(n facts.ID) string { return s.StaffIdentifier(s.CanonicalStaff(n)).GetValue() }
	who := func(n facts.ID) string { return s.Identifier(n).GetValue() }
	moments := []int64{at("2026-01-05 03:00"), at("2026-01-20 03:00"), at("2026-03-01 00:00")}
	for i := range 5 {
		n := patient(s, fmt.Sprintf("Patient/%d", i))
		p := s.Patient(n)
		say("patient %d is %s %s, staff %s, known %v, labels %d", i, who(n), s.DisplayPatient(n), staff(p.Staff), p.Known, p.Labels)
		for _, c := range sorted(care(s, n)) {
			say("  %s", c)
		}
		for _, w := range s.Watches(n) {
			say("  watched: %s %s", s.Text(w.List), who(w.Patient))
		}
		for j := range 4 {
			for _, when := range moments {
				k := s.Kinship(reader(s, fmt.Sprintf("Practitioner/%d", j)), n, when)
				relation := s.Text(k.Relation)
				k.Relation = 0
				say("  to %d: %+v %s", j, k, relation)
				say("  who may see %d", s.Consented(n, s.CanonicalStaff(reader(s, fmt.Sprintf("Practitioner/%d", j))), [2]facts.ID{s.Department("Ward 1")}, when))
			}
		}
	}
	for i := range 4 {
		n := reader(s, fmt.Sprintf("Practitioner/%d", i))
		v := s.Staff(n)
		say("staff %d is %s %s, record %s, manager %v", i, staff(n), s.Display(n), who(v.Patient), v.Manager != 0)
		var roles []string
		for _, r := range v.Roles {
			roles = append(roles, fmt.Sprintf("  role %s %s vendor %v", strings.ToLower(s.DepartmentName(r.Department)), span(r.Period), r.Vendor))
		}
		out = append(out, sorted(roles)...)
		for _, when := range moments {
			r, ok := s.RoleAt(n, when)
			d, on := s.DutyAt(n, when, 0)
			say("  at %d: role %v since %d, duty %v from %d covered %v", when, ok, r.Period.From, on, d.Period.From, s.RosterCovers(when))
		}
		var tickets []string
		for _, t := range v.Tickets {
			tickets = append(tickets, fmt.Sprintf("  ticket %s from %d about %s", s.Resource(t.Resource), t.From, who(s.Canonical(t.Patient))))
		}
		out = append(out, sorted(tickets)...)
		say("  %d duties, %d tickets", len(v.Duties), len(v.Tickets))
		stays := s.AppendStays(nil, n, facts.Period{From: 0, Until: facts.Forever})
		slices.SortFunc(stays, func(a, b facts.Stay) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until)) })
		say("  stays %v", stays)
		for day := range int64(30) {
			when := moments[0] + day*86_400_000_000
			say("  in the house at %d: %d", when, s.PresentAt(n, when, 15*time.Minute))
		}
	}
	for i := range 3 {
		for j := range 3 {
			a, b := s.TextID(fmt.Sprintf("Ward %d", i)), s.TextID(fmt.Sprintf("Location/%d", j))
			say("%d metres from ward %d to location %d, %d to ward %d", s.MetresApart(a, b), i, j, s.MetresApart(a, s.TextID(fmt.Sprintf("Ward %d", j))), j)
		}
	}
	say("%+v", s.Coverage())
	return out
}

// TestOrderDoesNotMatter asserts that any order of the same resources gives the same answers, and that a snapshot taken anywhere
// gives the same state: the rest applied to both ends in the same bytes.
func TestOrderDoesNotMatter(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 7))
		resources := hospital(rng)
		first := newState(t)
		apply(t, first, resources...)
		want := answers(first)
		for range 4 {
			rng.Shuffle(len(resources), func(i, j int) { resources[i], resources[j] = resources[j], resources[i] })
			s := newState(t)
			half := rng.IntN(len(resources))
			apply(t, s, resources[:half]...)
			restored := checkSnapshot(t, s)
			apply(t, s, resources[half:]...)
			apply(t, restored, resources[half:]...)
			if !bytes.Equal(snapshotOf(t, s), snapshotOf(t, restored)) {
				t.Fatalf("seed %d: a restored state goes on differently", seed)
			}
			same(t, fmt.Sprintf("seed %d: answers in another order", seed), answers(s), want)
			same(t, fmt.Sprintf("seed %d: answers after restore", seed), answers(restored), answers(s))
			if t.Failed() {
				return
			}
		}
	}
}

// TestCareNear asserts that care near a time is the care of all time that touches it, and general practitioners.
func TestCareNear(t *testing.T) {
	some := 0
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 13))
		s := newState(t)
		apply(t, s, hospital(rng)...)
		for i := range 6 {
			p := patient(s, fmt.Sprintf("Patient/%d", i))
			for _, when := range []int64{at("2026-01-05 03:00"), at("2026-01-20 03:00"), at("2026-03-01 00:00")} {
				near := facts.Period{From: when - 86_400_000_000, Until: when + 86_400_000_000}
				var want []facts.Care
				for _, c := range s.Care(p) {
					if c.Kind == facts.CareGeneral || c.Period.From <= near.Until && c.Period.Until >= near.From {
						want = append(want, c)
					}
				}
				some += len(want)
				same(t, fmt.Sprintf("seed %d: care of %d near %d", seed, i, when), s.AppendCareNear(nil, p, near), want)
			}
		}
	}
	if some == 0 {
		t.Error("no care was near any time")
	}
}

// TestVersionsReplace asserts that what a version says does not depend on the versions before it, where nothing is history:
// a resource that was something else first, and one that was not, answer alike.
func TestVersionsReplace(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 11))
		before, now := hospital(rng), hospital(rng)
		drop := func(list []string) (out []string) {
			for _, r := range list {
				if !strings.Contains(r, `"Practitioner","id"`) && !strings.Contains(r, `"PractitionerRole","id"`) && !strings.Contains(r, `"Patient","id"`) {
					out = append(out, r)
				}
			}
			return out
		}
		people := hospital(rng)
		plain, changed := newState(t), newState(t)
		apply(t, plain, people...)
		apply(t, plain, drop(now)...)
		apply(t, changed, people...)
		apply(t, changed, drop(before)...)
		apply(t, changed, drop(now)...)
		a, b := answers(plain), answers(changed)
		same(t, fmt.Sprintf("seed %d", seed), b[:len(b)-1], a[:len(a)-1]) // all but how many versions there were
		checkSnapshot(t, changed)
		if t.Failed() {
			return
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	s := newState(t)
	apply(t, s, hospital(rand.New(rand.NewPCG(1, 1)))...)
	good := snapshotOf(t, s)
	check := func(name string, data []byte) {
		t.Helper()
		into := restore(t, good)
		err := into.Restore(bytes.NewReader(data))
		if !errors.Is(err, facts.ErrSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(snapshotOf(t, into), good) {
			t.Errorf("%s: the state changed", name)
		}
	}
	for n := range len(good) {
		if n%37 == 0 || n > len(good)-12 {
			check(fmt.Sprintf("cut off at %d", n), good[:n])
		}
		if n%41 == 0 {
			bad := bytes.Clone(good)
			bad[n] ^= 0x40
			check(fmt.Sprintf("changed at %d", n), bad)
		}
	}
	version := bytes.Clone(good)
	version[16] = 1 // rows of care stood one by one in it
	check("an earlier version", version)
	check("more behind it", append(bytes.Clone(good), 0))
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, typ, id, resource, element string }{
		{"no type", "", "1", `{}`, "resourceType"},
		{"no id", "Patient", "", `{}`, "Patient.id"},
		{"no resource", "Patient", "1", ``, "Patient"},
		{"no object", "Patient", "1", `["secret"]`, "Patient"},
		{"cut off", "Patient", "1", `{"name":"secret`, "Patient"},
		{"more behind it", "Patient", "1", `{} {}`, "Patient"},
		{"deep", "Patient", "1", strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100), "Patient"},
		{"time", "Encounter", "1", `{"subject":{"reference":"Patient/1"},"period":{"start":"secret"}}`, "Encounter.period.start"},
		{"time of a participant", "Encounter", "1", `{"participant":[{"period":{"end":"secret"}}]}`, "Encounter.participant.period.end"},
		{"time of an order", "ServiceRequest", "1", `{"authoredOn":"secret"}`, "ServiceRequest.authoredOn"},
		{"time of a slot", "Slot", "1", `{"start":"2026-01-01","end":"secret"}`, "Slot.end"},
		{"time of a member", "CareTeam", "1", `{"participant":[{"coveragePeriod":{"end":"secret"}}]}`, "CareTeam.participant.coveragePeriod.end"},
		{"time of an account", "Account", "1", `{"servicePeriod":{"start":"secret"}}`, "Account.servicePeriod.start"},
		{"time of a guarantor", "Account", "1", `{"guarantor":[{"period":{"end":"secret"}}]}`, "Account.guarantor.period.end"},
		{"time of a coverage", "Coverage", "1", `{"period":{"start":"secret"}}`, "Coverage.period.start"},
		{"time of a consent", "Consent", "1", `{"period":{"start":"secret"}}`, "Consent.period.start"},
		{"time of a provision", "Consent", "1", `{"provision":{"period":{"end":"secret"}}}`, "Consent.provision.period.end"},
		{
			"time of a provision in another", "Consent", "1", `{"provision":[{"provision":[{"period":{"end":"secret"}}]}]}`,
			"Consent.provision.provision.period.end",
		},
		{"time of an address", "Patient", "1", `{"address":[{"period":{"start":"secret"}}]}`, "Patient.address.period.start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newState(t)
			apply(t, s, survivor, `{"resourceType":"Encounter","id":"1","subject":{"reference":"Patient/1"},"serviceProvider":{"display":"ED"}}`)
			before := snapshotOf(t, s)
			err := s.Apply(&v1.ContextFact{Source: "ehr", ResourceType: c.typ, ResourceId: c.id, Resource: []byte(c.resource)})
			fault, ok := errors.AsType[*facts.FaultError](err)
			if !ok {
				t.Fatalf("error %v, want a fault", err)
			}
			same(t, "element", fault.Element, c.element)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the fault repeats what the fact says: %v", err)
			}
			if !bytes.Equal(snapshotOf(t, s), before) {
				t.Error("the fault changed the state")
			}
		})
	}
	if err := newState(t).Apply(&v1.ContextFact{ResourceType: "Claim", ResourceId: "1", Resource: []byte(`{"created":"whenever"}`)}); err != nil {
		t.Errorf("a type that is not read faults: %v", err)
	}
}

// FuzzApply asserts, of any resource: no panic; a fault changes nothing; otherwise the state survives a snapshot, the same
// resource again changes nothing but its count, and after deletion no care is left.
func FuzzApply(f *testing.F) {
	for _, c := range careCases {
		f.Add("Encounter", []byte(c.resource))
	}
	for _, r := range hospital(rand.New(rand.NewPCG(3, 3))) {
		typ, _, _ := strings.Cut(strings.TrimPrefix(r, `{"resourceType":"`), `"`)
		f.Add(typ, []byte(r))
	}
	base := newState(f)
	apply(f, base, staffed...)
	snapshot := snapshotOf(f, base)
	f.Fuzz(func(t *testing.T, typ string, resource []byte) {
		s := restore(t, snapshot)
		fact := &v1.ContextFact{Source: "ehr", ResourceType: typ, ResourceId: "z", Resource: resource}
		if err := s.Apply(fact); err != nil {
			if _, ok := errors.AsType[*facts.FaultError](err); !ok {
				t.Fatalf("%v is no fault", err)
			}
			if !bytes.Equal(snapshotOf(t, s), snapshot) {
				t.Fatal("a fault changed the state")
			}
			return
		}
		restored := checkSnapshot(t, s)
		n := patient(s, "Patient/1")
		once := care(s, n)
		same(t, "care after restore", care(restored, patient(restored, "Patient/1")), once)
		if err := s.Apply(fact); err != nil {
			t.Fatalf("the second time: %v", err)
		}
		same(t, "care said twice", care(s, n), once)
		kin := s.Kinship(reader(s, "Practitioner/a"), n, at(march))
		same(t, "kinship after a snapshot of that", checkSnapshot(t, s).Kinship(reader(s, "Practitioner/a"), n, at(march)), kin)
		fact.Deleted, fact.Resource = true, nil
		if err := s.Apply(fact); err != nil {
			t.Fatal(err)
		}
		if typ != "Patient" && typ != "Person" {
			same(t, "care after deletion", care(s, n), care(base, patient(base, "Patient/1")))
		}
		checkSnapshot(t, s)
	})
}

// TestCorpora applies what others send: published examples and a bulk export.
func TestCorpora(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "corpora")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no corpora beside the repository: %v", err)
	}
	for _, dir := range []string{"synthea-bulk-10-patients", "synthea-bulk-100-patients-directory", "hl7-fhir-r4-examples", "hl7-fhir-r4b-examples", "hl7-fhir-r5-examples"} {
		t.Run(dir, func(t *testing.T) {
			s := newState(t)
			resources, patients := 0, map[facts.ID]bool{}
			err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ os.DirEntry, err error) error {
				if err != nil || filepath.Ext(path) != ".ndjson" && filepath.Ext(path) != ".json" || strings.Contains(path, "_definitions") {
					return err
				}
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				if filepath.Ext(path) == ".json" {
					var flat bytes.Buffer
					if json.Compact(&flat, data) == nil { // not all of the examples are JSON
						data = flat.Bytes()
					}
				}
				lines := bufio.NewScanner(bytes.NewReader(data))
				lines.Buffer(nil, 1<<26)
				for lines.Scan() {
					line := lines.Text()
					if !strings.HasPrefix(line, `{"resourceType":"`) {
						continue
					}
					f := newFact(t, "ehr", line)
					if f.GetResourceType() == "AuditEvent" || f.GetResourceId() == "" {
						continue
					}
					resources++
					if err := s.Apply(f); err != nil {
						t.Errorf("%s: %v", filepath.Base(path), err)
					}
					if f.GetResourceType() == "Patient" {
						patients[patient(s, "Patient/"+f.GetResourceId())] = true
					}
				}
				return lines.Err()
			})
			if err != nil {
				t.Fatal(err)
			}
			rows, staff, known := 0, 0, 0
			for p := range patients {
				for _, c := range s.Care(p) {
					rows++
					if c.Staff != 0 {
						staff++
						if s.Staff(c.Staff).Known {
							known++
						}
					}
				}
			}
			t.Logf("%d resources, %d patients, %d rows of care, %d of staff, %d of whom a resource was read", resources, len(patients), rows, staff, known)
			if resources == 0 || len(patients) == 0 || strings.Contains(dir, "10-patients") && known < 1000 || !strings.Contains(dir, "directory") && rows == 0 {
				t.Error("no care")
			}
			checkSnapshot(t, s)
		})
	}
}
