package fhir_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/api/fhir"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// parse reads "name=value" parameters.
func parse(all ...string) (*fhir.Search, error) {
	var out []fhir.Parameter
	for _, one := range all {
		name, value, _ := strings.Cut(one, "=")
		out = append(out, fhir.Parameter{Name: name, Value: value})
	}
	return fhir.ParseSearch(out, fhir.R4, time.UTC, now)
}

func micros(text string) int64 {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return at.UnixMicro()
}

// TestDates: what a value and its prefix ask for (R4 section 3.1.1.4.4).
func TestDates(t *testing.T) {
	t.Parallel()
	vienna := time.FixedZone("", 3600)
	for text, want := range map[string]api.Span{
		"2026":                               {From: micros("2025-12-31T23:00:00Z"), Until: micros("2026-12-31T23:00:00Z")},
		"2026-03":                            {From: micros("2026-02-28T23:00:00Z"), Until: micros("2026-03-31T23:00:00Z")},
		"eq2026-03-02":                       {From: micros("2026-03-01T23:00:00Z"), Until: micros("2026-03-02T23:00:00Z")},
		"2026-03-02T08:15Z":                  {From: micros("2026-03-02T08:15:00Z"), Until: micros("2026-03-02T08:16:00Z")},
		"2026-03-02T08:15":                   {From: micros("2026-03-02T07:15:00Z"), Until: micros("2026-03-02T07:16:00Z")},
		"2026-03-02T08:15:30Z":               {From: micros("2026-03-02T08:15:30Z"), Until: micros("2026-03-02T08:15:31Z")},
		"2026-03-02T08:15:30.12+02:00":       {From: micros("2026-03-02T06:15:30.12Z"), Until: micros("2026-03-02T06:15:30.13Z")},
		"2026-03-02T08:15:30 02:00":          {From: micros("2026-03-02T06:15:30Z"), Until: micros("2026-03-02T06:15:31Z")},
		"2026-03-02T08:15:30.1234567Z":       {From: micros("2026-03-02T08:15:30.123456Z"), Until: micros("2026-03-02T08:15:30.123457Z")},
		"ge2026-03-02T08:15:30Z":             {From: micros("2026-03-02T08:15:30Z")},
		"gt2026-03-02T08:15:30Z":             {From: micros("2026-03-02T08:15:31Z")},
		"sa2026-03-02":                       {From: micros("2026-03-02T23:00:00Z")},
		"le2026-03-02":                       {Until: micros("2026-03-02T23:00:00Z")},
		"lt2026-03-02":                       {Until: micros("2026-03-01T23:00:00Z")},
		"eb2026-03-02T00:00:00.000000+01:00": {Until: micros("2026-03-01T23:00:00Z")},
	} {
		if got, problem := fhir.ParseDate(text, vienna); got != want || problem != "" {
			t.Errorf("%s: %v %s, want %v", text, got, problem, want)
		}
	}
	for _, text := range []string{"", "yesterday", "20260302", "2026-3-2", "2026-02-30", "ap2026", "ne2026", "2026-03-02T08", "1969", "2026-03-02T25:00Z", "ge"} {
		if got, problem := fhir.ParseDate(text, vienna); problem == "" {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// TestSearches: what parameters mean.
func TestSearches(t *testing.T) {
	t.Parallel()
	bare, exact := api.Subject{Value: "12"}, api.Subject{System: "urn:mrn", Value: "12", Exact: true}
	for text, want := range map[string]api.EventSearch{
		"patient=Patient/12":                                       {Patients: [][]api.Subject{{{Value: "Patient/12"}}}},
		"patient=12":                                               {Patients: [][]api.Subject{{{Value: "Patient/12"}}}},
		"patient=https://e.org/f/Patient/12":                       {Patients: [][]api.Subject{{{System: "https://e.org/f", Value: "Patient/12", Exact: true}}}},
		"patient=Patient/12/_history/3":                            {Patients: [][]api.Subject{{{Value: "Patient/12"}}}},
		"patient.identifier=urn:mrn|12":                            {Patients: [][]api.Subject{{exact}}},
		"patient.identifier=12":                                    {Patients: [][]api.Subject{{bare}}},
		"patient.identifier=|12":                                   {Patients: [][]api.Subject{{bare}}},
		"patient:identifier=urn:mrn|12":                            {Patients: [][]api.Subject{{exact}}},
		"patient:Patient=12":                                       {Patients: [][]api.Subject{{{Value: "Patient/12"}}}},
		"patient=1,2 patient=3":                                    {Patients: [][]api.Subject{{{Value: "Patient/1"}, {Value: "Patient/2"}}, {{Value: "Patient/3"}}}},
		"patient.identifier=1.2.3|12":                              {Patients: [][]api.Subject{{{System: "urn:oid:1.2.3", Value: "12", Exact: true}}}},
		`patient.identifier=urn:mrn|1\,2\|3`:                       {Patients: [][]api.Subject{{{System: "urn:mrn", Value: "1,2|3", Exact: true}}}},
		"agent=Practitioner/7":                                     {Readers: [][]api.Subject{{{Value: "Practitioner/7"}}}},
		"agent:Practitioner=7":                                     {Readers: [][]api.Subject{{{Value: "Practitioner/7"}}}},
		"user=urn:mrn|12":                                          {Readers: [][]api.Subject{{exact}}},
		"entity.identifier=urn:mrn|12":                             {Entities: [][]api.Subject{{exact}}},
		"entity=DocumentReference/9":                               {Entities: [][]api.Subject{{{Value: "DocumentReference/9"}}}},
		"_id=a,b":                                                  {IDs: []string{"a", "b"}},
		"date=ge2026-01-01 date=lt2026-02-01":                      {Recorded: api.Span{From: micros("2026-01-01T00:00:00Z"), Until: micros("2026-02-01T00:00:00Z")}},
		"_lastUpdated=ge2026-01-01":                                {Received: api.Span{From: micros("2026-01-01T00:00:00Z")}},
		"date=ge2026 outcome=8":                                    {Recorded: api.Span{From: micros("2026-01-01T00:00:00Z")}, Outcomes: []v1.Outcome{v1.Outcome_OUTCOME_SERIOUS_FAILURE}},
		"_id=a outcome=http://hl7.org/fhir/issue-severity|error,0": {IDs: []string{"a"}, Outcomes: []v1.Outcome{v1.Outcome_OUTCOME_SERIOUS_FAILURE, v1.Outcome_OUTCOME_SUCCESS}},
		"_id=a outcome=urn:x|8":                                    {IDs: []string{"a"}, Outcomes: []v1.Outcome{255}},
		"_id=a _source=source:ehr site=North,South":                {IDs: []string{"a"}, Sources: []string{"ehr"}, Sites: []string{"North", "South"}},
		"_id=a address=WS-":                                        {IDs: []string{"a"}, Addresses: []string{"ws-"}},
		"_id=a _count=7 _total=accurate":                           {IDs: []string{"a"}, Size: 7, Count: true},
		"_id=a _count=100000":                                      {IDs: []string{"a"}, Size: 200},
		"_id=a patient=":                                           {IDs: []string{"a"}},
	} {
		s, err := parse(strings.Fields(text)...)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if want.Size == 0 {
			want.Size = fhir.DefaultCount
		}
		if diff := cmp.Diff(want, s.EventSearch, cmpopts.IgnoreFields(api.EventSearch{}, "Key", "Match"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

// TestRefusedSearches: the parameter is named, the value is not.
func TestRefusedSearches(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]fhir.Fault{
		"":                                          {Parameter: "date", Code: "too-costly"},
		"type=rest":                                 {Parameter: "date", Code: "too-costly"},
		"address=10.0.0.1":                          {Parameter: "date", Code: "too-costly"},
		"date=SECRET":                               {Parameter: "date", Code: "value"},
		"date=2026,2027":                            {Parameter: "date", Code: "not-supported"},
		"date=ge2027 date=lt2026":                   {Parameter: "date", Code: "value"},
		"date:missing=true":                         {Parameter: "date", Code: "not-supported"},
		"date=ge9000":                               {Parameter: "date", Code: "value"},
		"patient:SECRET=1":                          {Parameter: "patient", Code: "not-supported"},
		"patient.identifier=SECRET|":                {Parameter: "patient.identifier", Code: "value"},
		"_id=a type:in=SECRET":                      {Parameter: "type", Code: "not-supported"},
		"_id=a _count=SECRET":                       {Parameter: "_count", Code: "value"},
		"_id=a _count=-1":                           {Parameter: "_count", Code: "value"},
		"_id=a _total=SECRET":                       {Parameter: "_total", Code: "value"},
		"_id=a _source=SECRET":                      {Parameter: "_source", Code: "value"},
		"_id=a site=SECRET|SECRET":                  {Parameter: "site", Code: "value"},
		"_id=a agent-name:below=SECRET":             {Parameter: "agent-name", Code: "not-supported"},
		"_id=a patient=SECRET\x00":                  {Parameter: "patient", Code: "too-long"},
		"_id=" + strings.Repeat("SECRET", 400):      {Parameter: "_id", Code: "too-long"},
		"patient=" + strings.Repeat("1,", 20) + "2": {Parameter: "patient", Code: "too-costly"},
		strings.Repeat("_id=a ", 51):                {Parameter: "parameters", Code: "too-costly"},
		strings.Repeat("patient="+strings.Repeat("9", 1900)+" ", 5): {Parameter: "parameters", Code: "too-long"},
	} {
		_, err := parse(strings.Fields(text)...)
		var fault *fhir.Fault
		if !errors.As(err, &fault) || fault.Parameter != want.Parameter || fault.Code != want.Code {
			t.Errorf("%.60s: %v", text, err)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%.60s: the refusal repeats the value: %v", text, err)
		}
	}
}

// TestUnknownParametersAreNamed, and none of the known ones counts as unknown.
func TestUnknownParametersAreNamed(t *testing.T) {
	t.Parallel()
	s, err := parse("_id=a", "_sort=-date", "foo=1", "foo=2", "_include=x")
	if err != nil || !slices.Equal(s.Ignored, []string{"_include", "_sort", "foo"}) {
		t.Errorf("%v, %v", s.Ignored, err)
	}
	described := []string{"_count", "_total", "_format", "_pretty"}
	c := fhir.Capabilities()
	for _, p := range c.Parameters {
		described = append(described, p.Name)
	}
	known := fhir.Known()
	slices.Sort(known)
	slices.Sort(described)
	if diff := cmp.Diff(known, described); diff != "" {
		t.Errorf("-understood +stated in the capability statement\n%s", diff)
	}
}

// FuzzParseSearch: what is understood means the same in any order, and when what was used is read once more; what is refused
// names a parameter and repeats no value.
func FuzzParseSearch(f *testing.F) {
	for _, seed := range []string{
		"date=ge2026-01-01&patient=Patient/1", "patient.identifier=urn:mrn|1,urn:mrn|2&outcome=8", `agent=a\,b&type=x|y&type:not=z`,
		"_id=a&address:contains=ws&_count=3&foo=bar", "date=2026-03-02T08:15:30 02:00&agent-name=M&entity-role=1", "_lastUpdated=lt2020&site=N",
	} {
		f.Add(seed, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, order uint64) {
		var all []fhir.Parameter
		for one := range strings.SplitSeq(text, "&") {
			name, value, _ := strings.Cut(one, "=")
			all = append(all, fhir.Parameter{Name: name, Value: value})
		}
		s, err := fhir.ParseSearch(all, fhir.R5, time.UTC, now)
		if err != nil {
			var fault *fhir.Fault
			if !errors.As(err, &fault) || fault.Parameter == "" || fault.Code == "" || fault.Text == "" {
				t.Fatalf("no fault: %v", err)
			}
			for _, p := range all {
				if len(p.Value) > 24 && strings.Contains(fault.Error(), p.Value) {
					t.Fatalf("the refusal repeats a value: %s", fault)
				}
			}
			return
		}
		shuffled := slices.Clone(all)
		rand.New(rand.NewPCG(order, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		same(t, s, shuffled)
		same(t, s, append(slices.Clone(s.Used), fhir.Parameter{Name: "_count", Value: fmt.Sprint(s.Size)}))
		if s.Recorded.Until != 0 && s.Recorded.From >= s.Recorded.Until {
			t.Fatalf("an empty period: %v", s.Recorded)
		}
	})
}

// same reads parameters once more: the conditions are what they were.
func same(t *testing.T, s *fhir.Search, all []fhir.Parameter) {
	t.Helper()
	again, err := fhir.ParseSearch(all, fhir.R5, time.UTC, now)
	if err != nil {
		t.Fatalf("%v: %v", all, err)
	}
	if s.CountOnly {
		return // a count of 0 and one of 1 differ in the answer only
	}
	diff := cmp.Diff(s.EventSearch, again.EventSearch, cmpopts.IgnoreFields(api.EventSearch{}, "Match", "Count", "Size"))
	if diff != "" || (s.Match == nil) != (again.Match == nil) {
		t.Fatalf("%v: %s", all, diff)
	}
}

// FuzzEscape: an alternative that is written and read again is the same.
func FuzzEscape(f *testing.F) {
	f.Add("a,b", `c|d\`)
	f.Fuzz(func(t *testing.T, a, b string) {
		got := fhir.SplitEscaped(fhir.Escape(a) + "," + fhir.Escape(b))
		if len(got) != 2 || fhir.Unescape(got[0]) != a || fhir.Unescape(got[1]) != b {
			t.Fatalf("%q, %q came back as %q", a, b, got)
		}
	})
}
