package detect_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/detect"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// What alerts call detectors and scenarios is among the names of a configuration, and so are its own rules.
func TestNames(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load("", nil)
	must(t, err)
	cfg.Site.TimeZone, cfg.Detectors.RulesFile = "UTC", filepath.Join(t.TempDir(), "rules.yaml")
	must(t, os.WriteFile(cfg.Detectors.RulesFile, []byte("rules:\n- name: NightLook\n  about: Records were opened at night.\n"+
		"  normal: A night shift would have.\n  key: pair\n  when: access.hour < 5\n  grades: [{at_least: 1, word: once}]\n"), 0o600))
	detectors, scenarios, err := detect.Names(cfg)
	must(t, err)
	if !slices.Contains(detectors, "NightLook") || !slices.Contains(scenarios, "NightLook") {
		t.Errorf("the custom detector is not among %v or %v", detectors, scenarios)
	}
	for _, a := range fortnightWritten().versions {
		if !slices.Contains(scenarios, a.Scenario) {
			t.Errorf("scenario %q is not among the names", a.Scenario)
		}
		if i := slices.IndexFunc(a.Detectors, func(d *v1.FiredDetector) bool { return !slices.Contains(detectors, d.Detector) }); i >= 0 {
			t.Errorf("detector %q is not among the names", a.Detectors[i].Detector)
		}
	}
}
