package api_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestLawEnforcementDelaysTheClocks: while an official has notices wait, a case, the list and the gauge say so, not that they are overdue;
// before the statement and after it the clocks are as the law has them. Who the official is, nobody is told without a purpose.
func TestLawEnforcementDelaysTheClocks(t *testing.T) {
	h := newHospital(t, 44, 40)
	h.detect(15)
	var alert []byte
	for _, v := range h.alerts.Messages() {
		alert = v.AlertId
	}
	at := func(days int) int64 { return h.clock().AddDate(0, 0, days).UnixMicro() }
	id := proto.NewEventID(proto.EventIdentity{Source: "delayed", Recorded: begin})
	write := func(version uint32, e *v1.CaseEntry) {
		e.CaseId, e.Version, e.Asker, e.Role, e.AtUs = id.Bytes(), version, "os:ada", proto.RolePrivacyOfficer, h.clock().UnixMicro()
		h.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}})
	}
	write(1, &v1.CaseEntry{Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{
		Title: "Matter", Alerts: [][]byte{alert}, DiscoveredUs: at(-70), Laws: []v1.NoticeLaw{v1.NoticeLaw_NOTICE_LAW_HIPAA, v1.NoticeLaw_NOTICE_LAW_GDPR},
	}}})
	h.settle()
	before := h.clock().UnixMicro()
	h.pass(time.Minute)
	until := at(30)
	write(2, &v1.CaseEntry{Body: &v1.CaseEntry_Delayed{Delayed: &v1.CaseDelayed{
		Statement: v1.DelayStatement_DELAY_STATEMENT_WRITTEN, Official: "Sgt. Roe", Agency: "County Sheriff", StatedUs: at(-20), UntilUs: until,
		Ground: v1.DelayGround_DELAY_GROUND_SECURITY, Text: "file 12",
	}}})
	h.settle()
	registry := prometheus.NewRegistry()
	c := h.config()
	c.Registerer = registry
	service := serve(t, c)
	one := func(asOf int64) *v1.GetCaseResponse {
		t.Helper()
		res, err := service.GetCase(h.ctx(), connect.NewRequest(&v1.GetCaseRequest{Case: id.String(), Purpose: "review", AsOfUs: asOf}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	notices := func(m *v1.GetCaseResponse) (individuals, authority *v1.NoticeRow) {
		for _, n := range m.Notices {
			switch n.Rule {
			case v1.NoticeRule_NOTICE_RULE_INDIVIDUALS:
				individuals = n
			case v1.NoticeRule_NOTICE_RULE_AUTHORITY:
				authority = n
			}
		}
		return individuals, authority
	}
	if n, _ := notices(one(before)); !n.GetOverdue() || n.DelayedUntilUs != 0 {
		t.Errorf("before it was stated: %v", n)
	}
	now := one(0)
	day := time.UnixMicro(until).UTC().Format(time.DateOnly)
	n, gdpr := notices(now)
	if n.GetOverdue() || n.DelayedUntilUs != until || n.DelayedDay != day || n.DueDay != day || n.DueUs <= until || n.DelayedStep != 2 ||
		n.DelayedBy != v1.DelayStatement_DELAY_STATEMENT_WRITTEN || n.DelayedFor != v1.DelayGround_DELAY_GROUND_SECURITY ||
		n.Because != "45 CFR 164.404(b), delayed by 164.412(a)" {
		t.Errorf("while it waits: %v", n)
	}
	if !gdpr.GetOverdue() || gdpr.DelayedUntilUs != 0 || now.Case.Overdue != 1 {
		t.Errorf("the authority is told by another law: %v", gdpr)
	}
	if got := gauge(t, registry, "readtrail_projections_case_notices_overdue"); got != 1 {
		t.Errorf("the gauge counts %v", got)
	}
	if d := now.Steps[1].Entry.GetDelayed(); d.GetOfficial() != "Sgt. Roe" || d.Agency != "County Sheriff" || d.Text != "file 12" {
		t.Errorf("the step says %v", d)
	}
	viewer := proto.WithCaller(t.Context(), proto.Caller{Name: "token:v", Role: proto.RoleViewer})
	seen, err := service.GetCase(viewer, connect.NewRequest(&v1.GetCaseRequest{Case: id.String()}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := pb.Marshal(seen.Msg)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Roe", "Sheriff", "file 12"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("a viewer reads %q", secret)
		}
	}
	if n, _ := notices(seen.Msg); n.DelayedUntilUs != until {
		t.Errorf("a viewer is not told that it waits: %v", n)
	}
	h.pass(40 * 24 * time.Hour)
	if n, _ := notices(one(0)); !n.GetOverdue() || n.DelayedUntilUs != 0 || n.DueDay != day {
		t.Errorf("after it: %v", n)
	}
}

// gauge is what a gauge without labels tells now.
func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
