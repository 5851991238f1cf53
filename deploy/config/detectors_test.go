package config_test

import (
	"strings"
	"testing"

	"github.com/readtrail/readtrail/deploy/config"
)

// What is wrong with a file that detectors are configured by is told with its key and its path, once and with every fault.
func TestDetectorsFilesAreNamed(t *testing.T) {
	p := newPlace(t)
	rules := p.file("rules.yaml", "rules:\n  - {name: NightLook}\n", 0o600)
	mistyped := p.file("mistyped.yaml", "scales: []\n", 0o600)
	unknown := p.file("unknown.yaml", "weights:\n  - {scenario: nope, share: 100}\n", 0o600)
	for name, c := range map[string]struct {
		rules, weights string
		want           []string
	}{
		"rules":           {rules: rules, want: []string{"detectors.rules_file: " + rules + ":\n", "line 2: NightLook: "}},
		"no rules":        {rules: p.path("none"), want: []string{"detectors.rules_file: ", "no such file"}},
		"weights":         {weights: mistyped, want: []string{"detectors.weights_file: " + mistyped + ":", "scales not found"}},
		"unknown weights": {weights: unknown, want: []string{"detectors.weights_file: " + unknown + ": weights: no kind of misuse is called \"nope\""}},
		"no weights":      {weights: p.path("none"), want: []string{"detectors.weights_file: ", "no such file"}},
	} {
		cfg, err := config.Load("", nil)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Site.TimeZone = "UTC"
		cfg.Detectors.RulesFile, cfg.Detectors.WeightsFile = c.rules, c.weights
		_, err = cfg.RuleSet("os:test")
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		t.Logf("%s:\n%s", name, err)
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
		if strings.Contains(err.Error(), "rule set") {
			t.Errorf("%s: %q speaks of what nobody wrote", name, err)
		}
	}
}
