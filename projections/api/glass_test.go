package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const goodReason = "threat to the patient, the other site asks for help"

func (p *places) breakGlass(ctx context.Context, reason string) (string, error) {
	res, err := p.service.Glasses().BreakGlass(ctx, connect.NewRequest(&v1.BreakGlassRequest{Reason: reason}))
	if err != nil {
		return "", err
	}
	return res.Msg.GlassId, nil
}

func (p *places) whoViewed(ctx context.Context) (*v1.WhoViewedResponse, error) {
	res, err := p.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p"}))
	if err != nil {
		return nil, err
	}
	return res.Msg, nil
}

// TestBrokenGlass: under it its asker is answered as if without limits, for a while, and each answer says so in the journal; nobody else
// is, nothing about the asker is told, and nothing can be done under it.
func TestBrokenGlass(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	ctx := as(t.Context(), "token:limited", proto.RoleInvestigator)
	id, err := p.breakGlass(ctx, " "+goodReason+" ")
	if err != nil {
		t.Fatal(err)
	}
	under := proto.WithGlass(ctx, id)
	res, err := p.whoViewed(under)
	if err != nil || res.Totals.Events != 5 || res.Header.Limits != nil || res.Header.GlassId != id || !strings.Contains(protojson.Format(res), elsewhere) {
		t.Fatalf("%v, %v", res, err)
	}
	q := p.lastQuestion()
	look := proto.QuestionEvent(q)
	if q.Glass.GetReason() != goodReason || q.Limits != nil || !look.BreakGlass || look.BreakGlassReason.Code != "stated" || look.Purposes[1].Code != "BTG" || look.Purposes[1].Display != "break the glass: "+goodReason {
		t.Errorf("journaled %v, a look %v", q, look)
	}
	res, err = p.whoViewed(ctx)
	if err != nil || res.Totals.Events != 2 || res.Header.Elsewhere != 3 || p.lastQuestion().Glass != nil {
		t.Errorf("without it: %v, %v", res, err)
	}
	if _, err := p.service.ListSources(under, connect.NewRequest(&v1.ListSourcesRequest{})); err != nil || p.lastQuestion().Glass == nil || p.lastQuestion().Summary {
		t.Errorf("what names nobody is summarised under glass: %v, %v", err, p.lastQuestion())
	}
	alert, err := proto.ParseEventID(p.alerts["there"])
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := p.service.AlertNow(under, alert); err != nil || found {
		t.Errorf("a command under glass: %v, %v", found, err)
	}
	if _, err := p.service.GetAlert(under, connect.NewRequest(&v1.GetAlertRequest{Alert: p.alerts["there"], Purpose: "p"})); err != nil {
		t.Errorf("an alert elsewhere: %v", err)
	}
	for name, who := range map[string]context.Context{
		"another": as(t.Context(), "token:other", proto.RoleInvestigator), "an administrator": as(t.Context(), "token:whole", proto.RoleAdministrator),
	} {
		if _, err := p.whoViewed(proto.WithGlass(who, id)); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s under the same glass: %v", name, err)
		}
	}
	if _, err := p.whoViewed(proto.WithGlass(ctx, "made up")); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a glass that nobody broke: %v", err)
	}
	p.pass(14 * time.Minute)
	if _, err := p.whoViewed(under); err != nil {
		t.Errorf("after 14 minutes: %v", err)
	}
	p.pass(time.Minute)
	if _, err := p.whoViewed(under); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("after 15 minutes: %v", err)
	}
}

// TestGlassStaysWhole: without a reason in words, without leave, without need, or without a journal, and for what is about the asker.
func TestGlassStaysWhole(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	ctx := as(t.Context(), "token:limited", proto.RoleInvestigator)
	for name, tt := range map[string]struct {
		ctx    context.Context
		reason string
		want   connect.Code
	}{
		"no reason":       {ctx, "", connect.CodeInvalidArgument},
		"a short one":     {ctx, "an urgent matter it is"[:19], connect.CodeInvalidArgument},
		"one of blanks":   {ctx, strings.Repeat(" ", 40), connect.CodeInvalidArgument},
		"one that fills":  {ctx, "aaaa aaaa aaaa aaaa aaaa aaaa", connect.CodeInvalidArgument},
		"one word":        {ctx, "investigationinvestigation", connect.CodeInvalidArgument},
		"a control":       {ctx, goodReason + "\x1b[2J", connect.CodeInvalidArgument},
		"a long one":      {ctx, strings.Repeat("many words ", 50), connect.CodeInvalidArgument},
		"a viewer":        {as(t.Context(), "token:limited", proto.RoleViewer), goodReason, connect.CodePermissionDenied},
		"without limits":  {as(t.Context(), "token:whole", proto.RoleInvestigator), goodReason, connect.CodeFailedPrecondition},
		"nobody":          {t.Context(), goodReason, connect.CodeUnauthenticated},
		"a source":        {proto.WithCaller(t.Context(), proto.Caller{Name: "source:ehr", Source: "ehr"}), goodReason, connect.CodePermissionDenied},
		"no such journal": {ctx, goodReason, connect.CodeUnavailable},
	} {
		p.mu.Lock()
		if p.askFails = nil; name == "no such journal" {
			p.askFails = errors.New("down")
		}
		p.mu.Unlock()
		if id, err := p.breakGlass(tt.ctx, tt.reason); connect.CodeOf(err) != tt.want || id != "" {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
	p.mu.Lock()
	p.askFails = nil
	p.mu.Unlock()
	id, err := p.breakGlass(ctx, goodReason)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.askFails = errors.New("down")
	p.mu.Unlock()
	if res, err := p.whoViewed(proto.WithGlass(ctx, id)); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("not journaled, and answered: %v, %v", res, err)
	}
	p.mu.Lock()
	p.askFails = nil
	p.mu.Unlock()
	kim := as(t.Context(), "token:kim", proto.RolePrivacyOfficer)
	if id, err = p.breakGlass(kim, goodReason); err != nil {
		t.Fatal(err)
	}
	_, err = p.service.Scopes().BreachScope(proto.WithGlass(kim, id), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Reader: "urn:staff|kim"}, Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("about the asker: %v", err)
	}
}

// TestBrokenGlassIsReviewed: it waits until somebody else has looked at it, once; who is limited reviews nothing.
func TestBrokenGlassIsReviewed(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	limited := as(t.Context(), "token:limited", proto.RolePrivacyOfficer)
	id, err := p.breakGlass(limited, goodReason)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.whoViewed(proto.WithGlass(limited, id)); err != nil {
		t.Fatal(err)
	}
	officer := as(t.Context(), "token:whole", proto.RolePrivacyOfficer)
	list := func(ctx context.Context, reviewed bool) (*v1.ListBrokenGlassResponse, error) {
		res, err := p.service.Glasses().ListBrokenGlass(ctx, connect.NewRequest(&v1.ListBrokenGlassRequest{Reviewed: reviewed}))
		if err != nil {
			return nil, err
		}
		return res.Msg, nil
	}
	review := func(ctx context.Context, verdict v1.GlassVerdict, note string) error {
		_, err := p.service.Glasses().ReviewBrokenGlass(ctx, connect.NewRequest(&v1.ReviewBrokenGlassRequest{GlassId: id, Verdict: verdict, Note: note}))
		return err
	}
	res, err := list(officer, false)
	if err != nil || res.Waiting != 1 || len(res.Rows) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	row := res.Rows[0]
	if row.GlassId != id || row.Asker != "token:limited" || row.Reason != goodReason || row.Answers != 1 || row.Rows < 5 || row.Limits.GetSites()[0] != "North" || row.UntilUs-row.AtUs != (15*time.Minute).Microseconds() {
		t.Errorf("%v", row)
	}
	for name, ctx := range map[string]context.Context{
		"limited": limited, "under the glass": proto.WithGlass(limited, id), "investigator": as(t.Context(), "token:whole", proto.RoleInvestigator),
		"viewer": as(t.Context(), "token:whole", proto.RoleViewer),
	} {
		if _, err := list(ctx, true); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s lists: %v", name, err)
		}
		if err := review(ctx, v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED, ""); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s reviews: %v", name, err)
		}
	}
	p.limits = proto.Limits{} // even when nothing limits them any more
	if err := review(limited, v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED, ""); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("their own: %v", err)
	}
	for want, err := range map[connect.Code]error{
		connect.CodeInvalidArgument: review(officer, v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED, " "),
		connect.CodeNotFound: func() error {
			_, err := p.service.Glasses().ReviewBrokenGlass(officer, connect.NewRequest(&v1.ReviewBrokenGlassRequest{GlassId: mustMint(t, 5).String(), Verdict: 1}))
			return err
		}(),
	} {
		if connect.CodeOf(err) != want {
			t.Errorf("want %v: %v", want, err)
		}
	}
	p.askFails = errors.New("down")
	if err := review(officer, v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED, ""); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("not journaled: %v", err)
	}
	p.askFails = nil
	if err := review(officer, v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED, "the other site knew nothing of it"); err != nil {
		t.Fatal(err)
	}
	if err := review(officer, v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED, ""); connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("again: %v", err)
	}
	if res, err := list(officer, false); err != nil || res.Waiting != 0 || len(res.Rows) != 0 {
		t.Errorf("%v, %v", res, err)
	}
	all, err := list(officer, true)
	if err != nil || len(all.Rows) != 1 || all.Rows[0].Verdict != v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED || all.Rows[0].ReviewedBy != "token:whole" || all.Rows[0].Note == "" || all.Rows[0].ReviewedUs == 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// TestGlassOfARoleThatWasTaken: whoever may no longer break the glass is not answered under one that they broke before.
func TestGlassOfARoleThatWasTaken(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	id, err := p.breakGlass(as(t.Context(), "token:limited", proto.RoleInvestigator), goodReason)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := p.whoViewed(proto.WithGlass(as(t.Context(), "token:limited", proto.RoleViewer), id)); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a viewer is answered with %d events of record 7: %v", res.GetTotals().GetEvents(), err)
	}
}

// TestSameReasonIsOneGlass: who states the same reason again, as each command at a terminal does, looks through the same glass, which is
// one entry and one review; another reason is another glass.
func TestSameReasonIsOneGlass(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	ctx := as(t.Context(), "token:limited", proto.RoleInvestigator)
	broken := map[string]bool{}
	for range 20 {
		id, err := p.breakGlass(ctx, goodReason)
		if err != nil {
			t.Fatal(err)
		}
		broken[id] = true
	}
	for _, reason := range []string{goodReason + " today", goodReason + " tomorrow"} {
		id, err := p.breakGlass(ctx, reason)
		if err != nil {
			t.Fatal(err)
		}
		broken[id] = true
	}
	if len(broken) != 3 {
		t.Errorf("%d glasses of three reasons", len(broken))
	}
}

// TestOneAskerBreaksFewGlasses: nobody can keep others from breaking the glass.
func TestOneAskerBreaksFewGlasses(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	ctx := as(t.Context(), "token:limited", proto.RoleInvestigator)
	for n := range 1000 {
		if _, err := p.breakGlass(ctx, fmt.Sprint(goodReason, " ", n)); err != nil {
			break
		}
	}
	if _, err := p.breakGlass(as(t.Context(), "token:other", proto.RoleInvestigator), goodReason); err != nil {
		t.Errorf("another asker: %v", err)
	}
}
