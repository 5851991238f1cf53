package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/proto"
)

// TestAskersWithinLimits: a line of the file holds in place of what the provider states; of whom neither says anything, limited roles
// see nothing, and other roles everything.
func TestAskersWithinLimits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "limits.yaml")
	text := "\"token:a\": {sites: [North], departments: [Cardiology]}\n\"oidc:chief\": {everything: true}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	limits, err := config.Askers{LimitsFile: path, LimitedRoles: "investigator, privacy_officer"}.Limits()
	if err != nil {
		t.Fatal(err)
	}
	claimed := proto.Limits{Sites: []string{"South"}}
	for name, tt := range map[string]struct {
		caller proto.Caller
		want   proto.Limits
	}{
		"listed":               {proto.Caller{Name: "token:a", Role: proto.RoleInvestigator}, proto.Limits{Sites: []string{"North"}, Departments: []string{"Cardiology"}}},
		"listed and claimed":   {proto.Caller{Name: "token:a", Role: proto.RoleViewer, Limits: claimed}, proto.Limits{Sites: []string{"North"}, Departments: []string{"Cardiology"}}},
		"everything":           {proto.Caller{Name: "oidc:chief", Role: proto.RolePrivacyOfficer, Limits: claimed}, proto.Limits{}},
		"claimed":              {proto.Caller{Name: "oidc:b", Role: proto.RolePrivacyOfficer, Limits: claimed}, claimed},
		"everywhere, claimed":  {proto.Caller{Name: "oidc:b", Role: proto.RolePrivacyOfficer, Unlimited: true}, proto.Limits{}},
		"nobody said, limited": {proto.Caller{Name: "oidc:b", Role: proto.RolePrivacyOfficer}, proto.Limits{Nothing: true}},
		"nobody said":          {proto.Caller{Name: "os:root", Role: proto.RoleAdministrator}, proto.Limits{}},
		"nobody":               {proto.Caller{}, proto.Limits{}},
	} {
		if diff := cmp.Diff(tt.want, limits(tt.caller)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, text := range map[string]string{
		"no kind": "secret: {sites: [N]}", "neither": "\"token:secret\": {}", "both": "\"token:secret\": {sites: [N], everything: true}",
		"a blank": "\"token:secret\": {sites: [\" \"]}", "a typo": "\"token:secret\": {site: [N]}", "a list": "\"token:secret\": [N]",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (config.Askers{LimitsFile: path}).Limits(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (config.Askers{LimitsFile: path + "2"}).Limits(); err == nil {
		t.Error("a missing file is taken for an empty one")
	}
}

// TestLimitsFileIsReadWhole: what stands behind a document's end is refused, not left out: who stands there would see everything.
func TestLimitsFileIsReadWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "limits.yaml")
	for name, text := range map[string]string{
		"two documents": "\"token:a\": {sites: [North]}\n---\n\"token:b\": {sites: [South]}\n",
		"nothing":       "",
		"an end":        "\"token:a\": {sites: [North]}\n...\n\"token:b\": {sites: [South]}\n",
		"a null":        "null\n",
		"an empty list": "\"token:a\": {sites: [], departments: [Cardiology]}\n",
		"a tab":         "\"token:a\": {sites: [North], everything: false, departments: []}\n\"Token:b\": {sites: [South]}\n",
		"blanks around": "\" token:a\": {sites: [North]}\n",
		"blanks inside": "\"token: a\": {sites: [North]}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (config.Askers{LimitsFile: path}).Limits(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
