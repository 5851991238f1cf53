package detect_test

import (
	"fmt"
	"testing"

	pb "google.golang.org/protobuf/proto"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// With a key, the ids of alerts are others, and so is what is drawn at random, and nothing else is: who sees an id cannot try readers and
// records until it comes out, and who reads the code cannot tell which of today's looks somebody will be shown.
func TestIDsOfAlertsAreKeyed(t *testing.T) {
	t.Parallel()
	h, plain := fortnight(), fortnightWritten()
	cfg := engineConfig(t, h)
	cfg.AlertKey = []byte("a key of the deployment")
	_, with := run(t, cfg, h.batches)
	plainly, drawn := apartFromSampled(plain.versions)
	keyed, drawnToo := apartFromSampled(with.versions)
	if len(keyed) != len(plainly) || len(plainly) == 0 {
		t.Fatalf("%d versions with a key, %d without", len(keyed), len(plainly))
	}
	if len(drawn) < 10 || len(drawnToo) != len(drawn) {
		t.Errorf("%d pairs are drawn with a key, %d without; want as many", len(drawnToo), len(drawn))
	}
	same := 0
	for pair := range drawn {
		if drawnToo[pair] {
			same++
		}
	}
	if 2*same > len(drawn) {
		t.Errorf("%d of %d pairs that are drawn do not depend on the key", same, len(drawn))
	}
	// Those of one cause stand in the order of their ids.
	said := func(a *v1.AlertVersion) string {
		a = pb.CloneOf(a)
		a.AlertId, a.Ordinal = nil, 0
		text, err := pb.MarshalOptions{Deterministic: true}.Marshal(a)
		must(t, err)
		return string(text)
	}
	seen, of, ids := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, a := range plainly {
		seen[string(a.AlertId)], of[said(a)] = true, string(a.AlertId)
	}
	for i, a := range keyed {
		if seen[string(a.AlertId)] {
			t.Errorf("version %d has an id that follows from people alone", i)
		}
		before, same := of[said(a)]
		if !same {
			t.Errorf("version %d says something else with a key", i)
		}
		if id, known := ids[before]; known && id != string(a.AlertId) {
			t.Errorf("version %d of one alert has another id", i)
		}
		ids[before] = string(a.AlertId)
	}
}

// apartFromSampled are the versions of alerts that were not drawn at random, and the pairs that were, with their days.
func apartFromSampled(all []*v1.AlertVersion) (others []*v1.AlertVersion, drawn map[string]bool) {
	ids := map[string]bool{}
	drawn = map[string]bool{}
	for _, a := range all {
		if a.Sampled {
			ids[string(a.AlertId)] = true
			drawn[fmt.Sprint(a.Day, a.Readers[0].Identifier, a.Patients[0].Identifier)] = true
		}
	}
	for _, a := range all {
		if !ids[string(a.AlertId)] {
			others = append(others, a)
		}
	}
	return others, drawn
}
