package facts_test

import (
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestPosts: a post is of those whose employment says so at the time, by each way in which a department is written. A name that one source gives to two organisations is
// neither; the reference of each is one of them, with its locations.
func TestPosts(t *testing.T) {
	const north = `{"resourceType":"Organization","id":"card","identifier":[{"system":"urn:dep","value":"C1"}],"name":"Cardiology","partOf":{"reference":"Organization/north"}}`
	const south = `{"resourceType":"Organization","id":"card-south","identifier":[{"system":"urn:dep","value":"C2"}],"name":"CARDIOLOGY","partOf":{"reference":"Organization/south"}}`
	post := func(who, member, code string) string {
		return `{"resourceType":"PractitionerRole","id":"` + who + `","practitioner":{"reference":"Practitioner/` + who + `"},` + member + `,"period":{"start":"2026-01-10","end":"2026-01-20"},` +
			`"code":[{"coding":[{"code":"` + code + `"}]}]}`
	}
	org := func(id string) string { return `"organization":{"reference":"Organization/` + id + `"}` }
	place := func(id string) string { return `"location":[{"reference":"Location/` + id + `"}]` }
	permutations([]string{
		north, south, // of two hospitals
		`{"resourceType":"Location","id":"b","name":"Cardiology","managingOrganization":{"reference":"Organization/card-south"}}`,
		post("a", org("card"), "Nurse"), post("b", org("card-south"), "Infirmière/RN"), post("c", place("b"), "nurse"),
	}, func(order []string) {
		s := newState(t)
		apply(t, s, order...)
		named := s.Department("cardiology") // as an event names it
		apply(t, s, `{"resourceType":"PractitionerRole","id":"d","practitioner":{"reference":"Practitioner/d"},"organization":{"display":"Cardiology"},"code":[{"coding":[{"code":"nurse"}]}]}`)
		same(t, "one elsewhere", s.CanonicalDepartment(named), s.Department("Organization/card"))
		for _, tt := range []struct {
			department, role string
			who              string
			why              facts.Unclear
		}{
			{"Organization/card", "", "a", ""},
			{" organization/CARD-SOUTH", "", "bc", ""},
			{"card", "", "a", ""},
			{"c2", "", "bc", ""},
			{"Location/b", "", "bc", ""},
			{"Organization/card-south", "nurse", "c", ""},
			{"", "nurse", "acd", ""},
			{"", "NURSE", "acd", ""},
			{"", "infirmiere-rn", "", facts.UnknownRole},
			{"", "Infirmiere / rn", "b", ""},
			{"Cardiology", "", "", facts.SeveralDepartments},
			{"Cardiology", "nurse", "", facts.SeveralDepartments},
			{"Organization/car", "nurse", "", facts.UnknownDepartment},
			{"card", "clerk", "", facts.UnknownRole},
			{"card", "infirmière/rn", "", ""},
		} {
			p, why := s.PostOf(tt.department, tt.role)
			same(t, tt.department+" "+tt.role, why, tt.why)
			if why != "" {
				continue
			}
			who := ""
			for _, name := range []string{"a", "b", "c", "d"} {
				n := reader(s, "Practitioner/"+name)
				if s.HasPost(n, at("2026-01-15 12:00"), &p) {
					who += name
				}
				same(t, "before", name != "d" && s.HasPost(n, at("2026-01-09 12:00"), &p), false)
				same(t, "after", name != "d" && s.HasPost(n, at("2026-01-21 12:00"), &p), false)
			}
			same(t, tt.department+" "+tt.role, who, tt.who)
			same(t, "anybody "+tt.department+" "+tt.role, s.AnybodyHas(&p, facts.Period{From: at("2026-01-01 00:00"), Until: at("2026-02-01 00:00")}), who != "")
		}
		p, _ := s.PostOf("Organization/card", "")
		for when, want := range map[string]bool{"2026-01-10 00:00": true, "2026-01-10 01:00": true, "2026-01-01 01:00": false, "2026-01-21 01:00": false} {
			same(t, "anybody until "+when, s.AnybodyHas(&p, facts.Period{From: at(when) - 1, Until: at(when) + 1}), want)
		}
		// Without the other hospital, the name is that of one department again.
		applyDeleted(t, s, "Organization", "card-south")
		p, why := s.PostOf("Cardiology", "")
		same(t, "why", why, facts.Unclear(""))
		same(t, "by name", s.HasPost(reader(s, "Practitioner/a"), at("2026-01-15 12:00"), &p), true)
		same(t, "by name alone", s.HasPost(reader(s, "Practitioner/d"), at("2026-01-15 12:00"), &p), true)
	})
}

// TestPostsOfSeveralSources: what two sources call alike is one department, also of those whose employment names that of the other source; a code or id that two departments
// share is neither, and neither is what is the code of one and the name of another.
func TestPostsOfSeveralSources(t *testing.T) {
	s := newState(t)
	for source, resources := range map[string][]string{
		"hr":  {`{"resourceType":"Organization","id":"1","name":"Cardiology"}`, `{"resourceType":"Organization","id":"2","identifier":[{"value":"ED"}],"name":"Emergency"}`},
		"ehr": {`{"resourceType":"Organization","id":"1","name":"Renal"}`, `{"resourceType":"Organization","id":"9","name":"cardiology"}`, `{"resourceType":"Location","id":"ed-1","name":"ed"}`},
	} {
		for _, r := range resources {
			if err := s.Apply(newFact(t, source, r)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Apply(newFact(t, "hr", `{"resourceType":"PractitionerRole","id":"a","practitioner":{"reference":"Practitioner/a"},"organization":{"reference":"Organization/1"}}`)); err != nil {
		t.Fatal(err)
	}
	who := s.Reader(&v1.Reader{Identifiers: []*v1.Identifier{{System: "source:hr", Value: "Practitioner/a"}}}, "hr")
	for text, want := range map[string]facts.Unclear{
		"Cardiology": "", "Organization/9": "", "Organization/1": facts.SeveralDepartments, "1": facts.SeveralDepartments, "ED": facts.SeveralDepartments, "Emergency": "",
	} {
		p, why := s.PostOf(text, "")
		same(t, text, why, want)
		if why == "" {
			same(t, text, s.HasPost(who, at("2026-01-15 12:00"), &p), text != "Emergency")
		}
	}
}
