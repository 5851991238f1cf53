package facts_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
)

// TestConsented: whom a consent of R4 or R5 names for which parts of the record, in any order of the resources.
func TestConsented(t *testing.T) {
	const (
		part2   = `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentcategorycodes","code":"42-CFR-2"}]}]`
		loinc   = `"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}]`
		a       = `"actor":[{"role":{"coding":[{"code":"IRCP"}]},"reference":{"reference":"Practitioner/a"}}]`
		psych   = `"actor":[{"role":{"coding":[{"code":"PRCP"}]},"reference":{"reference":"Organization/psy"}}]`
		author  = `"actor":[{"role":{"coding":[{"code":"AUT"}]},"reference":{"reference":"Practitioner/a"}}]`
		eth     = `"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"ETH"}]`
		psyHIV  = `"securityLabel":[{"code":"PSY"},{"code":"HIV"}]`
		r       = `"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]`
		n       = `"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]`
		mental  = facts.LabelMental
		hiv     = facts.LabelHIV
		sud     = facts.LabelSubstance
		nobody  = facts.Label(0)
		r4Until = `"period":{"start":"2026-01-01","end":"2026-02-28"}`
	)
	for _, c := range []struct {
		name, consent string
		// staff is what a is let see, department what those of psychiatry are.
		staff, department facts.Label
	}{
		{"a reader for a label", `"provision":{"type":"permit",` + eth + `,` + a + `}`, sud, nobody},
		{"a department for two labels", `"provision":{"type":"permit",` + psyHIV + `,` + psych + `}`, nobody, mental | hiv},
		{"a role of a reader", `"provision":{` + eth + `,"actor":[{"reference":{"reference":"PractitionerRole/ra"}}]}`, sud, nobody},
		{"a reader by an identifier", `"provision":{` + eth + `,"actor":[{"reference":{"identifier":{"system":"urn:npi","value":"1"}}}]}`, sud, nobody},
		{"42 CFR Part 2 without a label", part2 + `,"provision":{"type":"permit",` + a + `}`, sud, nobody},
		{"42 CFR Part 2 with another label", part2 + `,"provision":{"type":"permit",` + psyHIV + `,` + a + `}`, mental | hiv, nobody},
		{"42 CFR Part 2, as restricted as that is", part2 + `,"provision":{"type":"permit",` + r + `,` + a + `}`, sud | facts.LabelRestricted, nobody},
		{"another category without a label", loinc + `,"provision":{"type":"permit",` + a + `}`, nobody, nobody},
		{"what is not protected", loinc + `,"provision":{"type":"permit",` + n + `,` + a + `}`, nobody, nobody},
		{"for one document only", `"provision":{"type":"permit",` + eth + `,` + a + `,"data":[{"meaning":"instance","reference":{"reference":"Observation/1"}}]}`, nobody, nobody},
		{"one that is over since nobody says when", `"status":"inactive","provision":{"type":"permit",` + eth + `,` + a + `}`, nobody, nobody},
		{"nobody in particular", part2 + `,"provision":{"type":"permit"}`, nobody, nobody},
		{"an author's data, not a reader", part2 + `,"provision":{"type":"permit",` + author + `}`, nobody, nobody},
		{"a relative", part2 + `,"provision":{"type":"permit","actor":[{"reference":{"reference":"RelatedPerson/r"}}]}`, nobody, nobody},
		{"one within another", loinc + `,"provision":{"type":"permit",` + n + `,"provision":[{"type":"permit",` + psyHIV + `,` + a + `}]}`, mental | hiv, nobody},
		{"one within another that names the reader", `"provision":{"type":"permit",` + a + `,"provision":[{"type":"permit",` + eth + `}]}`, sud, nobody},
		{"one within another that names the label", `"provision":{"type":"permit",` + eth + `,"provision":[{"type":"permit",` + psych + `}]}`, nobody, sud},
		{"an exception for a label", `"provision":{` + psyHIV + `,` + a + `,"provision":[{"type":"deny","securityLabel":[{"code":"HIV"}]}]}`, mental, nobody},
		{
			"an exception for a reader", part2 + `,"provision":{"actor":[{"reference":{"reference":"Organization/psy"}},{"reference":{"reference":"Practitioner/b"}},` +
				`{"reference":{"reference":"Practitioner/a"}}],"provision":[{"type":"deny",` + a + `}]}`, nobody, sud,
		},
		{"over since February", part2 + `,"provision":{` + r4Until + `,` + a + `}`, nobody, nobody},
		{"of R5", `"decision":"permit","provision":[{` + eth + `,` + a + `},{` + psyHIV + `,` + psych + `}]`, sud, mental | hiv},
		{"of R5, with an exception", `"decision":"permit","provision":[{` + psyHIV + `,` + a + `,"provision":[{"securityLabel":[{"code":"PSY"}]}]}]`, hiv, nobody},
		{"of R5, over since February", `"decision":"permit","period":{"end":"2026-02-28"},` + part2 + `,"provision":[{` + a + `}]`, nobody, nobody},
		{"of R5, in force", `"decision":"permit","period":{"end":"2026-03-01"},` + part2 + `,"provision":[{` + a + `}]`, sud, nobody},
		{"of R5, denied", `"decision":"deny",` + part2 + `,"provision":[{` + a + `}]`, nobody, nobody},
		{"denied", part2 + `,"provision":{"type":"deny",` + a + `}`, nobody, nobody},
		{"dated later", part2 + `,"dateTime":"2026-03-02","provision":{` + a + `}`, nobody, nobody},
		{"dated on that day", part2 + `,"dateTime":"2026-03-01","provision":{` + a + `}`, sud, nobody},
		{"rejected", `"status":"rejected",` + part2 + `,"provision":{` + a + `}`, nobody, nobody},
		{"entered in error", `"status":"entered-in-error",` + part2 + `,"provision":{` + a + `}`, nobody, nobody},
		{"inactive", `"status":"inactive","dateTime":"2026-01-01",` + part2 + `,"provision":{` + a + `}`, nobody, nobody},
	} {
		t.Run(c.name, func(t *testing.T) {
			permutations([]string{
				`{"resourceType":"Practitioner","id":"a","identifier":[{"system":"urn:npi","value":"1"}]}`,
				`{"resourceType":"PractitionerRole","id":"ra","practitioner":{"reference":"Practitioner/a"},"organization":{"reference":"Organization/ward"}}`,
				`{"resourceType":"Organization","id":"psy","name":"Psychiatry"}`,
				`{"resourceType":"Consent","id":"c","patient":{"reference":"Patient/1"},` + c.consent + `}`,
			}, func(order []string) {
				s := newState(t)
				apply(t, s, order...)
				for _, s := range []*facts.State{s, checkSnapshot(t, s)} {
					p, staff, department := patient(s, "Patient/1"), reader(s, "Practitioner/a"), s.Department("Psychiatry")
					same(t, "the reader", s.Consented(p, staff, [2]facts.ID{}, at(march)), c.staff)
					same(t, "the department", s.Consented(p, reader(s, "Practitioner/z"), [2]facts.ID{0, department}, at(march)), c.department)
					same(t, "another patient", s.Consented(patient(s, "Patient/2"), staff, [2]facts.ID{department}, at(march)), nobody)
				}
			})
		})
	}
}

// TestConsentedByVersions: the latest version holds, and consents of records that were merged hold for both.
func TestConsentedByVersions(t *testing.T) {
	s := newState(t)
	apply(t, s, `{"resourceType":"Practitioner","id":"a"}`)
	step := func(what string, one, two facts.Label, resource string) {
		t.Helper()
		apply(t, s, resource)
		for _, s := range []*facts.State{s, checkSnapshot(t, s)} {
			same(t, what, [2]facts.Label{
				s.Consented(patient(s, "Patient/1"), reader(s, "Practitioner/a"), [2]facts.ID{}, at(march)),
				s.Consented(patient(s, "Patient/2"), reader(s, "Practitioner/a"), [2]facts.ID{}, at(march)),
			}, [2]facts.Label{one, two})
		}
	}
	consent := func(id, patient, label, who string) string {
		return `{"resourceType":"Consent","id":"` + id + `","patient":{"reference":"Patient/` + patient + `"},"provision":{"securityLabel":[{"code":"` + label +
			`"}],"actor":[{"reference":{"reference":"Practitioner/` + who + `"}}]}}`
	}
	step("one", facts.LabelSubstance, 0, consent("c1", "1", "ETH", "a"))
	step("another", facts.LabelSubstance|facts.LabelHIV, 0, consent("c2", "1", "HIV", "a"))
	step("of another patient", facts.LabelHIV, facts.LabelSubstance, consent("c1", "2", "ETH", "a"))
	step("merged", facts.LabelHIV|facts.LabelSubstance, facts.LabelHIV|facts.LabelSubstance,
		`{"resourceType":"Patient","id":"1","link":[{"type":"replaced-by","other":{"reference":"Patient/2"}}]}`)
	step("parted", facts.LabelHIV, facts.LabelSubstance, `{"resourceType":"Patient","id":"1"}`)
	step("of another reader", 0, facts.LabelSubstance, consent("c2", "1", "HIV", "b"))
	applyDeleted(t, s, "Consent", "c1")
	step("deleted", 0, 0, `{"resourceType":"Patient","id":"2"}`)
}

// TestManyNamed: a small resource that names many by many says no more than the bound.
func TestManyNamed(t *testing.T) {
	many := func(n int, text string) string { return strings.TrimSuffix(strings.Repeat(text+",", n), ",") }
	refs := func(n int, typ string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"reference":"%s/%d"},`, typ, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	actors := many(40, `{"reference":{"reference":"Practitioner/a"}}`)
	for _, c := range []struct {
		name, resource string
		evicted        int64
	}{
		{"a consent", `{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/1"},"provision":{"actor":[` + actors + `],"provision":[` +
			many(24, `{"type":"permit","securityLabel":[{"code":"HIV"}]}`) + `]}}`, 0},
		{"a consent of more", `{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/1"},"provision":{"actor":[` + actors + `],"provision":[` +
			many(26, `{"type":"permit","securityLabel":[{"code":"HIV"}]}`) + `]}}`, 1},
		{"an account", `{"resourceType":"Account","id":"c","status":"active","subject":[` + refs(25, "Patient") + `],"guarantor":[` +
			many(40, `{"party":{"reference":"Practitioner/a"}}`) + `]}`, 0},
		{"an account of more", `{"resourceType":"Account","id":"c","status":"active","subject":[` + refs(26, "Patient") + `],"guarantor":[` +
			many(40, `{"party":{"reference":"Practitioner/a"}}`) + `]}`, 1},
	} {
		s := newState(t)
		apply(t, s, `{"resourceType":"Practitioner","id":"a"}`, `{"resourceType":"Patient","id":"1"}`, c.resource)
		if got := s.Coverage().Evicted; got != c.evicted {
			t.Errorf("%s: %d left out", c.name, got)
		}
		same(t, c.name, s.Consented(patient(s, "Patient/1"), reader(s, "Practitioner/a"), [2]facts.ID{}, at(march)) == facts.LabelHIV, c.name == "a consent")
	}
}

// TestManyOfOnePatient: the accounts and consents of one patient are bounded together.
func TestManyOfOnePatient(t *testing.T) {
	s := newState(t)
	apply(t, s, `{"resourceType":"Practitioner","id":"a"}`, `{"resourceType":"Patient","id":"1"}`)
	for i := range 1002 {
		apply(t, s, fmt.Sprintf(`{"resourceType":"Account","id":"a%d","status":"active","subject":[{"reference":"Patient/1"}],`+
			`"guarantor":[{"party":{"reference":"RelatedPerson/%d"}}]}`, i, i))
	}
	same(t, "left out", s.Coverage().Evicted, int64(2))
}
