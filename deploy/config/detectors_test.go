package config_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/detectors/ruleset"
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

// TestNumbers: numbers come from the file and from the environment, stand in the rule set, and each that is wrong is named.
func TestNumbers(t *testing.T) {
	p := newPlace(t)
	file := p.file("readtrail.yaml", "site: {time_zone: UTC}\ndetectors:\n  numbers:\n    NeighbourAccess: {next_door_metres: 30, nearby_metres: 100}\n", 0o600)
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := cfg.RuleSet("os:test")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := ruleset.Parse(rs)
	if err != nil || settings.Numbers["NeighbourAccess"]["nearby_metres"] != 100 || settings.Numbers["NeighbourAccess"]["next_door_metres"] != 30 {
		t.Errorf("the rule set has the numbers %v (%v)", settings.Numbers, err)
	}
	cfg, err = config.Load(file, []string{"READTRAIL_DETECTORS_NUMBERS={LeftAccount: {silent_days: 90}}"})
	if err != nil || cfg.Detectors.Numbers["LeftAccount"]["silent_days"] != 90 {
		t.Errorf("from the environment: %v (%v)", cfg.Detectors.Numbers, err)
	}
	if other, err := cfg.RuleSet("os:test"); err != nil || bytes.Equal(other.GetHash(), rs.GetHash()) {
		t.Errorf("other numbers are the same rule set (%v)", err)
	}
	for env, want := range map[string]string{
		"{Nobody: {days: 1}}":                                "detectors.numbers: Nobody: there are no numbers of that name",
		"{LeftAccount: {days: 90}}":                          "detectors.numbers: LeftAccount.days: there is no such number",
		"{LeftAccount: {silent_days: 0}}":                    "detectors.numbers: LeftAccount.silent_days: 0; want 7 to 730",
		"{Enumeration: {records: 20}}":                       "detectors.numbers: Enumeration: records (20) must not be more than many_records (15)",
		"{LeftAccount: {silent_days: soon}}":                 "line 1: numbers.LeftAccount.silent_days: want a whole number",
		"{LeftAccount: {silent_days: 60.5}}":                 "line 1: numbers.LeftAccount.silent_days: want a whole number",
		"{LeftAccount: 60}":                                  "line 1: numbers.LeftAccount: want numbers by name",
		"7":                                                  "line 1: numbers: want numbers by detector and name",
		"{Enumeration: {records: 20}, Crowd: {readers: 1}}":  "numbers: Crowd.readers: 1; want 2 to 1000\ndetectors.numbers: Enumeration: records (20) must not be more than many_records (15)",
		"{LeftAccount: {silent_days: 1}, Usual: {known: 3}}": "detectors.numbers: LeftAccount.silent_days: 1; want 7 to 730\ndetectors.numbers: Usual.known: there is no such number",
	} {
		if _, err := config.Load("", []string{"READTRAIL_DETECTORS_NUMBERS=" + env}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", env, err, want)
		}
	}
}

// TestThresholdIsAProbability: what YAML takes for a number may be none.
func TestThresholdIsAProbability(t *testing.T) {
	p := newPlace(t)
	for _, text := range []string{".nan", ".inf", "-.inf", "0", "1.1"} {
		file := p.file("readtrail.yaml", "site: {time_zone: UTC}\ndetectors: {threshold: "+text+"}\n", 0o600)
		cfg, err := config.Load(file, nil)
		if err == nil {
			err = cfg.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), "detectors.threshold: want 0.001 to 1") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
