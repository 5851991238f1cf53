package api_test

import (
	"testing"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestTextsAreAskedForWhereThereAreAny: as long as no event of the period names its patient by text, no text is looked for; from the first
// such event on, it is found.
func TestTextsAreAskedForWhereThereAreAny(t *testing.T) {
	w := newWorld(t)
	reader := id("urn:staff", "a")
	w.append(access("ehr", begin, id("urn:mrn", "1"), reader))
	w.settle()
	ask := func(from int64) (candidates, asked int) {
		t.Helper()
		c := &costs{}
		w.service.SetMeter(c.meter)
		res, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p", FromUs: from}))
		if err != nil {
			t.Fatal(err)
		}
		return len(res.Msg.Unresolved), c.statements["identifiers_unresolved"]
	}
	if found, asked := ask(0); found != 0 || asked != 0 {
		t.Errorf("no event has a text, but %d were found in %d statements", found, asked)
	}
	w.append(access("ehr", begin, nil, reader, func(e *v1.AccessEvent) { e.Patients = []*v1.Patient{{Text: "1"}} }))
	w.settle()
	if found, asked := ask(0); found != 1 || asked != 1 {
		t.Errorf("an event has the text, but %d were found in %d statements", found, asked)
	}
	if found, asked := ask(begin.UnixMicro() + 1); found != 0 || asked != 0 {
		t.Errorf("no event of the period has a text, but %d were found in %d statements", found, asked)
	}
}
