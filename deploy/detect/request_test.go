package detect_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestARequestThatIsRevoked: the order that the looks of an alert name comes late and takes the alert back; when it is revoked the alert is told
// again. Also when the engine was restored in between.
func TestARequestThatIsRevoked(t *testing.T) {
	t.Parallel()
	base, w := fortnight(), fortnightWritten()
	var of *v1.AlertVersion
	for _, a := range w.versions {
		if a.Shown && !a.Hard && a.Shape == v1.Shape_SHAPE_PAIR && a.State == v1.AlertState_ALERT_STATE_RAISED &&
			!slices.ContainsFunc(a.Detectors, func(d *v1.FiredDetector) bool { return d.Detector == "SelfAccess" }) {
			of = a
		}
	}
	looks := map[string]bool{}
	for _, c := range of.Accesses {
		at := proto.Position(c.Position)
		item, err := base.batches[at.Sequence()-1].Item(at.Index())
		must(t, err)
		looks[strings.Clone(item.GetAccess().GetSourceEventId())] = true
	}
	h := changed(t, base, nil, func(e *v1.AccessEvent) string {
		if looks[e.SourceEventId] {
			e.Extensions = append(e.Extensions, &v1.Extension{Name: "based_on", Value: "ServiceRequest/release"})
		}
		return e.Site
	})
	n := len(h.batches)
	for i, status := range []string{"active", "revoked"} {
		order := fmt.Appendf(nil, `{"resourceType":"ServiceRequest","id":"release","status":%q,"intent":"order","subject":{"reference":%q},"authoredOn":%q,`+
			`"requester":{"reference":"Practitioner/somebody"}}`,
			status, of.Patients[0].Identifier.Value, time.UnixMicro(of.Accesses[0].OccurredUs).UTC().Format(time.RFC3339))
		h.after(time.UnixMicro(w.versions[len(w.versions)-1].AtUs).Add(time.Duration(3*i)*time.Hour), h.decode("ServiceRequest.ndjson", order)...)
	}
	got := judged(t, h)
	must(t, got.same(restoredOften(t, h, n-40)))
	var told []string
	for _, a := range got.versions {
		if bytes.Equal(a.AlertId, of.AlertId) {
			told = append(told, fmt.Sprint(a.State, " ", a.Shown, " ", a.Because))
		}
	}
	if len(told) != 3 || told[0] != "ALERT_STATE_RAISED true " || !strings.HasPrefix(told[1], "ALERT_STATE_RETRACTED false ") ||
		!strings.Contains(told[1], "explains it: the request that it names") ||
		told[2] != "ALERT_STATE_UPDATED true What explained it was withdrawn: the request that it names." {
		t.Errorf("the alert is told as %q", told)
	}
}

// TestARequestForAWatchedRecord: whoever opens a watched record is told of at once, also when the look names an order that accounts for it.
func TestARequestForAWatchedRecord(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 5, Staff: 150, Patients: 1500, Days: 1})
	h.rules(h.start(0), ruleSet(t, nil))
	for _, f := range [][2]string{
		{"PractitionerRole", `"practitioner":{"reference":"Practitioner/cook"},"organization":{"display":"Kitchen"},"period":{"start":"2015-01-01"}`},
		{"Patient", `"identifier":[{"system":"urn:mrn","value":"1"}]`},
		{"ServiceRequest", fmt.Sprintf(`"status":"active","intent":"order","subject":{"reference":"Patient/a"},"requester":{"reference":"Practitioner/somebody"},`+
			`"authoredOn":%q`, h.start(0).UTC().Format(time.RFC3339))},
		{"WatchListEntry", `"subject":{"reference":"Patient/a"},"period":{"start":"2020-01-01","end":"2050-01-01"}`},
	} {
		h.add(h.start(0), h.decode(f[0]+".ndjson", []byte(`{"resourceType":"`+f[0]+`","id":"a",`+f[1]+`}`))...)
	}
	h.add(h.start(0), entry{item: &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
		EventId: []byte("0123456789abcdefghij"), Source: "dataset", OccurredUs: h.start(0).UnixMicro(), Action: v1.Action_ACTION_READ,
		Reader:     &v1.Reader{Type: v1.ReaderType_READER_TYPE_STAFF, Identifiers: []*v1.Identifier{{System: "source:dataset", Value: "Practitioner/cook"}}},
		Patients:   []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "source:dataset", Value: "Patient/a"}}}},
		Extensions: []*v1.Extension{{Name: "based_on", Value: "ServiceRequest/a"}},
	}}}})
	_, w := run(t, engineConfig(t, h), h.batches)
	if len(w.versions) != 1 || !w.versions[0].Hard ||
		!slices.ContainsFunc(w.versions[0].Detectors, func(d *v1.FiredDetector) bool { return d.Detector == "WatchedRecord" }) {
		t.Fatalf("alerts %v, want one that did not wait", w.versions)
	}
	if got := w.versions[0].Note; !strings.Contains(fmt.Sprint(got), "A reason is known: the request that it names.") {
		t.Errorf("the note does not tell the request: %v", got)
	}
}
