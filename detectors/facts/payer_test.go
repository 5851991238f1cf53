package facts_test

import (
	"slices"
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
)

// TestPayers: who pays for a patient or has them insured, of R4 and R5, in any order of the resources.
func TestPayers(t *testing.T) {
	base := newState(t)
	crowd(t, base)
	const (
		ann      = `"name":[{"family":"Reed","given":["Ann"]}]`
		annPhone = `"telecom":[{"system":"phone","value":"555-810-7203"}]`
		annBirth = `"birthDate":"1980-01-02"`
		home     = `"address":[{"line":["12 Hill Street"],"postalCode":"00023"}]`
		staff    = `{"resourceType":"Practitioner","id":"s",` + ann + `,` + annPhone + `,` + annBirth + `,` + home + `}`
		willi    = `{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:mrn","value":"77"}],"name":[{"family":"Long","given":["Willi"]}]}`
		linked   = `{"resourceType":"Person","id":"x","link":[{"target":{"reference":"Practitioner/s"}},{"target":{"reference":"Patient/ann"}}]}`
	)
	account := func(more string) string {
		return `{"resourceType":"Account","id":"a","status":"active","subject":[{"reference":"Patient/p"}],` + more + `}`
	}
	coverage := func(more string) string {
		return `{"resourceType":"Coverage","id":"c","status":"active","beneficiary":{"reference":"Patient/p"},` + more + `}`
	}
	type grades = [2]facts.Grade // low and high
	for _, c := range []struct {
		name          string
		more          []string
		pays, insures grades
	}{
		{
			name: "guarantor whose record is the reader's, by Person",
			more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"}}]`), `{"resourceType":"Patient","id":"ann"}`, linked},
			pays: grades{1000, 1000},
		},
		{
			name: "guarantor whose record was not read, by Person",
			more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"}}]`), linked}, pays: grades{1000, 1000},
		},
		{
			name: "guarantor whose record is like the reader, by name and birth date",
			more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"}}]`), `{"resourceType":"Patient","id":"ann",` + ann + `,` + annBirth + `}`},
			pays: grades{900, 900},
		},
		{
			name: "guarantor whose record is like the reader, by name and home",
			more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"}}]`), `{"resourceType":"Patient","id":"ann",` + ann + `,` + home + `}`},
			pays: grades{900, 900},
		},
		{
			name: "guarantor of the reader's name with another birth date",
			more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"}}]`), `{"resourceType":"Patient","id":"ann",` + ann + `,"birthDate":"1950-01-01",` + home + `}`},
		},
		{
			name: "guarantor who has nothing but the reader's name",
			more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"}}]`), `{"resourceType":"Patient","id":"ann",` + ann + `}`},
			pays: grades{200, 450},
		},
		{
			name: "guarantor by a display alone", more: []string{account(`"guarantor":[{"party":{"display":"Dr. Ann Reed"}}]`)}, pays: grades{200, 450},
		},
		{
			name: "related person by name and phone",
			more: []string{
				account(`"guarantor":[{"party":{"reference":"RelatedPerson/rp"}}]`),
				`{"resourceType":"RelatedPerson","id":"rp","patient":{"reference":"Patient/other"},` + ann + `,` + annPhone + `}`,
			},
			pays: grades{900, 900},
		},
		{
			name: "related person by Person",
			more: []string{
				coverage(`"policyHolder":{"reference":"RelatedPerson/rp"}`),
				`{"resourceType":"Person","id":"x","link":[{"target":{"reference":"Practitioner/s"}},{"target":{"reference":"RelatedPerson/rp"}}]}`,
			},
			insures: grades{1000, 1000},
		},
		{
			name: "contained",
			more: []string{account(`"contained":[{"resourceType":"RelatedPerson","id":"g",` + ann + `,` + annBirth + `}],"guarantor":[{"party":{"reference":"#g"}}]`)},
			pays: grades{900, 900},
		},
		{
			name: "a record by its identifier, under another number now",
			more: []string{
				coverage(`"subscriber":{"identifier":{"system":"urn:mrn","value":"12"}}`),
				`{"resourceType":"Patient","id":"old","identifier":[{"system":"urn:mrn","value":"12"}],"link":[{"type":"replaced-by","other":{"reference":"Patient/ann"}}]}`,
				`{"resourceType":"Patient","id":"ann"}`, linked,
			},
			insures: grades{1000, 1000},
		},
		{
			name: "payor of R4, without brackets", more: []string{coverage(`"payor":{"reference":"Practitioner/s"}`)}, pays: grades{1000, 1000},
		},
		{
			name: "paymentBy of R5", more: []string{coverage(`"insurer":{"display":"Ann Reed"},"paymentBy":[{"party":{"reference":"Patient/ann"}}]`), linked},
			pays: grades{1000, 1000},
		},
		{
			name: "policy holder and subscriber pay nothing by themselves",
			more: []string{coverage(`"policyHolder":{"reference":"Patient/ann"},"subscriber":{"reference":"Patient/ann"}`), linked}, insures: grades{1000, 1000},
		},
		{
			name: "several", more: []string{account(`"guarantor":[{"party":{"reference":"Organization/o"}},{"party":{"reference":"Patient/ann"}}]`), linked},
			pays: grades{1000, 1000},
		},
		{name: "an organisation", more: []string{coverage(`"payor":[{"reference":"Organization/o","display":"Ann Reed"}]`)}},
		{
			name: "on hold", more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"},"onHold":true}]`), linked},
		},
		{
			name: "guarantor whose time is over", more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"},"period":{"end":"2026-02-27"}}]`), linked},
		},
		{
			name: "guarantor on the last day", more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"},"period":{"end":"2026-03-01"}}]`), linked},
			pays: grades{1000, 1000},
		},
		{
			name: "guarantor who begins later", more: []string{account(`"guarantor":[{"party":{"reference":"Patient/ann"},"period":{"start":"2026-03-02"}}]`), linked},
		},
		{
			name: "account that is over, guarantor who is not",
			more: []string{account(`"servicePeriod":{"end":"2026-01-31"},"guarantor":[{"party":{"reference":"Patient/ann"},"period":{"end":"2026-12-31"}}]`), linked},
			pays: grades{1000, 1000},
		},
		{
			name: "account that is over", more: []string{account(`"servicePeriod":{"end":"2026-01-31"},"guarantor":[{"party":{"reference":"Patient/ann"}}]`), linked},
		},
		{
			name: "coverage that is over", more: []string{coverage(`"period":{"end":"2025"},"subscriber":{"reference":"Patient/ann"}`), linked},
		},
		{
			name: "their own guarantor",
			more: []string{
				account(`"guarantor":[{"party":{"reference":"Patient/p"}}]`),
				`{"resourceType":"Person","id":"x","link":[{"target":{"reference":"Practitioner/s"}},{"target":{"reference":"Patient/p"}}]}`,
			},
		},
		{
			name: "their own guarantor, under another number",
			more: []string{
				account(`"guarantor":[{"party":{"identifier":{"system":"urn:mrn","value":"77"}}}]`),
				`{"resourceType":"Person","id":"x","link":[{"target":{"reference":"Practitioner/s"}},{"target":{"reference":"Patient/p"}}]}`,
			},
		},
		{
			name: "their own subscriber, as it says", more: []string{coverage(`"relationship":{"coding":[{"code":"self"}]},"subscriber":{"display":"Ann Reed"}`)},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			permutations(append([]string{staff, willi}, c.more...), func(order []string) {
				s := newState(t)
				apply(t, s, order...)
				for _, s := range []*facts.State{s, checkSnapshot(t, s)} {
					k := s.Kinship(reader(s, "Practitioner/s"), patient(s, "Patient/p"), at(march))
					for what, g := range map[string]struct {
						got  facts.Grade
						want grades
					}{"pays": {k.Pays, c.pays}, "insures": {k.Insures, c.insures}} {
						if g.got < g.want[0] || g.got > g.want[1] {
							t.Errorf("%s: %d, want %d to %d", what, g.got, g.want[0], g.want[1])
						}
					}
					same(t, "contact", k.Contact, facts.Grade(0))
				}
			})
		})
	}
}

// TestPayersByStatus: what was withdrawn or is a draft says nothing, and what is over held until the version that says so.
func TestPayersByStatus(t *testing.T) {
	for _, c := range []struct {
		typ, status, updated string
		want                 facts.Grade
	}{
		{"Account", "active", "", 1000},
		{"Account", "on-hold", "", 1000},
		{"Account", "unknown", "", 1000},
		{"Account", "", "", 1000},
		{"Account", "entered-in-error", "", 0},
		{"Account", "inactive", "2026-02-01T00:00:00Z", 0},
		{"Account", "inactive", "2026-03-02T00:00:00Z", 1000},
		{"Account", "inactive", "", 0},
		{"Coverage", "active", "", 1000},
		{"Coverage", "draft", "", 0},
		{"Coverage", "cancelled", "", 0},
		{"Coverage", "entered-in-error", "", 0},
	} {
		s := newState(t)
		apply(t, s, `{"resourceType":"Practitioner","id":"s"}`, `{"resourceType":"`+c.typ+`","id":"a","status":"`+c.status+`","meta":{"lastUpdated":"`+c.updated+
			`"},"subject":[{"reference":"Patient/p"}],"beneficiary":{"reference":"Patient/p"},"guarantor":[{"party":{"reference":"Practitioner/s"}}],`+
			`"payor":[{"reference":"Practitioner/s"}]}`)
		same(t, c.typ+" "+c.status+" "+c.updated, s.Kinship(reader(s, "Practitioner/s"), patient(s, "Patient/p"), at(march)).Pays, c.want)
	}
}

// TestPayersOfVersions: the latest version holds, of all the patients whom it names; who pays may be merged with the patient, and parted
// again. Each time it is told of whom something changed.
func TestPayersOfVersions(t *testing.T) {
	s := newState(t)
	apply(t, s, `{"resourceType":"Practitioner","id":"s","name":[{"family":"Reed","given":["Ann"]}],"birthDate":"1980-01-02"}`)
	step := func(what string, one, two facts.Grade, changed string, do func()) {
		t.Helper()
		s.Changes()
		do()
		patients, _ := s.Changes()
		if changed != "" && !slices.Contains(patients, patient(s, changed)) {
			t.Errorf("%s: %s is not among those who changed", what, changed)
		}
		for _, s := range []*facts.State{s, checkSnapshot(t, s)} {
			for ref, want := range map[string]facts.Grade{"Patient/1": one, "Patient/2": two} {
				same(t, what+" "+ref, s.Kinship(reader(s, "Practitioner/s"), patient(s, ref), at(march)).Pays, want)
			}
		}
	}
	account := func(status, subjects, party string) func() {
		return func() {
			apply(t, s, `{"resourceType":"Account","id":"a","status":"`+status+`","subject":[`+subjects+`],"guarantor":[{"party":{"reference":"`+party+`"}}]}`)
		}
	}
	const both = `{"reference":"Patient/1"},{"reference":"Patient/2"}`
	step("nobody", 0, 0, "", func() {})
	step("two", 0, 0, "Patient/2", account("active", both, "Patient/ann"))
	step("their record", 900, 900, "Patient/1", func() {
		apply(t, s, `{"resourceType":"Patient","id":"ann","name":[{"family":"Reed","given":["Ann"]}],"birthDate":"1980-01-02"}`)
	})
	step("one", 0, 900, "Patient/1", account("active", `{"reference":"Patient/2"}`, "Patient/ann"))
	step("merged with the patient", 0, 0, "Patient/2", func() {
		apply(t, s, `{"resourceType":"Patient","id":"2","link":[{"type":"replaces","other":{"reference":"Patient/ann"}}]}`)
	})
	step("parted again", 0, 900, "Patient/2", func() { apply(t, s, `{"resourceType":"Patient","id":"2"}`) })
	step("a related person", 0, 0, "Patient/2", account("active", both, "RelatedPerson/rp"))
	step("of the other one", 900, 900, "Patient/2", func() {
		apply(t, s, `{"resourceType":"RelatedPerson","id":"rp","patient":{"reference":"Patient/1"},"name":[{"family":"Reed","given":["Ann"]}],"birthDate":"1980-01-02"}`)
	})
	step("who is deleted", 0, 0, "Patient/2", func() { applyDeleted(t, s, "RelatedPerson", "rp") })
	step("entered in error", 0, 0, "Patient/1", account("entered-in-error", both, "Practitioner/s"))
	step("after all", 1000, 1000, "Patient/1", account("active", both, "Practitioner/s"))
	step("deleted", 0, 0, "Patient/2", func() { applyDeleted(t, s, "Account", "a") })
}
