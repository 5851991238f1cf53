package api_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRecordsAreReadAhead: a record's rows are read while its second identifier is looked into. Where that leads to more, they are read
// again: none is lost, none counts twice.
func TestRecordsAreReadAhead(t *testing.T) {
	w := newWorld(t)
	at := begin.Add(-time.Hour)
	event := func(ids ...string) *v1.Item {
		at = at.Add(time.Minute)
		return access("ehr", at, nil, id("urn:staff", "r"), func(e *v1.AccessEvent) {
			p := &v1.Patient{}
			for _, value := range ids {
				p.Identifiers = append(p.Identifiers, id("urn:mrn", value))
			}
			e.Patients = []*v1.Patient{p}
		})
	}
	w.append(event("pair", "pair-b"), event("pair"), event("pair-b"))
	w.append(event("chain", "chain-b"), event("chain-b", "chain-c"), event("chain-c", "chain-d"), event("chain-d"))
	w.append(event("alone"))
	w.settle()
	var read atomic.Int64
	w.service.SetMeter(func(name string, _ store.Stats) {
		if name == "record_whole" {
			read.Add(1)
		}
	})
	for _, tt := range []struct {
		patient string
		events  uint64
		reads   int64
	}{{"pair", 3, 1}, {"urn:mrn|pair", 3, 1}, {"chain", 4, 2}, {"urn:mrn|chain-d", 4, 2}, {"alone", 1, 1}} {
		read.Store(0)
		res := w.whoViewed(tt.patient)
		if n := read.Load(); res.Totals.Events != tt.events || len(res.Accesses) != int(tt.events) || n != tt.reads {
			t.Errorf("%s: %d events and %d accesses of %d, read %d times of %d", tt.patient, res.Totals.Events, len(res.Accesses), tt.events, n, tt.reads)
		}
	}
}
