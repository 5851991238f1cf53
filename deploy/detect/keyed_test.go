package detect_test

import (
	"testing"

	pb "google.golang.org/protobuf/proto"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// With a key, the ids of alerts are others, and nothing else is: who sees an id cannot try readers and records until it comes out.
func TestIDsOfAlertsAreKeyed(t *testing.T) {
	t.Parallel()
	h, plain := fortnight(), fortnightWritten()
	cfg := engineConfig(t, h)
	cfg.AlertKey = []byte("a key of the deployment")
	_, keyed := run(t, cfg, h.batches)
	if len(keyed.versions) != len(plain.versions) || len(plain.versions) == 0 {
		t.Fatalf("%d versions with a key, %d without", len(keyed.versions), len(plain.versions))
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
	for _, a := range plain.versions {
		seen[string(a.AlertId)], of[said(a)] = true, string(a.AlertId)
	}
	for i, a := range keyed.versions {
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
