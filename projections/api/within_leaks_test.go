package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestConflictsElsewhere: an event says under which id other content stands, unless that lies outside of the asker's limits: then it says
// that, and no id. Somebody without limits is told both.
func TestConflictsElsewhere(t *testing.T) {
	for name, limits := range map[string]proto.Limits{
		"site":       {Sites: []string{"North"}},
		"department": {Departments: []string{"Cardiology"}},
	} {
		p := newPlaces(t, limits)
		first := map[string][]byte{}
		for what, position := range map[string]proto.Position{"inside": p.inside, "outside": p.outside} {
			b, err := p.readBatch(t.Context(), position.Sequence())
			if err != nil {
				t.Fatal(err)
			}
			item, err := b.Item(position.Index())
			if err != nil {
				t.Fatal(err)
			}
			first[what] = item.GetAccess().EventId
		}
		gone := mustMint(t, 7_000) // of an id that nothing stands under it is not known whose it is
		first["nowhere"] = gone.Bytes()
		for what, claimed := range first {
			item := access("ehr", begin, id("urn:mrn", "7"), id("urn:staff", "jo"), func(e *v1.AccessEvent) { e.Site, e.Reader.Department = "North", "Cardiology" })
			item.ConflictsWith = claimed
			at := p.append(item)
			own, err := proto.EventIDFromBytes(item.GetAccess().EventId)
			if err != nil {
				t.Fatal(err)
			}
			for _, asker := range []string{"token:limited", "token:whole"} {
				ctx := as(t.Context(), asker, proto.RolePrivacyOfficer)
				event, err := p.service.GetEvent(ctx, connect.NewRequest(&v1.GetEventRequest{Event: at.String(), Purpose: "p"}))
				if err != nil {
					t.Fatal(err)
				}
				page, err := p.service.SearchEvents(ctx, api.EventSearch{Purpose: "p", Key: own.String(), Size: 10, IDs: []string{own.String()}})
				if err != nil || len(page.Events) != 1 {
					t.Fatal(page, err)
				}
				hidden := asker == "token:limited" && what != "inside"
				want := claimed
				if hidden {
					want = nil
				}
				for how, got := range map[string]struct {
					id    []byte
					notes []string
				}{
					"GetEvent": {event.Msg.ConflictsWith, event.Msg.Header.Notes}, "SearchEvents": {page.Events[0].ConflictsWith, page.Header.Notes},
				} {
					if string(got.id) != string(want) || strings.Contains(strings.Join(got.notes, " "), "an access elsewhere") != hidden {
						t.Errorf("%s, %s: %s tells %s of the id %x, %q", name, how, asker, what, got.id, got.notes)
					}
				}
			}
		}
	}
}

// TestPeersElsewhereChangeNothing: a profile within sites is the same whether hundreds of colleagues work at another site or none does: the
// peers are not chosen among them, and nothing counts them.
func TestPeersElsewhereChangeNothing(t *testing.T) {
	of := func(elsewhere int) *v1.ReaderProfileResponse {
		w := newWorld(t)
		var items []*v1.Item
		reads := func(reader, site string, times int) {
			for n := range times {
				items = append(items, access("ehr", begin.Add(-time.Duration(n)*time.Hour), id("urn:mrn", fmt.Sprint(n)), id("urn:staff", reader), func(e *v1.AccessEvent) {
					e.Site, e.Reader.Department, e.Reader.Role = site, "Cardiology", &v1.Coding{Code: "nurse"}
				}))
			}
		}
		reads("jo", "North", 4)
		for i := range 9 {
			reads(fmt.Sprint("here", i), "North", i+1)
		}
		for i := range elsewhere {
			reads(fmt.Sprint("there", i), "South", 1)
		}
		w.append(items...)
		w.settle()
		c := w.config()
		c.Limits = func(proto.Caller) proto.Limits { return proto.Limits{Sites: []string{"North"}} }
		service := serve(t, c)
		res, err := service.ReaderProfile(w.ctx(), connect.NewRequest(&v1.ReaderProfileRequest{Reader: "urn:staff|jo", Purpose: "p"}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	alone, beside := of(0), of(600)
	if alone.Peers != 9 {
		t.Fatalf("%d peers, want 9", alone.Peers)
	}
	if diff := cmp.Diff(alone, beside, protocmp.Transform(), protocmp.IgnoreFields(&v1.ReaderProfileResponse{}, "header")); diff != "" {
		t.Errorf("without (-) and with (+) readers elsewhere: %s", diff)
	}
	for i, note := range beside.Header.Notes {
		if note != alone.Header.Notes[i] {
			t.Errorf("with readers elsewhere it is noted %q, without %q", note, alone.Header.Notes[i])
		}
	}
}

// TestSummariesHaveTheirLimits: answers that name nobody are journaled with the limits that they were given within, those of other limits
// apart.
func TestSummariesHaveTheirLimits(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	limited := as(t.Context(), "token:limited", proto.RolePrivacyOfficer)
	list := func() string {
		t.Helper()
		res, err := p.service.ListAlerts(limited, connect.NewRequest(&v1.ListAlertsRequest{Scope: v1.AlertScope_ALERT_SCOPE_ALL}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg.Header.QuestionId
	}
	north := list()
	if again := list(); again != north {
		t.Error("answers within the same limits are not one question")
	}
	p.limits = proto.Limits{Sites: []string{"South", "North"}}
	if both := list(); both == north {
		t.Error("answers within other limits are the same question")
	}
	p.pass(time.Hour)
	if err := p.service.FlushSummaries(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := map[string]uint64{}
	for _, q := range p.questions() {
		if q.Summary {
			rows[strings.Join(q.Limits.GetSites(), "+")] += q.Rows
		}
	}
	if diff := cmp.Diff(map[string]uint64{"North": 2, "South+North": 1}, rows); diff != "" {
		t.Error(diff)
	}
}
