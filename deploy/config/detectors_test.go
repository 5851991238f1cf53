package config_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
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

// TestQueues: queues of sites come from the file and from the environment, stand in the rule set, and each fault is named; without any the rule
// set is what it was.
func TestQueues(t *testing.T) {
	p := newPlace(t)
	load := func(queues string) (*v1.RuleSet, error) {
		file := p.file("readtrail.yaml", "site: {time_zone: UTC}\ndetectors:\n  budget: 20\n"+queues, 0o600)
		cfg, err := config.Load(file, nil)
		if err != nil {
			return nil, err
		}
		return cfg.RuleSet("os:test")
	}
	none, err := load("")
	if err != nil || strings.Contains(none.GetConfig(), "queues") {
		t.Fatalf("a rule set without queues says %q (%v)", none.GetConfig(), err)
	}
	if empty, err := load("  queues: []\n"); err != nil || !bytes.Equal(empty.GetHash(), none.GetHash()) {
		t.Errorf("no queues are another rule set (%v)", err)
	}
	const two = "[{name: North, sites: [North, North Annex], budget: 12}, {name: South, sites: [South], budget: 8}]"
	some, err := load("  queues: " + two + "\n")
	if err != nil || bytes.Equal(some.GetHash(), none.GetHash()) {
		t.Fatalf("queues are the rule set without them (%v)", err)
	}
	want := detectors.SiteQueues{{Name: "North", Sites: []string{"North", "North Annex"}, Budget: 12}, {Name: "South", Sites: []string{"South"}, Budget: 8}}
	if settings, err := ruleset.Parse(some); err != nil || !reflect.DeepEqual(settings.Queues, want) {
		t.Errorf("the rule set has the queues %v (%v)", settings.Queues, err)
	}
	cfg, err := config.Load("", []string{"READTRAIL_DETECTORS_QUEUES=" + two})
	if err != nil || !reflect.DeepEqual(cfg.Detectors.Queues, want) {
		t.Errorf("from the environment: %v (%v)", cfg, err)
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("{name: Q%d, sites: [S%d], budget: 1}", i, i)
	}
	for text, want := range map[string]string{
		"[{name: North, sites: [North], budget: 1, threshold: 2}]":                                         "line 4: field threshold not found",
		"[{name: \"\", sites: [North], budget: 1}]":                                                        "detectors.queues: queue 1 has no name",
		"[{name: A, sites: [North], budget: 1}, {sites: [South], budget: 1}]":                              "detectors.queues: queue 2 has no name",
		"[{name: \" A\", sites: [North], budget: 1}]":                                                      "detectors.queues: the name of queue 1: want plain text on one line",
		"[{name: A, sites: [North], budget: 1}, {name: a, sites: [South], budget: 1}]":                     "detectors.queues: there are two called \"a\"",
		"[{name: A, sites: [North], budget: 1}, {name: B, sites: [\" NORTH \"], budget: 1}]":               "detectors.queues: \"B\": site \" NORTH \" is one of \"A\" already",
		"[{name: A, sites: [North, north], budget: 1}]":                                                    "detectors.queues: \"A\": site \"north\" stands there twice",
		"[{name: A, sites: [], budget: 1}]":                                                                "detectors.queues: \"A\": 0 sites; want 1 to 1,000",
		"[{name: A, sites: [\" \"], budget: 1}]":                                                           "detectors.queues: \"A\": a site without a name",
		"[{name: A, sites: [North], budget: -1}]":                                                          "detectors.queues: \"A\": budget -1; want 1 to 100,000 alerts a day",
		"[{name: A, sites: [North]}]":                                                                      "detectors.queues: \"A\": budget 0; want 1 to 100,000 alerts a day",
		"[{name: A, sites: [], budget: -1}, {name: B, sites: [South, South], budget: 1}]":                  "\"A\": 0 sites; want 1 to 1,000\ndetectors.queues: \"B\": site \"South\" stands there twice",
		"[" + strings.Join(many, ", ") + "]":                                                               "detectors.queues: 101 of them; want at most 100",
		"[" + strings.Join(many[:100], ", ") + ", {name: A, sites: [North], budget: 1}]":                   "detectors.queues: 101 of them; want at most 100",
		"[{name: " + strings.Repeat("x", 257) + ", sites: [" + strings.Repeat("y", 257) + "], budget: 1}]": "detectors.queues: the name of queue 1 has 257 bytes; want at most 256",
	} {
		if _, err := load("  queues: " + text + "\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
	if _, err := load("  queues: [" + strings.Join(many[:100], ", ") + "]\n"); err != nil {
		t.Errorf("a hundred queues: %v", err)
	}
	if _, err := config.Load("", []string{"READTRAIL_DETECTORS_QUEUES=[{name: A, site: [North], budget: 1}]"}); err == nil || !strings.Contains(err.Error(), "field site not found") {
		t.Errorf("a key that there is not, from the environment: %v", err)
	}
}

// TestExemptions: exemptions come from the file and from the environment, stand in the rule set, and each fault is named with its element;
// without any the rule set is what it was.
func TestExemptions(t *testing.T) {
	p := newPlace(t)
	load := func(exemptions string) (*v1.RuleSet, error) {
		file := p.file("readtrail.yaml", "site: {time_zone: UTC}\ndetectors:\n  budget: 20\n"+exemptions, 0o600)
		cfg, err := config.Load(file, nil)
		if err != nil {
			return nil, err
		}
		return cfg.RuleSet("os:test")
	}
	none, err := load("")
	if err != nil || strings.Contains(none.GetConfig(), "exemptions") {
		t.Fatalf("a rule set without exemptions says %q (%v)", none.GetConfig(), err)
	}
	if empty, err := load("  exemptions: []\n"); err != nil || !bytes.Equal(empty.GetHash(), none.GetHash()) {
		t.Errorf("no exemptions are another rule set (%v)", err)
	}
	const good = "detector: VolumeSpike, department: Ward 3, role: nurse, from: 2026-03-01, until: 2027-03-02, reason: register, owner: quality office"
	some, err := load("  exemptions: [{" + good + "}]\n")
	if err != nil || bytes.Equal(some.GetHash(), none.GetHash()) {
		t.Fatalf("exemptions are the rule set without them (%v)", err)
	}
	want := detectors.Exemptions{{
		Detector: "VolumeSpike", Department: "Ward 3", Role: "nurse", From: "2026-03-01", Until: "2027-03-02", Reason: "register", Owner: "quality office",
	}}
	if settings, err := ruleset.Parse(some); err != nil || !reflect.DeepEqual(settings.Exemptions, want) {
		t.Errorf("the rule set has the exemptions %v (%v)", settings.Exemptions, err)
	}
	cfg, err := config.Load("", []string{"READTRAIL_DETECTORS_EXEMPTIONS=[{" + good + "}]"})
	if err != nil || !reflect.DeepEqual(cfg.Detectors.Exemptions, want) {
		t.Errorf("from the environment: %v (%v)", cfg, err)
	}
	other := func(pairs ...string) string { return "{" + strings.NewReplacer(pairs...).Replace(good) + "}" }
	many := make([]string, 101)
	for i := range many {
		many[i] = other("Ward 3", fmt.Sprintf("Ward %d", i))
	}
	const which = "want VolumeSpike, ManyUnexplained, HourSpike"
	for text, want := range map[string]string{
		"[" + other("owner", "by") + "]":                                                "line 4: field by not found",
		"[" + other() + ", " + other("detector: VolumeSpike, ", "") + "]":               "detectors.exemptions[1].detector: no detector is called \"\"; " + which,
		"[" + other("VolumeSpike", "volumespike") + "]":                                 "detectors.exemptions[0].detector: no detector is called \"volumespike\"; " + which,
		"[" + other("VolumeSpike", "LeftAccount") + "]":                                 "detectors.exemptions[0].detector: \"LeftAccount\" is a hard sign, from which nobody is exempt; " + which,
		"[" + other("VolumeSpike", "NoRelation") + "]":                                  "detectors.exemptions[0].detector: \"NoRelation\" cannot be left out; " + which,
		"[" + other("department: Ward 3, role: nurse, ", "") + "]":                      "detectors.exemptions[0]: want a department, a role, or both",
		"[" + other("role: nurse", "role: ' nurse'") + "]":                              "detectors.exemptions[0].role: want plain text on one line",
		"[" + other("Ward 3", strings.Repeat("x", 257)) + "]":                           "detectors.exemptions[0].department: 257 bytes; want at most 256",
		"[" + other("reason: register, ", "") + "]":                                     "detectors.exemptions[0].reason: required",
		"[" + other("quality office", "''") + "]":                                       "detectors.exemptions[0].owner: required",
		"[" + other("reason: register", "reason: \"a\\nb\"") + "]":                      "detectors.exemptions[0].reason: want plain text on one line",
		"[" + other("from: 2026-03-01, ", "") + "]":                                     "detectors.exemptions[0].from: want a day like 2026-03-01",
		"[" + other("from: 2026-03-01", "from: 2026-02-29") + "]":                       "detectors.exemptions[0].from: want a day like 2026-03-01",
		"[" + other("until: 2027-03-02, ", "") + "]":                                    "detectors.exemptions[0].until: want a day like 2026-03-01",
		"[" + other("until: 2027-03-02", "until: 2026-03-01") + "]":                     "detectors.exemptions[0].until: 2026-03-01; want a day after from",
		"[" + other() + ", " + other() + ", " + other("2027-03-02", "2027-03-03") + "]": "detectors.exemptions[2].until: 367 days; want at most 366",
		"[" + other() + ", " + other("nurse", "Nurse", "register", "other") + "]":       "detectors.exemptions[1]: says what exemptions[0] says",
		"[" + strings.Join(many, ", ") + "]":                                            "detectors.exemptions: 101 of them; want at most 100",
	} {
		if _, err := load("  exemptions: " + text + "\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
	if _, err := load("  exemptions: [" + strings.Join(many[:100], ", ") + "]\n"); err != nil {
		t.Errorf("a hundred exemptions: %v", err)
	}
	if _, err := config.Load("", []string{"READTRAIL_DETECTORS_EXEMPTIONS=[{ward: 3}]"}); err == nil || !strings.Contains(err.Error(), "field ward not found") {
		t.Errorf("a key that there is not, from the environment: %v", err)
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
