package api_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// A name that neither the rule set in force nor anything that was found has is refused with those that there are; one of a rule that is in
// force no more is answered.
func TestNamesThatNobodyHas(t *testing.T) {
	h := newHospital(t, 5, 40)
	h.detect(20)
	h.settle()
	cfg := h.config()
	cfg.Names = api.RuleNames{Detectors: []string{"SelfAccess", "NightLook"}, Scenarios: []string{"own record", "NightLook"}}
	service := serve(t, cfg)
	fired, found := "", h.findings.Messages()[0].Findings[0].Detector
	for _, a := range h.alerts.Messages() {
		if len(a.Detectors) > 0 {
			fired = a.Detectors[0].Detector
		}
	}
	scenario := h.alerts.Messages()[0].Scenario
	if fired == "" || found == "" || scenario == "" {
		t.Fatalf("detectors %q and %q, scenario %q: nothing to ask for", fired, found, scenario)
	}
	alerts := func(m *v1.ListAlertsRequest) func() error {
		return func() error {
			_, err := service.ListAlerts(h.ctx(), connect.NewRequest(m))
			return err
		}
	}
	findings := func(detector string) func() error {
		return func() error {
			_, err := service.SearchFindings(h.ctx(), connect.NewRequest(&v1.SearchFindingsRequest{Purpose: "p", Detector: detector}))
			return err
		}
	}
	for _, c := range []struct {
		name, field, known string
		ask                func() error
	}{
		{"no detector", "detector", "NightLook, SelfAccess", alerts(&v1.ListAlertsRequest{Detector: "Nope"})},
		{"another case", "detector", "NightLook, SelfAccess", alerts(&v1.ListAlertsRequest{Detector: "selfaccess"})},
		{"no scenario", "scenario", "NightLook, own record", alerts(&v1.ListAlertsRequest{Scenario: "nope"})},
		{"no detector of findings", "detector", "NightLook, SelfAccess", findings("Nope")},
		{"a detector", "", "", alerts(&v1.ListAlertsRequest{Detector: "SelfAccess"})},
		{"a custom detector", "", "", alerts(&v1.ListAlertsRequest{Detector: "NightLook", Scenario: "NightLook"})},
		{"a former detector", "", "", alerts(&v1.ListAlertsRequest{Detector: fired})},
		{"a former scenario", "", "", alerts(&v1.ListAlertsRequest{Scenario: scenario})},
		{"a former detector of findings", "", "", findings(found)},
		{"a custom detector of findings", "", "", findings("NightLook")},
	} {
		err := c.ask()
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s is refused: %v", c.name, err)
		case c.field == "":
		case connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), c.field+": unknown") || !strings.HasSuffix(err.Error(), " "+c.known):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Within limits a name of what is elsewhere is one that nobody has.
func TestNamesWithinLimits(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	for _, c := range []struct {
		caller, name string
		code         connect.Code
	}{
		{"token:limited", "here", 0}, {"token:limited", elsewhere, connect.CodeInvalidArgument}, {"token:all", elsewhere, 0},
	} {
		ctx := as(t.Context(), c.caller, proto.RolePrivacyOfficer)
		_, byScenario := p.service.ListAlerts(ctx, connect.NewRequest(&v1.ListAlertsRequest{Scenario: c.name}))
		_, byFinding := p.service.SearchFindings(ctx, connect.NewRequest(&v1.SearchFindingsRequest{Purpose: "p", Detector: c.name}))
		for what, err := range map[string]error{"scenario": byScenario, "detector of findings": byFinding} {
			if err == nil && c.code != 0 || err != nil && connect.CodeOf(err) != c.code {
				t.Errorf("%s asks for a %s %q: %v", c.caller, what, c.name, err)
			}
		}
	}
}
