package facts_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	seenFirst  = `{"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/1"},"effectiveDateTime":"2026-01-01T00:00:00Z","performer":[{"reference":"Practitioner/a"}]}`
	seenSecond = `{"resourceType":"Observation","id":"o2","subject":{"reference":"Patient/2"},"effectiveDateTime":"2026-01-02T00:00:00Z","performer":[{"reference":"Practitioner/b"}]}`
	survivor   = `{"resourceType":"Patient","id":"1","name":[{"family":"Ruiz","given":["Ana"]}]}`
	replaced   = `{"resourceType":"Patient","id":"2","name":[{"family":"Lopez","given":["Ana"]}],"link":[{"type":"replaced-by","other":{"reference":"Patient/1"}}]}`
	unreplaced = `{"resourceType":"Patient","id":"2","name":[{"family":"Lopez","given":["Ana"]}]}`
)

// TestMergeAndUnmerge asserts that a merge joins care and names in every order of facts, and that a version without the link
// takes all of it back.
func TestMergeAndUnmerge(t *testing.T) {
	permutations([]string{seenFirst, seenSecond, survivor, replaced}, func(order []string) {
		s := newState(t)
		apply(t, s, order...)
		one, two := patient(s, "Patient/1"), patient(s, "Patient/2")
		same(t, "numbers of one patient", one, two)
		same(t, "care", care(s, one), []string{
			"author Practitioner/a Observation/o1 2026-01-01", "author Practitioner/b Observation/o2 2026-01-02",
		})
		same(t, "names", len(s.Patient(one).Names), 2)
		checkSnapshot(t, s)

		apply(t, s, unreplaced)
		one, two = patient(s, "Patient/1"), patient(s, "Patient/2")
		if one == two {
			t.Fatal("the un-merge left one patient")
		}
		same(t, "care of the first", care(s, one), []string{"author Practitioner/a Observation/o1 2026-01-01"})
		same(t, "care of the second", care(s, two), []string{"author Practitioner/b Observation/o2 2026-01-02"})
		same(t, "name", s.DisplayPatient(two), "Ana Lopez")
		same(t, "names of the first", len(s.Patient(one).Names), 1)
		checkSnapshot(t, s)
	})
}

// TestCommonIdentifier asserts that records with an identifier in common are one, until they are not, and until so many have it
// that it is no identifier.
func TestCommonIdentifier(t *testing.T) {
	record := func(id, number string) string {
		return `{"resourceType":"Patient","id":"` + id + `","identifier":[{"system":"urn:ssn","value":"` + number + `"}]}`
	}
	s := newState(t)
	apply(t, s, record("1", "5"), record("2", "5"))
	same(t, "by number", patient(s, "urn:ssn|5"), patient(s, "Patient/1"))
	same(t, "one", patient(s, "Patient/2"), patient(s, "Patient/1"))
	apply(t, s, record("1", "6"))
	same(t, "by number", patient(s, "urn:ssn|5"), patient(s, "Patient/2"))
	if patient(s, "Patient/2") == patient(s, "Patient/1") {
		t.Error("two numbers, one patient")
	}

	for i := range 17 {
		apply(t, s, record(string(rune('a'+i)), "000-00-0000"))
	}
	if patient(s, "Patient/a") == patient(s, "Patient/b") {
		t.Error("a number that 17 share joined them")
	}
	checkSnapshot(t, s)
	apply(t, s, record("a", "1"))
	if patient(s, "Patient/b") != patient(s, "Patient/c") {
		t.Error("a number that 16 share joins them no more")
	}
	checkSnapshot(t, s)
}

func TestReader(t *testing.T) {
	s := newState(t)
	// An event names somebody before any fact does.
	early := reader(s, "urn:staff|S1")
	apply(t, s, `{"resourceType":"Practitioner","id":"a","identifier":[{"system":"urn:staff","value":"S1"},`+
		`{"system":"urn:login","value":"kwood"}],"name":[{"family":"Wood","given":["Kyle"],"prefix":["Dr."]}]}`)
	a := reader(s, "Practitioner/a")
	same(t, "by login", reader(s, "urn:login|kwood"), a)
	same(t, "early number", s.CanonicalStaff(early), a)
	same(t, "identifier", s.StaffIdentifier(a).GetValue(), "Practitioner/a")
	same(t, "display", s.Display(a), "Kyle Wood")
	// The source of human resources calls them otherwise, with a login in common.
	f := newFact(t, "hr", `{"resourceType":"Practitioner","id":"77","identifier":[{"system":"urn:login","value":"kwood"}]}`)
	if err := s.Apply(f); err != nil {
		t.Fatal(err)
	}
	same(t, "one person", reader(s, "source:hr|Practitioner/77"), reader(s, "Practitioner/a"))
	byName := s.Reader(&v1Reader{Name: "Nurse Joy"}, "ehr")
	same(t, "by name", s.Reader(&v1Reader{Name: "NURSE  JOY"}, "ehr"), byName)
	if s.Reader(&v1Reader{Name: "Nurse Joy"}, "pacs") == byName {
		t.Error("a name counts within its source only")
	}
	same(t, "nobody", s.Reader(&v1Reader{}, "ehr"), facts.ID(0))
	same(t, "unresolved patient", s.PatientOf(&v1Patient{Text: "Ana Ruiz"}), facts.ID(0))
	checkSnapshot(t, s)
}

// TestAccount asserts that an entity names the reader that events name, by reference, by an identifier and by one of the source's own.
func TestAccount(t *testing.T) {
	s, err := facts.New(facts.Config{Zone: time.UTC, Systems: func(string) (patient, reader string) { return "", "urn:login" }})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, `{"resourceType":"Practitioner","id":"a","identifier":[{"system":"urn:login","value":"kwood"}]}`)
	a := reader(s, "Practitioner/a")
	for _, ref := range []string{"Practitioner/a", "urn:login|kwood", "source:ehr|kwood"} {
		same(t, ref, s.Account(identifier(ref), "ehr"), a)
	}
	if s.Account(identifier("source:pacs|kwood"), "ehr") == a {
		t.Error("an identifier of another source is one of this one's readers")
	}
	same(t, "nobody", s.Account(nil, "ehr"), facts.ID(0))
}

// TestNationalNumber asserts that an identifier in common says that a patient is staff, when a number of people's own assigned it.
func TestNationalNumber(t *testing.T) {
	practitioner := `{"resourceType":"Practitioner","id":"a","identifier":[{"system":"urn:ssn","value":"5"}]}`
	record := `{"resourceType":"Patient","id":"1","identifier":[{"system":"urn:ssn","value":"5"}]}`
	for _, order := range [][]string{{practitioner, record}, {record, practitioner}} {
		s := newState(t)
		apply(t, s, order...)
		same(t, "patient's staff", s.Patient(patient(s, "Patient/1")).Staff, reader(s, "Practitioner/a"))
		same(t, "staff's record", s.Staff(reader(s, "Practitioner/a")).Patient, patient(s, "Patient/1"))
		checkSnapshot(t, s)
		apply(t, s, `{"resourceType":"Practitioner","id":"a"}`)
		same(t, "patient's staff without the number", s.Patient(patient(s, "Patient/1")).Staff, facts.ID(0))
	}
	s := newState(t)
	apply(t, s, `{"resourceType":"Practitioner","id":"a","identifier":[{"value":"5"}]}`,
		`{"resourceType":"Patient","id":"1","identifier":[{"value":"5"}]}`)
	same(t, "numbers that a source counts itself", s.Patient(patient(s, "Patient/1")).Staff, facts.ID(0))
}

func TestPatient(t *testing.T) {
	s := newState(t)
	apply(t, s, `{"resourceType":"Patient","id":"1","birthDate":"1973-01-04","deceasedDateTime":"2026-02-01T10:00:00Z",`+
		`"meta":{"security":[{"code":"CEL"},{"code":"PSY"},{"code":"nonsense"}]},`+
		`"name":[{"use":"maiden","family":"Gómez"},{"family":"Ruiz-O'Brien","given":["Abigail","M."]}],`+
		`"telecom":[{"system":"phone","value":"+1 (555) 810-7203"},{"system":"email","value":"a@example.com"}],`+
		`"address":[{"line":["12 Hill Street","Apt 3"],"city":"Millbrook","postalCode":"00023","extension":[{`+
		`"url":"http://hl7.org/fhir/StructureDefinition/geolocation","extension":[{"url":"latitude","valueDecimal":41.211289},`+
		`{"url":"longitude","valueDecimal":-84.98723411}]}]},{"use":"old","text":"9 Elm Ave, Millbrook, IN 00023"}]}`)
	p := s.Patient(patient(s, "Patient/1"))
	same(t, "birth", p.Birth, int32(1099))
	same(t, "deceased", p.Deceased, at("2026-02-01 10:00"))
	same(t, "labels", p.Labels, facts.LabelVIP|facts.LabelMental)
	same(t, "family", s.Text(p.Names[0].Family)+", "+s.Text(p.Names[0].Given), "ruiz obrien, abigail")
	same(t, "maiden", s.Text(p.Names[1].Family), "gomez")
	same(t, "door", s.Text(p.Homes[0].Door), "12 hill st|00023#3")
	same(t, "street", s.Text(p.Homes[0].Street), "hill st|00023")
	same(t, "place", [2]int32{p.Homes[0].LatE6, p.Homes[0].LonE6}, [2]int32{41211289, -84987234})
	same(t, "former door", s.Text(p.Homes[1].Door), "9 elm ave|00023")
	same(t, "former home holds", p.Homes[1].Period.Holds(at("2026-01-01 00:00")), false)
	checkSnapshot(t, s)

	// They move: the home of before stays as a former one.
	apply(t, s, `{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2026-03-01T00:00:00Z"},`+
		`"address":[{"line":["1 Lake Rd"],"postalCode":"00023"}]}`)
	p = s.Patient(patient(s, "Patient/1"))
	same(t, "home", s.Text(p.Homes[0].Door), "1 lake rd|00023")
	same(t, "home of before", s.Text(p.Homes[1].Door), "12 hill st|00023#3")
	same(t, "until", p.Homes[1].Period.Until, at("2026-03-01 00:00"))
	checkSnapshot(t, s)
}

func TestRoles(t *testing.T) {
	role := func(department, more string) string {
		return `{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/a"},` +
			`"organization":{"display":"` + department + `"},"code":[{"text":"Nurse"}]` + more + `}`
	}
	s := newState(t)
	apply(t, s, role("Surgery", `,"period":{"start":"2026-01-01"}`))
	a := reader(s, "Practitioner/a")
	department := func(when string) string {
		r, ok := s.RoleAt(a, at(when))
		if !ok {
			return "none"
		}
		return s.DepartmentName(r.Department) + " " + s.Text(r.Code)
	}
	same(t, "before", department("2025-12-31 23:59"), "none")
	same(t, "after", department("2026-06-01 00:00"), "surgery nurse")
	// The role moves to another department in May: the old one ended then.
	apply(t, s, role("Radiology", `,"period":{"start":"2026-01-01"},"meta":{"lastUpdated":"2026-05-01T00:00:00Z"}`))
	same(t, "old department", department("2026-04-30 23:59"), "surgery nurse")
	same(t, "new department", department("2026-05-01 00:00"), "radiology nurse")
	apply(t, s, `{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/a"},"organization":{"display":"Radiology"},"code":[{"text":"Nurse"}],"period":{"start":"2026-01-01","end":"2026-07-31"}}`)
	same(t, "ended", department("2026-08-01 00:00"), "none")
	same(t, "last day", department("2026-07-31 23:59"), "radiology nurse")
	same(t, "old department still", department("2026-04-30 23:59"), "surgery nurse")
	checkSnapshot(t, s)
	applyDeleted(t, s, "PractitionerRole", "r")
	same(t, "roles after deletion", len(s.Staff(a).Roles), 0)
}

func TestRoleThatMovesKeepsTheEarlierOne(t *testing.T) {
	s := newState(t)
	apply(t, s,
		`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/a"},"organization":{"display":"Surgery"},"period":{"start":"2026-01-01"}}`,
		`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/a"},"organization":{"display":"Radiology"},"period":{"start":"2026-05-01"}}`)
	a := reader(s, "Practitioner/a")
	for when, want := range map[string]string{"2026-04-30 23:59": "surgery", "2026-05-01 00:00": "radiology"} {
		r, ok := s.RoleAt(a, at(when))
		same(t, when, [2]any{s.DepartmentName(r.Department), ok}, [2]any{want, true})
	}
	checkSnapshot(t, s)
}

func TestInactive(t *testing.T) {
	s := newState(t)
	apply(t, s,
		`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/a"},"organization":{"display":"Surgery"}}`,
		`{"resourceType":"PractitionerRole","id":"q","active":false,"practitioner":{"reference":"Practitioner/b"},"organization":{"display":"Surgery"}}`,
		`{"resourceType":"Practitioner","id":"a","active":false,"meta":{"lastUpdated":"2026-03-01T00:00:00Z"}}`)
	a := reader(s, "Practitioner/a")
	_, before := s.RoleAt(a, at("2026-02-28 00:00"))
	_, after := s.RoleAt(a, at("2026-03-02 00:00"))
	same(t, "a person who became inactive", [2]bool{before, after}, [2]bool{true, false})
	same(t, "a role that ended nobody knows when", len(s.Staff(reader(s, "Practitioner/b")).Roles), 0)
	checkSnapshot(t, s)
}

func TestDuties(t *testing.T) {
	slot := `{"resourceType":"Slot","id":"s","schedule":{"reference":"Schedule/x"},"status":"busy","start":"2026-01-01T19:00:00Z","end":"2026-01-02T07:00:00Z"}`
	schedule := `{"resourceType":"Schedule","id":"x","actor":[{"reference":"Practitioner/a"},{"reference":"Location/sur"}]}`
	delimited := `{"resourceType":"Slot","id":"d/1","contained":[{"resourceType":"Schedule","id":"schedule","actor":[{"reference":"Practitioner/a"},{"display":"Surgery"}]}],"schedule":{"reference":"#schedule"},"status":"busy","start":"2026-02-01T07:00:00Z","end":"2026-02-01T19:00:00Z"}`
	location := `{"resourceType":"Location","id":"sur","name":"Surgery"}`
	permutations([]string{slot, schedule, delimited, location}, func(order []string) {
		s := newState(t)
		apply(t, s, order...)
		a := reader(s, "Practitioner/a")
		for _, c := range []struct {
			when  string
			slack time.Duration
			want  bool
		}{
			{"2026-01-01 19:00", 0, true},
			{"2026-01-02 07:00", 0, false},
			{"2026-01-02 07:30", time.Hour, true},
			{"2026-01-01 18:30", time.Hour, true},
			{"2026-01-01 18:30", 0, false},
			{"2026-02-01 12:00", 0, true},
		} {
			d, ok := s.DutyAt(a, at(c.when), c.slack)
			same(t, c.when, ok, c.want)
			if ok {
				same(t, c.when+" where", s.DepartmentName(d.Department), "Surgery")
			}
		}
		same(t, "covered", s.RosterCovers(at("2026-01-02 23:00")), true)
		same(t, "not covered", s.RosterCovers(at("2026-01-03 00:00")), false)
		checkSnapshot(t, s)
		applyDeleted(t, s, "Slot", "s")
		_, ok := s.DutyAt(a, at("2026-01-01 20:00"), 0)
		same(t, "after deletion", ok, false)
		same(t, "covered after deletion", s.RosterCovers(at("2026-01-02 00:00")), false)
	})
}

func TestUsualHours(t *testing.T) {
	s := newState(t)
	apply(t, s, `{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/a"},"organization":{"display":"Coding"},"availableTime":[{"daysOfWeek":["mon","fri"],"availableStartTime":"07:30:00","availableEndTime":"17:30:00"}]}`)
	for when, want := range map[string]bool{
		"2026-01-05 07:30": true, "2026-01-05 17:30": false, "2026-01-06 12:00": false, "2026-01-09 08:00": true, "2026-01-05 07:29": false,
	} {
		_, ok := s.DutyAt(reader(s, "Practitioner/a"), at(when), 0)
		same(t, when, ok, want)
	}
	checkSnapshot(t, s)
}

// TestUsualHoursAtNight: what ends in the morning began on the day before, and where no day is stated it is every day. Who has other work, of
// which no hours are stated, may be on duty at any time.
func TestUsualHoursAtNight(t *testing.T) {
	s := newState(t)
	apply(t, s,
		`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/a"},"availableTime":[{"daysOfWeek":["sun"],"availableStartTime":"22:00:00","availableEndTime":"06:00:00"}]}`,
		`{"resourceType":"PractitionerRole","id":"q","practitioner":{"reference":"Practitioner/b"},"period":{"end":"2026-01-31"},"availableTime":[{"availableStartTime":"16:00:00","availableEndTime":"00:00:00"}]}`,
		`{"resourceType":"PractitionerRole","id":"o","practitioner":{"reference":"Practitioner/b"},"period":{"start":"2026-01-10"}}`)
	for _, tt := range []struct {
		who, when      string
		within, stated bool
	}{
		{"Practitioner/a", "2026-01-04 21:59", false, true}, // a Sunday
		{"Practitioner/a", "2026-01-04 22:00", true, true},
		{"Practitioner/a", "2026-01-05 05:59", true, true},
		{"Practitioner/a", "2026-01-05 06:00", false, true},
		{"Practitioner/a", "2026-01-05 23:00", false, true},
		{"Practitioner/b", "2026-01-06 23:59", true, true},
		{"Practitioner/b", "2026-01-07 00:00", false, true},
		{"Practitioner/b", "2026-01-15 12:00", false, false},
		{"Practitioner/c", "2026-01-06 12:00", false, false},
	} {
		_, within := s.DutyAt(reader(s, tt.who), at(tt.when), 0)
		same(t, tt.who+" "+tt.when, within, tt.within)
		same(t, tt.who+" "+tt.when+", stated", s.StatesHours(reader(s, tt.who), at(tt.when)), tt.stated)
	}
	_, early := s.DutyAt(reader(s, "Practitioner/a"), at("2026-01-04 21:30"), time.Hour)
	same(t, "half an hour before", early, true)
}

func TestDepartments(t *testing.T) {
	permutations(staffed[:3], func(order []string) {
		s := newState(t)
		early := s.Department("surgery")
		apply(t, s, order...)
		sur := s.Department("Surgery")
		same(t, "early number", s.CanonicalDepartment(early), sur)
		same(t, "by location", s.Department("Location/sur"), sur)
		same(t, "by organisation", s.Department("Organization/sur"), sur)
		same(t, "by id", s.Department("SUR"), sur)
		same(t, "name", s.DepartmentName(sur), "Surgery")
		same(t, "whole", [2]bool{s.WholeDepartment(sur), s.WholeDepartment(s.Department("Millbrook General"))}, [2]bool{false, true})
		checkSnapshot(t, s)
	})
	// Locations with one number in two sources are two; so are wards that one hospital manages.
	s := newState(t)
	for _, source := range []string{"ehr", "pacs"} {
		if err := s.Apply(newFact(t, source, `{"resourceType":"Location","id":"1","name":"Room of `+source+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if s.Department("Room of ehr") == s.Department("Room of pacs") {
		t.Error("Location/1 of two sources is one department")
	}
	apply(t, s, staffed[0],
		`{"resourceType":"Location","id":"a","name":"A","managingOrganization":{"reference":"Organization/hospital"}}`,
		`{"resourceType":"Location","id":"b","name":"B","managingOrganization":{"reference":"Organization/hospital"}}`)
	if s.Department("A") == s.Department("B") {
		t.Error("wards of one hospital are one department")
	}
}

func TestWatches(t *testing.T) {
	s := newState(t)
	apply(t, s, survivor, `{"resourceType":"WatchListEntry","id":"VIP/1","list":"VIP","owner":" Privacy Office ","reason":"in the news","subject":{"identifier":{"system":"urn:mrn","value":"77"}},"period":{"start":"2026-01-01","end":"2026-02-01"}}`)
	apply(t, s, `{"resourceType":"Patient","id":"1","identifier":[{"system":"urn:mrn","value":"77"}]}`)
	p := patient(s, "Patient/1")
	w := s.Watches(p)
	if len(w) != 1 || s.Text(w[0].List) != "vip" || s.Text(w[0].Reason) != "in the news" || s.Text(w[0].Owner) != "Privacy Office" || w[0].Patient != p ||
		!w[0].Period.Holds(at("2026-02-01 23:59")) || w[0].Period.Holds(at("2026-02-02 00:00")) {
		t.Fatalf("watches: %+v", w)
	}
	checkSnapshot(t, s)
	applyDeleted(t, s, "WatchListEntry", "VIP/1")
	same(t, "after deletion", len(s.Watches(p)), 0)
}

func TestVendorAndManager(t *testing.T) {
	s := newState(t)
	apply(t, s,
		`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/v"},"organization":{"reference":"Organization/acme"}}`,
		`{"resourceType":"Organization","id":"acme","name":"Acme","type":[{"coding":[{"code":"bus"}]}]}`,
		`{"resourceType":"Task","id":"t","owner":{"reference":"Practitioner/v"},"executionPeriod":{"start":"2026-01-01","end":"2026-01-02"}}`,
		`{"resourceType":"Practitioner","id":"v","manager":{"reference":"Practitioner/m"}}`)
	v := s.Staff(reader(s, "Practitioner/v"))
	same(t, "vendor", v.Roles[0].Vendor, true)
	same(t, "tickets", len(v.Tickets), 1)
	same(t, "ticket", v.Tickets[0].Period, facts.Period{From: at("2026-01-01 00:00"), Until: at("2026-01-03 00:00")})
	same(t, "manager", v.Manager, reader(s, "Practitioner/m"))
	checkSnapshot(t, s)
	applyDeleted(t, s, "Task", "t")
	same(t, "tickets after deletion", len(s.Staff(reader(s, "Practitioner/v")).Tickets), 0)
}

// permutations calls f with each order of a few texts.
func permutations(list []string, f func([]string)) {
	var step func(k int)
	step = func(k int) {
		if k == len(list) {
			f(append([]string{}, list...))
			return
		}
		for i := k; i < len(list); i++ {
			list[k], list[i] = list[i], list[k]
			step(k + 1)
			list[k], list[i] = list[i], list[k]
		}
	}
	list = append([]string{}, list...)
	step(0)
}
