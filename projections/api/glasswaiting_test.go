package api_test

import (
	"os"
	"regexp"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestGlassThatNobodyReviewed: the status, the list and the gauges tell how many wait and since when the first does, as the journal has it;
// a review takes that glass from them, another one of the same glass nothing more.
func TestGlassThatNobodyReviewed(t *testing.T) {
	p := newPlaces(t, proto.Limits{})
	registry := prometheus.NewRegistry()
	c := p.config()
	c.Registerer = registry
	service := serve(t, c)
	told := func(waiting uint64, since time.Time) {
		t.Helper()
		p.settle()
		p.pass(2 * time.Minute) // gauges are counted once a minute
		res, err := service.GetStatus(as(t.Context(), "token:v", proto.RoleViewer), connect.NewRequest(&v1.GetStatusRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		list, err := service.Glasses().ListBrokenGlass(as(t.Context(), "token:officer", proto.RolePrivacyOfficer), connect.NewRequest(&v1.ListBrokenGlassRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		sinceUs, age := int64(0), 0.0
		if waiting > 0 {
			sinceUs, age = since.UnixMicro(), p.clock().Sub(since).Seconds()
		}
		if res.Msg.GlassUnreviewed != waiting || res.Msg.GlassUnreviewedSinceUs != sinceUs || list.Msg.Waiting != waiting {
			t.Errorf("%d wait since %d, %d are listed; want %d since %d", res.Msg.GlassUnreviewed, res.Msg.GlassUnreviewedSinceUs, list.Msg.Waiting, waiting, sinceUs)
		}
		if n, oldest := gauge(t, registry, "readtrail_projections_glass_unreviewed"), gauge(t, registry, "readtrail_projections_glass_unreviewed_oldest_seconds"); n != float64(waiting) || oldest != age {
			t.Errorf("gauges: %v for %v s; want %d for %v s", n, oldest, waiting, age)
		}
	}
	told(0, time.Time{})
	first, second := p.clock().Add(-5*24*time.Hour), p.clock().Add(-time.Hour)
	ids := [][]byte{mustMint(t, 300).Bytes(), mustMint(t, 301).Bytes()}
	for i, at := range []time.Time{first, second} {
		p.append(&v1.Item{Body: &v1.Item_GlassBroken{GlassBroken: &v1.GlassBroken{GlassId: ids[i], Asker: "token:jo", Role: proto.RoleInvestigator, Reason: goodReason, AtUs: at.UnixMicro(), UntilUs: at.UnixMicro() + 1}}})
	}
	told(2, first)
	for _, verdict := range []v1.GlassVerdict{v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED, v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED} {
		p.append(&v1.Item{Body: &v1.Item_GlassReviewed{GlassReviewed: &v1.GlassReviewed{GlassId: ids[0], Asker: "token:officer", Verdict: verdict, AtUs: p.clock().UnixMicro()}}})
		told(1, second)
	}
}

// TestAlertingRulesReadGaugesThatThereAre: a rule over a metric that nothing writes never fires, and nobody would notice. Each has its runbook.
func TestAlertingRulesReadGaugesThatThereAre(t *testing.T) {
	text, err := os.ReadFile("../../deploy/prometheus/readtrail.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	runbooks, err := os.ReadFile("../../deploy/prometheus/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil || len(rules.Groups) == 0 {
		t.Fatalf("%v: %v", rules, err)
	}
	w := newWorld(t)
	w.settle()
	registry := prometheus.NewRegistry()
	c := w.config()
	c.Registerer = registry
	serve(t, c)
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			metrics := regexp.MustCompile(`readtrail_\w+`).FindAllString(r.Expr, -1)
			if len(metrics) == 0 || !regexp.MustCompile("(?m)^## "+r.Alert+"$").Match(runbooks) || r.Annotations["summary"] == "" {
				t.Errorf("%s: reads %v; it needs a runbook and a summary", r.Alert, metrics)
			}
			for _, name := range metrics {
				gauge(t, registry, name)
			}
		}
	}
}
