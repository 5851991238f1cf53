package detectors_test

import (
	"testing"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestBasedOn: the first order that an event is based on is the one that it names; what it is about is none.
func TestBasedOn(t *testing.T) {
	t.Parallel()
	order := detectors.OrderHash("ServiceRequest", "o1")
	for name, c := range map[string]struct {
		extensions []string // by turns names and values
		want       uint32
	}{
		"an order":                    {[]string{"based_on", "ServiceRequest/o1"}, order},
		"the first order":             {[]string{"based_on", "CarePlan/p1", "based_on", "ServiceRequest/o1", "based_on", "Task/o1"}, order},
		"another type":                {[]string{"based_on", "Task/o1"}, detectors.OrderHash("Task", "o1")},
		"nothing":                     {nil, 0},
		"a plan":                      {[]string{"based_on", "CarePlan/p1"}, 0},
		"a study, which is no order":  {[]string{"based_on", "ImagingStudy/o1"}, 0},
		"an identifier":               {[]string{"based_on", "o1"}, 0},
		"an order of another server":  {[]string{"based_on", "https://other.example/fhir/ServiceRequest/o1"}, 0},
		"the first of this server":    {[]string{"based_on", "https://other.example/fhir/Task/o1", "based_on", "ServiceRequest/o1"}, order},
		"more than an id":             {[]string{"based_on", "ServiceRequest/o1/o2"}, 0},
		"a type without an id":        {[]string{"based_on", "ServiceRequest/"}, 0},
		"an extension of another one": {[]string{"basedOn", "ServiceRequest/o1"}, 0},
	} {
		e := &v1.AccessEvent{Objects: []*v1.Object{{Type: "ServiceRequest", Id: &v1.Identifier{Value: "ServiceRequest/o2"}}}}
		for i := 0; i < len(c.extensions); i += 2 {
			e.Extensions = append(e.Extensions, &v1.Extension{Name: c.extensions[i], Value: c.extensions[i+1]})
		}
		if got := detectors.BasedOn(e); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if order == 0 || order == detectors.OrderHash("ServiceRequest", "o2") || order == detectors.OrderHash("Task", "o1") {
		t.Errorf("%d stands for another order too", order)
	}
}
