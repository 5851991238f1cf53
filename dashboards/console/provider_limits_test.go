package console_test

import (
	"maps"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
)

// TestProviderLimits: what the provider states of somebody's sites and departments goes with every question of theirs; a claim that is
// asked for and states nothing leaves nothing.
func TestProviderLimits(t *testing.T) {
	both := func(cfg *console.Config) {
		cfg.Provider.SiteClaim, cfg.Provider.DepartmentClaim, cfg.Provider.Everywhere = "sites", "departments", "*"
	}
	for name, c := range map[string]struct {
		claims    map[string]any
		change    func(*console.Config)
		want      proto.Limits
		unlimited bool
	}{
		"not asked":   {map[string]any{"sites": "North"}, func(*console.Config) {}, proto.Limits{}, false},
		"stated":      {map[string]any{"sites": []any{"North", " East ", 7}, "departments": "Cardiology"}, both, proto.Limits{Sites: []string{"North", "East"}, Departments: []string{"Cardiology"}}, false},
		"one of them": {map[string]any{"sites": "*", "departments": "Cardiology"}, both, proto.Limits{Departments: []string{"Cardiology"}}, false},
		"everywhere":  {map[string]any{"sites": []any{"North", "*"}, "departments": "*"}, both, proto.Limits{}, true},
		"absent":      {map[string]any{"sites": "North"}, both, proto.Limits{Nothing: true}, false},
		"no text":     {map[string]any{"sites": 7, "departments": "*"}, both, proto.Limits{Nothing: true}, false},
		"blank":       {map[string]any{"sites": " ", "departments": "*"}, both, proto.Limits{Nothing: true}, false},
		"no word for all": {map[string]any{"sites": "", "departments": "*"}, func(cfg *console.Config) {
			both(cfg)
			cfg.Provider.Everywhere = ""
		}, proto.Limits{Nothing: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.claims = map[string]any{"sub": "u-1", "roles": "privacy"}
			maps.Copy(i.claims, c.claims)
			s := newSite(t, i.config, c.change)
			s.api.record = record()
			b := s.browser()
			b.get(callback(i.leave(b)), fromProvider)
			b.open(url.Values{"q": {"urn:mrn|4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
			asked := s.api.questions()
			if len(asked) == 0 {
				t.Fatal("nothing was asked")
			}
			want := proto.Caller{Name: "oidc:u-1", Role: proto.RolePrivacyOfficer, Limits: c.want, Unlimited: c.unlimited}
			if diff := cmp.Diff(want, asked[len(asked)-1].caller); diff != "" {
				t.Error(diff)
			}
		})
	}
}
