package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/api"
)

func TestParseSubject(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       api.Subject
	}{
		{"a bare value", " 12345 ", api.Subject{Value: "12345"}},
		{"system and value", "urn:oid:1.2.3|12345", api.Subject{System: "urn:oid:1.2.3", Value: "12345", Exact: true}},
		{"an object identifier as system", "2.16.756.5|12345", api.Subject{System: "urn:oid:2.16.756.5", Value: "12345", Exact: true}},
		{"a reference from the root", "/Patient/123", api.Subject{Value: "Patient/123"}},
		{"no system on purpose", "|12345", api.Subject{Value: "12345", Exact: true}},
		{"a bar in the value", "urn:x|a|b", api.Subject{System: "urn:x", Value: "a|b", Exact: true}},
		{"a relative reference", "Patient/123", api.Subject{Value: "Patient/123"}},
		{"a version of it", "Patient/123/_history/4", api.Subject{Value: "Patient/123"}},
		{"a reference of one source", "source:ehr|Patient/123", api.Subject{System: "source:ehr", Value: "Patient/123", Exact: true}},
		{"a version of one source", "source:ehr|Patient/123/_history/2", api.Subject{System: "source:ehr", Value: "Patient/123", Exact: true}},
		{"an absolute URL", "https://ehr.example/fhir/Patient/123", api.Subject{System: "https://ehr.example/fhir", Value: "Patient/123", Exact: true}},
		{"a version of a URL", "http://h:8080/r4/Patient/a.b-c/_history/7", api.Subject{System: "http://h:8080/r4", Value: "Patient/a.b-c", Exact: true}},
		{"a base without a path", "https://host/Patient/1", api.Subject{System: "https://host", Value: "Patient/1", Exact: true}},
		{"a URL that names no resource", "https://host/x?y=1", api.Subject{Value: "https://host/x?y=1"}},
		{"a host that looks like a type", "https://Patient/1", api.Subject{Value: "https://Patient/1"}},
		{"a conditional reference", "Patient?identifier=urn:oid:1|9", api.Subject{System: "urn:oid:1", Value: "9", Exact: true}},
		{"a UUID", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", api.Subject{Value: "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}},
		{"a user id with a domain", `CORP\mueller`, api.Subject{Value: `CORP\mueller`}},
		{"history of no resource", "a/_history/1", api.Subject{Value: "a/_history/1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := api.ParseSubject(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseSubjectRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": " ", "no value": "urn:oid:1|", "a control character": "12\x003", "a line break": "1\n2",
		"broken UTF-8": "\xff", "too long": strings.Repeat("x", 2001),
	} {
		if _, err := api.ParseSubject(text); !errors.Is(err, api.ErrSubject) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzParseSubject(f *testing.F) {
	for _, seed := range []string{"1", "a|b", "Patient/1/_history/2", "https://h/Patient/1", "Patient?identifier=a|b", "|x", "A/b/_history/c/_history/d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := api.ParseSubject(text)
		if err != nil {
			if !errors.Is(err, api.ErrSubject) || err.Error() != api.ErrSubject.Error() {
				t.Fatalf("error says more than it may: %v", err)
			}
			return
		}
		if s.Value == "" {
			t.Fatal("subject without a value")
		}
		if !s.Exact && s.System != "" {
			t.Fatal("a bare value with a system")
		}
		again, err := api.ParseSubject(s.String())
		if err != nil {
			t.Fatalf("its own text is refused: %v", err)
		}
		if again.Exact == s.Exact && again != s {
			t.Fatalf("%+v reads back as %+v", s, again)
		}
	})
}
