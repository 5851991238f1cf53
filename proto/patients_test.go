package proto_test

import (
	"fmt"
	"testing"

	pb "google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func named(system, value, text string) *v1.Patient {
	p := &v1.Patient{Text: text}
	if system != "" || value != "" {
		p.Identifiers = []*v1.Identifier{{System: system, Value: value}}
	}
	return p
}

// TestDistinctPatients: who is named again gets no second number, and who is not named gets none.
func TestDistinctPatients(t *testing.T) {
	a, b := named("urn:mrn", "1", "Ann"), named("urn:mrn", "2", "")
	for name, of := range map[string]struct {
		patients, want []*v1.Patient
	}{
		"nobody":                       {nil, nil},
		"an entry that names nobody":   {[]*v1.Patient{nil, {}, b}, []*v1.Patient{b}},
		"a repeated patient":           {[]*v1.Patient{a, named("urn:mrn", "1", "A."), b, a}, []*v1.Patient{a, b}},
		"the same value elsewhere":     {[]*v1.Patient{a, named("urn:other", "1", "")}, []*v1.Patient{a, named("urn:other", "1", "")}},
		"texts":                        {[]*v1.Patient{named("", "", "Ann"), a, named("", "", "Ann"), named("", "", "Bo")}, []*v1.Patient{named("", "", "Ann"), a, named("", "", "Bo")}},
		"an identifier without value":  {[]*v1.Patient{named("urn:mrn", "", ""), named("urn:other", "", "")}, []*v1.Patient{named("urn:mrn", "", "")}},
		"text that is an identifier's": {[]*v1.Patient{named("urn:mrn", "1", ""), named("", "", "1")}, []*v1.Patient{named("urn:mrn", "1", ""), named("", "", "1")}},
	} {
		got := proto.DistinctPatients([]*v1.Patient{b}, &v1.AccessEvent{Patients: of.patients})
		if len(got) != 1+len(of.want) || got[0] != b {
			t.Errorf("%s: %d patients, want %d", name, len(got)-1, len(of.want))
			continue
		}
		for i, p := range of.want {
			if !pb.Equal(got[i+1], p) {
				t.Errorf("%s: number %d is another patient", name, i)
			}
		}
	}
}

// TestDistinctPatientsOfLongLists: the index numbers as the search does.
func TestDistinctPatientsOfLongLists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &v1.AccessEvent{}
		places := map[string]int{}
		var want []string
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 40), 0, 120).Draw(t, "patients") {
			value := fmt.Sprint(n)
			e.Patients = append(e.Patients, named("urn:mrn", value, ""))
			if _, known := places[value]; !known {
				places[value] = len(want)
				want = append(want, value)
			}
		}
		got := proto.DistinctPatients(nil, e)
		if len(got) != len(want) {
			t.Fatalf("%d patients, want %d", len(got), len(want))
		}
		for i, p := range got {
			if p.Identifiers[0].Value != want[i] {
				t.Fatalf("number %d is another patient", i)
			}
		}
	})
}

func TestPatientNumber(t *testing.T) {
	for place, want := range map[int]uint16{0: 0, 255: 255, 256: 256, 65_535: 65_535, 65_536: 65_535, 1 << 20: 65_535} {
		if got := proto.PatientNumber(place); got != want {
			t.Errorf("place %d has number %d, want %d", place, got, want)
		}
	}
}
