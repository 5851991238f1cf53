package facts_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// crowd makes a town: 2,000 patients of whom one in ten is a Smith, the others have rare names.
func crowd(tb testing.TB, s *facts.State) {
	tb.Helper()
	for i := range 2000 {
		family := fmt.Sprintf("Family%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26)
		if i%10 == 0 {
			family = "Smith"
		}
		apply(tb, s, fmt.Sprintf(`{"resourceType":"Patient","id":"c%d","name":[{"family":%q,"given":["P%d"]}],`+
			`"telecom":[{"system":"phone","value":"555-999-%04d"}],"address":[{"line":["%d Long Road"],"postalCode":"99999"}]}`,
			i, family, i, i, i+1))
	}
}

const march = "2026-03-01 00:00"

func TestKinship(t *testing.T) {
	base := newState(t)
	crowd(t, base)
	for i := range 13 {
		apply(t, base, fmt.Sprintf(`{"resourceType":"Patient","id":"h%d","telecom":[{"system":"phone","value":"555-000-1111"}]}`, i))
	}
	for i := range 40 {
		apply(t, base, fmt.Sprintf(`{"resourceType":"Patient","id":"n%d","address":[{"line":["1 Nursing Home Way"],"postalCode":"1"}]}`, i))
	}
	cases := []struct {
		name, staff, patient string
		// more facts, beside the two.
		more []string
		// bounds of what is asserted, by name: low and high.
		same, household, former, phone, contact, surname [2]facts.Grade
		relation                                         string
		over, sameStreet                                 bool
	}{
		{name: "nothing known on either side", staff: ``, patient: ``},
		{
			name: "nothing known of the patient", staff: `"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980-01-02"`,
			patient: ``,
		},
		{
			name:    "namesake with a common name stays low",
			staff:   `"name":[{"family":"Smith","given":["Ana"]}]`,
			patient: `"name":[{"family":"SMITH","given":["Ana","B."]}]`,
			same:    [2]facts.Grade{1, 100}, surname: [2]facts.Grade{1, 100},
		},
		{
			name:    "namesake with another birth date is somebody else",
			staff:   `"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980-01-02"`,
			patient: `"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1981-01-02"`,
			surname: [2]facts.Grade{500, 1000},
		},
		{
			name:    "a year of birth tells nothing",
			staff:   `"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980"`,
			patient: `"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980"`,
			same:    [2]facts.Grade{1, 200}, surname: [2]facts.Grade{500, 1000},
		},
		{
			name:    "name and birth date, accents and order of names",
			staff:   `"name":[{"family":"Gómez","given":["José"]}],"birthDate":"1980-01-02"`,
			patient: `"name":[{"family":"Jose","given":["GOMEZ"]}],"birthDate":"1980-01-02"`,
			same:    [2]facts.Grade{600, 900},
		},
		{
			name:    "name, birth date and home",
			staff:   `"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980-01-02","address":[{"line":["12 Hill Street"],"postalCode":"00023"}]`,
			patient: `"name":[{"text":"Ruiz, Ana"}],"birthDate":"1980-01-02","address":[{"text":"12 hill st., Millbrook, IN 00023"}]`,
			same:    [2]facts.Grade{950, 950}, household: [2]facts.Grade{900, 900}, surname: [2]facts.Grade{500, 1000}, sameStreet: true,
		},
		{
			name:      "surname and address: a household",
			staff:     `"name":[{"family":"Ruiz","given":["Ana"]}],"address":[{"line":["12 Hill Street Apt 3"],"postalCode":"00023-1234"}]`,
			patient:   `"name":[{"family":"Ruiz","given":["Ben"]}],"address":[{"line":["12 Hill St","#3"],"postalCode":"000231234"}]`,
			household: [2]facts.Grade{900, 900}, surname: [2]facts.Grade{500, 1000}, sameStreet: true,
		},
		{
			name:  "another flat of the house",
			staff: `"address":[{"line":["12 Hill Street Apt 3"],"postalCode":"00023"}]`, sameStreet: true,
			patient: `"address":[{"line":["12 Hill Street Apt 4"],"postalCode":"00023"}]`,
		},
		{
			name:    "the same street of another town",
			staff:   `"address":[{"line":["12 Hill Street"],"postalCode":"00023"}]`,
			patient: `"address":[{"line":["12 Hill Street"],"postalCode":"00024"}]`,
		},
		{
			name:    "a street without a town matches nothing",
			staff:   `"address":[{"line":["12 Hill Street"]}]`,
			patient: `"address":[{"line":["12 Hill Street"]}]`,
		},
		{
			name:    "one door of many: an institution",
			staff:   `"address":[{"line":["1 Nursing Home Way"],"postalCode":"1"}]`,
			patient: `"address":[{"line":["1 Nursing Home Way"],"postalCode":"1"}]`, household: [2]facts.Grade{1, 200}, sameStreet: true,
		},
		{
			name:    "lived together once",
			staff:   `"address":[{"line":["12 Hill Street"],"postalCode":"00023"}]`,
			patient: `"address":[{"line":["12 Hill Street"],"postalCode":"00023","period":{"end":"2025-06-30"}},{"line":["2 Elm"],"postalCode":"00023"}]`,
			former:  [2]facts.Grade{900, 900},
		},
		{
			name:    "a phone in common",
			staff:   `"telecom":[{"system":"phone","value":"+1 (555) 810-7203"}]`,
			patient: `"telecom":[{"system":"phone","value":"0555 8107203 ext. 9"}]`, phone: [2]facts.Grade{700, 800},
		},
		{
			name:    "the hospital's number tells nothing",
			staff:   `"telecom":[{"system":"phone","value":"555-000-1111"}]`,
			patient: `"telecom":[{"system":"phone","value":"555-000-1111"}]`,
		},
		{
			name:    "a number at work tells nothing",
			staff:   `"telecom":[{"system":"phone","value":"555-810-7203","use":"work"}]`,
			patient: `"telecom":[{"system":"phone","value":"555-810-7203"}]`,
		},
		{
			name:  "contact by name and phone",
			staff: `"name":[{"family":"Ruiz","given":["Ana"]}],"telecom":[{"system":"phone","value":"555-810-7203"}]`,
			patient: `"contact":[{"relationship":[{"coding":[{"code":"C"}]}],"name":{"family":"Ruiz","given":["Ana"]},` +
				`"telecom":[{"system":"phone","value":"5558107203"}]}]`,
			contact: [2]facts.Grade{900, 900}, relation: "c",
		},
		{
			name:    "contact by a rare name alone",
			staff:   `"name":[{"family":"Ruiz","given":["Ana"]}]`,
			patient: `"contact":[{"name":{"family":"Ruiz","given":["Ana"]}}]`, contact: [2]facts.Grade{200, 450},
		},
		{
			name:    "contact by a common name alone",
			staff:   `"name":[{"family":"Smith","given":["Ana"]}]`,
			patient: `"contact":[{"name":{"family":"Smith","given":["Ana"]}}]`, contact: [2]facts.Grade{1, 60},
		},
		{
			name:    "contact of the name with another phone",
			staff:   `"name":[{"family":"Smith","given":["Ana"]}],"telecom":[{"system":"phone","value":"555-810-7203"}]`,
			patient: `"contact":[{"name":{"family":"Smith","given":["Ana"]},"telecom":[{"system":"phone","value":"555-111-2222"}]}]`,
			contact: [2]facts.Grade{1, 40},
		},
		{
			name:    "former spouse",
			staff:   `"name":[{"family":"Ruiz","given":["Ana"]}],"telecom":[{"system":"phone","value":"555-810-7203"}]`,
			patient: `"contact":[{"relationship":[{"text":"Former spouse"}],"name":{"family":"Ruiz","given":["Ana"]},"telecom":[{"system":"phone","value":"555-810-7203"}]}]`,
			contact: [2]facts.Grade{900, 900}, relation: "former spouse", over: true,
		},
		{
			name: "contact that ended", staff: `"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980-01-02"`, patient: ``,
			more: []string{`{"resourceType":"RelatedPerson","id":"rp","patient":{"reference":"Patient/p"},"birthDate":"1980-01-02",` +
				`"relationship":[{"coding":[{"code":"SPS"}]}],"name":[{"family":"Ruiz","given":["Ana"]}],"period":{"end":"2025-12-31"}}`},
			contact: [2]facts.Grade{900, 900}, relation: "sps", over: true,
		},
		{
			name: "related person who is staff, by Person", staff: `"name":[{"family":"Ruiz","given":["Ana"]}]`, patient: ``,
			more: []string{
				`{"resourceType":"Person","id":"x","link":[{"target":{"reference":"RelatedPerson/rp"}},{"target":{"reference":"Practitioner/s"}}]}`,
				`{"resourceType":"RelatedPerson","id":"rp","patient":{"reference":"Patient/p"},"relationship":[{"coding":[{"code":"CHILD"}]}],` +
					`"name":[{"family":"Nobody"}]}`,
			},
			contact: [2]facts.Grade{1000, 1000}, relation: "child",
		},
		{
			name:    "maiden name and a part of a double name",
			staff:   `"name":[{"family":"García-López","given":["Ana"]}]`,
			patient: `"name":[{"family":"Meier","given":["Eva"]},{"use":"maiden","family":"Lopez","given":["Eva"]}]`,
			surname: [2]facts.Grade{300, 600},
		},
		{
			name:    "umlauts",
			staff:   `"name":[{"family":"Müller","given":["Ana"]}]`,
			patient: `"name":[{"family":"Mueller","given":["Eva"]}]`, surname: [2]facts.Grade{500, 1000},
		},
	}
	snapshot := snapshotOf(t, base)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			resources := append([]string{
				`{"resourceType":"Practitioner","id":"s"` + comma(c.staff) + `}`,
				`{"resourceType":"Patient","id":"p"` + comma(c.patient) + `}`,
			}, c.more...)
			permutations(resources, func(order []string) {
				s := restore(t, snapshot)
				apply(t, s, order...)
				k := s.Kinship(reader(s, "Practitioner/s"), patient(s, "Patient/p"), at(march))
				for what, g := range map[string]struct {
					got  facts.Grade
					want [2]facts.Grade
				}{
					"same": {k.Same, c.same}, "household": {k.Household, c.household}, "former household": {k.FormerHousehold, c.former},
					"phone": {k.Phone, c.phone}, "contact": {k.Contact, c.contact}, "surname": {k.Surname, c.surname},
				} {
					if g.got < g.want[0] || g.got > g.want[1] {
						t.Errorf("%s: %d, want %d to %d", what, g.got, g.want[0], g.want[1])
					}
				}
				same(t, "relation", s.Text(k.Relation), c.relation)
				same(t, "former", k.Former, c.over)
				same(t, "street", k.SameStreet, c.sameStreet)
			})
		})
	}
}

func comma(members string) string {
	if members == "" {
		return ""
	}
	return "," + members
}

func TestCoworker(t *testing.T) {
	role := func(who, department string) string {
		return `{"resourceType":"PractitionerRole","id":"r` + who + `","practitioner":{"reference":"Practitioner/` + who + `"},` +
			`"organization":{"display":"` + department + `"},"period":{"start":"2026-01-01","end":"2026-12-31"}}`
	}
	s := newState(t)
	apply(t, s,
		`{"resourceType":"Practitioner","id":"a"}`, `{"resourceType":"Practitioner","id":"b"}`, `{"resourceType":"Practitioner","id":"c"}`,
		`{"resourceType":"Practitioner","id":"d","name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980-01-02"}`,
		role("a", "Surgery"), role("b", "Surgery"), role("c", "Radiology"), role("d", "Surgery"),
		`{"resourceType":"Patient","id":"b"}`, `{"resourceType":"Patient","id":"c"}`,
		`{"resourceType":"Patient","id":"d","name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1980-01-02"}`,
		`{"resourceType":"Patient","id":"e","meta":{"security":[{"code":"EMP"}]}}`, `{"resourceType":"Patient","id":"f"}`,
		`{"resourceType":"Person","id":"b","link":[{"target":{"reference":"Patient/b"}},{"target":{"reference":"Practitioner/b"}}]}`,
		`{"resourceType":"Person","id":"c","link":[{"target":{"reference":"Patient/c"}},{"target":{"reference":"Practitioner/c"}}]}`,
	)
	for _, c := range []struct {
		patient, when       string
		coworker, colleague bool
	}{
		{"b", march, true, true},
		{"b", "2027-01-01 00:00", false, true},
		{"c", march, false, true},
		{"d", march, true, true},
		{"e", march, false, true},
		{"f", march, false, false},
	} {
		k := s.Kinship(reader(s, "Practitioner/a"), patient(s, "Patient/"+c.patient), at(c.when))
		same(t, c.patient+" "+c.when, [2]bool{k.Coworker, k.Colleague}, [2]bool{c.coworker, c.colleague})
	}
}

// TestTeam: a department in common says more than a manager, and whose manager somebody is, is not the same as who has the same.
func TestTeam(t *testing.T) {
	s := newState(t)
	for _, who := range []string{"a", "b", "c", "boss"} {
		apply(t, s, `{"resourceType":"Practitioner","id":"`+who+`"}`, `{"resourceType":"Patient","id":"`+who+`"}`,
			`{"resourceType":"Person","id":"`+who+`","link":[{"target":{"reference":"Patient/`+who+`"}},{"target":{"reference":"Practitioner/`+who+`"}}]}`)
		department := "Surgery"
		if who != "a" && who != "b" {
			department = "Ward of " + who
		}
		apply(t, s, `{"resourceType":"PractitionerRole","id":"r`+who+`","practitioner":{"reference":"Practitioner/`+who+`"},`+
			`"organization":{"display":"`+department+`"},"period":{"start":"2026-01-01"}}`)
		if who != "boss" {
			apply(t, s, `{"resourceType":"Manager","id":"m`+who+`","practitioner":{"reference":"Practitioner/`+who+`"},"manager":{"reference":"Practitioner/boss"}}`)
		}
	}
	for _, c := range []struct {
		reader, patient string
		want            facts.Team
	}{
		{"a", "b", facts.TeamDepartment},
		{"a", "c", facts.TeamManager},
		{"a", "boss", facts.TeamManages},
		{"boss", "a", facts.TeamReports},
		{"a", "a", facts.TeamNone},
	} {
		k := s.Kinship(reader(s, "Practitioner/"+c.reader), patient(s, "Patient/"+c.patient), at(march))
		same(t, c.reader+" "+c.patient, k.Team, c.want)
		same(t, "they are coworkers", k.Coworker, c.want != facts.TeamNone)
	}
}

func TestAddresses(t *testing.T) {
	type address struct{ line, city, postal, text string }
	for _, c := range []struct {
		door string
		of   []address
	}{
		{"12 hill st|00023#3", []address{
			{line: "12 Hill Street Apt 3", postal: "00023"},
			{line: "12 HILL ST. #3", postal: "00023-9999"},
			{line: "12 Hill St, Unit 3", postal: "000239999"},
			{text: "12 Hill Street, Apt 3, Millbrook, IN 00023"},
			{line: "Flat 3, 12 Hill Street", postal: "00023"},
			{text: "12 hill street apt. 3\nMillbrook, IN 00023"},
		}},
		{"633 n abernathy ave|66801", []address{
			{line: "633 North Abernathy Avenue", postal: "66801"}, {line: "633 N. Abernathy Ave", postal: "66801", city: "Emporia"},
		}},
		{"12a haupt str|10115", []address{}},
		{"12a hauptstr|10115", []address{
			{line: "Hauptstraße 12a", postal: "10115", city: "Berlin"},
			{line: "Hauptstr. 12 A", postal: "10115"},
			{text: "Hauptstrasse 12a, 10115 Berlin"},
		}},
		{"4 5th ave|1", []address{{line: "4 Fifth Avenue", postal: "1"}, {line: "4 5th Ave.", postal: "1"}}},
		{"12-14 marys rd|cb21tn", []address{{line: "12-14 Mary's Road", postal: "CB2 1TN"}, {line: "12-14 Marys Rd", postal: "cb21tn"}}},
		{"9 elm ln|millbrook", []address{{line: "9 Elm Lane", city: "Millbrook"}}},
		{"8 po box|66801", []address{{line: "P.O. Box 8", postal: "66801"}, {line: "PO BOX 8", postal: "66801"}}},
		{"", []address{{line: "Hill Street", postal: "00023"}, {line: "12 Hill Street"}, {text: "unknown"}, {line: "12", postal: "1"}, {}}},
	} {
		for _, a := range c.of {
			door, _, _ := facts.Door(a.line, a.city, a.postal, a.text)
			same(t, fmt.Sprintf("%+v", a), door, c.door)
		}
	}
	_, street, house := facts.Door("12 Hill Street Apt 3", "", "00023", "")
	same(t, "street", street, "hill st|00023")
	same(t, "house", house, int32(12))
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"O'Brien": "obrien", "García-López": "garcia lopez", "  van der  Berg ": "van der berg", "Müller": "muller", "Mueller": "muller",
		"Enríquez": "enriquez", "Łukasz": "lukasz", "STRAẞE": "strasse", "Ångström": "angstrom", "Nguyễn": "nguyen", "": "", "李": "李",
	} {
		same(t, in, facts.FoldName(in), want)
	}
	for in, want := range map[string][2]string{
		"Ruiz, Abigail M.": {"ruiz", "abigail"}, "Dr. Abigail Ruiz": {"ruiz", "abigail"}, "Abigail Ruiz, MD": {"ruiz", "abigail"},
		"Jan van der Berg": {"van der berg", "jan"}, "Ruiz": {"ruiz", ""}, "": {"", ""}, "Dr.": {"", ""},
	} {
		family, given := facts.SplitName(in)
		same(t, in, [2]string{family, given}, want)
	}
	for in, want := range map[string]string{
		"+1-555-555-0000": "555550000", "(555) 555-0000": "555550000", "0049 30 1234567 ext 12": "301234567", "12345": "",
		"0000000000": "", "tel:+1-555-555-0000;ext=5": "555550000",
	} {
		same(t, in, facts.PhoneDigits(in), want)
	}
}

// TestMetres compares with the haversine formula in floats, to a part in ten thousand.
func TestMetres(t *testing.T) {
	radians := func(e6 int32) float64 { return float64(e6) / 1e6 * math.Pi / 180 }
	for _, c := range [][4]int32{
		{41211289, -84987234, 41211289, -84987234},
		{41211289, -84987234, 41211389, -84987234},
		{41211289, -84987234, 41243868, -85007411},
		{0, 179999000, 0, -179999000},
		{90000000, 0, -90000000, 0},
		{48137154, 11576124, 52520008, 13404954},
		{-33868820, 151209290, 51507351, -127758},
		{0, 0, 0, 180000000},
		{0, 0, 0, 1},
	} {
		a1, a2 := radians(c[0]), radians(c[2])
		x, y := math.Sin((a2-a1)/2), math.Sin((radians(c[3])-radians(c[1]))/2)
		want := 2 * 6371009 * math.Asin(math.Min(1, math.Sqrt(x*x+math.Cos(a1)*math.Cos(a2)*y*y)))
		got := float64(facts.Metres(c[0], c[1], c[2], c[3]))
		if math.Abs(got-want) > 0.6+want/10000 {
			t.Errorf("%v: %.0f m, want %.1f", c, got, want)
		}
	}
	for text, want := range map[string]int32{"41.2112895": 41211289, "-84.5": -84500000, "7": 7000000} {
		got, ok := facts.Degrees(text, 180)
		same(t, text, [2]any{got, ok}, [2]any{want, true})
	}
	for _, text := range []string{"", "-", "200", "4e1", "1.2.3", "abc"} {
		if _, ok := facts.Degrees(text, 180); ok {
			t.Errorf("%q are degrees", text)
		}
	}
}

func TestInstant(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	for text, want := range map[string][2]string{
		"2026":                          {"2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"},
		"2026-02":                       {"2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"},
		"2024-02-29":                    {"2024-02-28T23:00:00Z", "2024-02-29T23:00:00Z"},
		"2026-01-02T03:04:05Z":          {"2026-01-02T03:04:05Z", ""},
		"2026-01-02T03:04:05.678-06:00": {"2026-01-02T09:04:05.678Z", ""},
		"2026-01-02T03:04":              {"2026-01-02T02:04:00Z", ""},
		"2026-01-02 03:04:05":           {"2026-01-02T02:04:05Z", ""},
		"1900-03-01T00:00:00+00:00":     {"1900-03-01T00:00:00Z", ""},
	} {
		p, ok := facts.Instant(text, zone)
		from, err := time.Parse(time.RFC3339, want[0])
		if err != nil {
			t.Fatal(err)
		}
		until := from.UnixMicro() + 1
		if want[1] != "" {
			end, err := time.Parse(time.RFC3339, want[1])
			if err != nil {
				t.Fatal(err)
			}
			until = end.UnixMicro()
		}
		same(t, text, [2]any{p, ok}, [2]any{facts.Period{From: from.UnixMicro(), Until: until}, true})
	}
	for _, text := range []string{
		"", "yesterday", "2026-13", "2026-02-29", "2026-01-02T", "2026-01-02T25:00:00Z", "2026-01-02T03:04:05.Z", "2026-1-2", "0000",
		"2026-01-02T03:04:05+99:00", "2026-01-02T03:04:05Zx", "2026-01-02x",
	} {
		if _, ok := facts.Instant(text, zone); ok {
			t.Errorf("%q is a time", text)
		}
	}
}
