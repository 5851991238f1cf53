package fhirid_test

import (
	"testing"

	"github.com/readtrail/readtrail/proto/fhirid"
)

func TestReferences(t *testing.T) {
	for in, want := range map[string][3]string{
		"Patient/1":                               {"source:ehr", "Patient/1", "Patient"},
		"/Patient/1":                              {"source:ehr", "Patient/1", "Patient"},
		"Patient/1/_history/7":                    {"source:ehr", "Patient/1", "Patient"},
		"https://x.example/fhir/Patient/1#a":      {"https://x.example/fhir", "Patient/1", "Patient"},
		"https://x.example/Patient/1/_history/2":  {"https://x.example", "Patient/1", "Patient"},
		"http://example.org/blah/blah.pdf":        {"urn:ietf:rfc:3986", "http://example.org/blah/blah.pdf", ""},
		"Patient?identifier=urn:oid:1.2|A%20B":    {"urn:oid:1.2", "A B", "Patient"},
		"Patient?identifier=|77":                  {"source:ehr", "77", "Patient"},
		"Patient?name=x":                          {"source:ehr", "Patient?name=x", "Patient"},
		"https://x.example/fhir/Patient?name=a,b": {"urn:ietf:rfc:3986", "https://x.example/fhir/Patient?name=a,b", "Patient"},
		"abc": {"source:ehr", "abc", ""},
	} {
		system, value, typ := fhirid.Split(in, "source:ehr")
		if got := [3]string{system, value, typ}; got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	for in, want := range map[[2]string][2]string{
		{"", "12^^^&1.2.3&ISO"}:             {"urn:oid:1.2.3", "12"},
		{"", "12^^^MRN&1.2.3&ISO^PI"}:       {"urn:oid:1.2.3", "12"},
		{"", "12^^^&amp;amp;1.2.3&amp;ISO"}: {"urn:oid:1.2.3", "12"},
		{"", "12^^^MRN"}:                    {"", "12^^^MRN"},
		{"1.2.3", "12"}:                     {"urn:oid:1.2.3", "12"},
		{"urn:a", "12^^^&1.2.3&ISO"}:        {"urn:a", "12^^^&1.2.3&ISO"},
		{"", "12"}:                          {"", "12"},
	} {
		system, value := fhirid.Identifier(in[0], in[1])
		if got := [2]string{system, value}; got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
