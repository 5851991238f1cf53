package api_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// keepOnly clears all fields of a message but some.
func keepOnly(m protobuf.Message, fields ...string) {
	wanted := map[string]bool{}
	for _, f := range fields {
		wanted[f] = true
	}
	r := m.ProtoReflect()
	r.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !wanted[string(f.Name())] {
			r.Clear(f)
		}
		return true
	})
}

// TestMasksSpareStatements: of random histories, what a mask wants of a list is told as without one, and what it leaves out is not looked for.
func TestMasksSpareStatements(t *testing.T) {
	h := &history{rand.New(rand.NewPCG(33, 1))}
	w := newWorld(t)
	for range 6 {
		w.pass(5 * time.Hour)
		items := make([]*v1.Item, 40)
		for i := range items {
			items[i] = h.item(w.clock())
		}
		w.append(items...)
	}
	coded := access("ehr", w.clock(), id("urn:mrn", "1"), id("urn:staff", "coder"), func(e *v1.AccessEvent) {
		e.Action, e.ActionCode = v1.Action_ACTION_OTHER, "reconcile"
	})
	w.append(coded, access("ehr", w.clock(), nil, id("urn:staff", "coder")))
	w.settle()
	s := serve(t, w.config())
	c := &costs{}
	s.SetMeter(c.meter)
	fields := []string{
		"position", "occurred_us", "received_us", "action", "action_code", "outcome", "mode", "break_glass", "source", "paired", "verdict", "standing",
	}
	mask := func(more string) *fieldmaskpb.FieldMask {
		m := &fieldmaskpb.FieldMask{Paths: []string{"totals", "accesses." + more}}
		for _, f := range fields {
			m.Paths = append(m.Paths, "accesses."+f)
		}
		return m
	}
	check := func(name string, whole, brief []*v1.Access, more string) {
		t.Helper()
		for _, list := range [][]*v1.Access{whole, brief} {
			for _, a := range list {
				keepOnly(a, append(fields, more)...)
			}
		}
		if diff := cmp.Diff(whole, brief, protocmp.Transform()); diff != "" || len(whole) == 0 {
			t.Errorf("%s: %d accesses, whole (-) and brief (+): %s", name, len(whole), diff)
		}
	}
	page := &v1.Page{Size: 1000}
	for _, reader := range []string{"urn:staff|0", "urn:staff|1", "2", "coder"} {
		var got [2]*v1.ReaderActivityResponse
		for i, m := range []*fieldmaskpb.FieldMask{nil, mask("patients")} {
			before := c.statements["access_details"]
			res, err := s.ReaderActivity(w.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{Reader: reader, Purpose: "p", Page: page, ReadMask: m}))
			if err != nil {
				t.Fatal(err)
			}
			if got[i] = res.Msg; (c.statements["access_details"] > before) != (m == nil) {
				t.Errorf("%s with mask %v: details were read %d times", reader, m, c.statements["access_details"]-before)
			}
		}
		check(reader, got[0].Accesses, got[1].Accesses, "patients")
	}
	for _, patient := range []string{"urn:mrn|0", "urn:mrn|1", "2"} {
		var got [2]*v1.WhoViewedResponse
		for i, m := range []*fieldmaskpb.FieldMask{nil, mask("reader")} {
			looks := c.statements["looks"]
			res, err := s.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{
				Patient: patient, Purpose: "p", Page: page, ReadMask: m, FromUs: begin.Add(-1000 * time.Hour).UnixMicro(),
			}))
			if err != nil {
				t.Fatal(err)
			}
			if got[i] = res.Msg; (c.statements["looks"] > looks) != (m == nil) {
				t.Errorf("%s with mask %v: looks were read %d times", patient, m, c.statements["looks"]-looks)
			}
		}
		check(patient, got[0].Accesses, got[1].Accesses, "reader")
		if diff := cmp.Diff(got[0].Totals, got[1].Totals, protocmp.Transform()); diff != "" {
			t.Errorf("%s: totals whole (-) and brief (+): %s", patient, diff)
		}
	}
}

// TestMaskOfTheConsoleIsRefusedLikeOthers: a path that the answer does not have is refused within the process too.
func TestMaskOfTheConsoleIsRefusedLikeOthers(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "1")))
	w.settle()
	_, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p", ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"who"}}}))
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a mask of an unknown field: %v", err)
	}
}
