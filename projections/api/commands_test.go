package api_test

import (
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestWhatCommandsKnow: an alert with its latest version and decision, also one that no table holds yet, and an import with its release.
func TestWhatCommandsKnow(t *testing.T) {
	w := newWorld(t)
	mark := func(phase v1.ImportMark_Phase) *v1.Item {
		return &v1.Item{Body: &v1.Item_ImportMark{ImportMark: &v1.ImportMark{ImportId: []byte("year"), Phase: phase, Backfill: true}}}
	}
	w.append(mark(v1.ImportMark_PHASE_BEGIN))
	w.settle()
	now, found, err := w.service.ImportNow(t.Context(), []byte("year"))
	if err != nil || !found || now != (api.ImportNow{Backfill: true}) {
		t.Errorf("begun: %+v, %v, %v", now, found, err)
	}
	if _, found, err = w.service.ImportNow(t.Context(), []byte("other")); err != nil || found {
		t.Errorf("another: %v, %v", found, err)
	}
	end := uint64(w.append(mark(v1.ImportMark_PHASE_END)))
	raw := detectiontest.AlertID(20_000, 1)
	for version := range uint32(2) {
		w.alerts.Publish(&v1.AlertVersion{AlertId: raw, Version: version + 1, Day: 20_000, Cause: end, Backfill: true, AtUs: begin.UnixMicro()})
	}
	w.settle()
	id, err := proto.EventIDFromBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	alert, found, err := w.service.AlertNow(t.Context(), id)
	if err != nil || !found || alert.Version != 2 || alert.Latest != nil {
		t.Errorf("%+v, %v, %v", alert, found, err)
	}
	if _, found, err = w.service.AlertNow(t.Context(), proto.NewEventID(proto.EventIdentity{Recorded: begin})); err != nil || found {
		t.Errorf("another: %v, %v", found, err)
	}
	open := func() *v1.GetAlertResponse {
		t.Helper()
		res, err := w.service.GetAlert(w.ctx(), connect.NewRequest(&v1.GetAlertRequest{Alert: projections.IDText(raw), Purpose: "p"}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	if a := open(); a.Released || a.ImportId != "79656172" {
		t.Errorf("before the release: %v of %q", a.Released, a.ImportId)
	}
	d := &v1.AlertDecision{AlertId: raw, Version: 2, Disposition: v1.Disposition_DISPOSITION_MISUSE, Comment: "c", Asker: "a", Role: "r", DecidedUs: begin.UnixMicro()}
	at := w.append(&v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: d}}, &v1.Item{Body: &v1.Item_BackfillReleased{BackfillReleased: &v1.BackfillReleased{ImportId: []byte("year")}}})
	// Nothing waits for the tables here: the answers do.
	if alert, _, err = w.service.AlertNow(t.Context(), id); err != nil || alert.Decided != at {
		t.Errorf("decided at %d, want %d: %v", alert.Decided, at, err)
	}
	if diff := cmp.Diff(d, alert.Latest, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	now, _, err = w.service.ImportNow(t.Context(), []byte("year"))
	if err != nil || now != (api.ImportNow{Backfill: true, Ended: true, Released: true}) {
		t.Errorf("released: %+v, %v", now, err)
	}
	if a := open(); !a.Released {
		t.Error("the alert does not say that its import is released")
	}
}

// TestStatusOfStreams: how far the tables are in what detectors write stands apart from the journal's projections.
func TestStatusOfStreams(t *testing.T) {
	h := newHospital(t, 14, 10)
	h.detect(5)
	h.settle()
	res, err := h.service.GetStatus(as(t.Context(), "token:v", proto.RoleViewer), connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	want := []*v1.StreamProgress{
		{Name: "alerts", Version: 1, Active: true, Sequence: h.alerts.Head(), Head: h.alerts.Head()},
		{Name: "findings", Version: 1, Active: true, Sequence: h.findings.Head(), Head: h.findings.Head()},
	}
	if diff := cmp.Diff(want, res.Msg.Streams, protocmp.Transform()); diff != "" || len(res.Msg.Projections) != 2 {
		t.Errorf("%d projections, streams: %s", len(res.Msg.Projections), diff)
	}
}
