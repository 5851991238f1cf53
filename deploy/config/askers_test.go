package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestAskersNames: those whom either file names, each once; who a file does not let be read is a failure.
func TestAskersNames(t *testing.T) {
	t.Parallel()
	write := func(text string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "a.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := config.Askers{ReadersFile: write("\"token:a\": [u1]\n\"oidc:b\": []\n"), LimitsFile: write("\"oidc:b\": {everything: true}\n\"os:c\": {sites: [North]}\n")}
	names, err := a.Names()
	if diff := cmp.Diff([]string{"oidc:b", "os:c", "token:a"}, names); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if names, err := (config.Askers{}).Names(); err != nil || len(names) > 0 {
		t.Errorf("no files: %v, %v", names, err)
	}
	for _, a := range []config.Askers{{ReadersFile: write("secret")}, {LimitsFile: write("secret")}} {
		if _, err := a.Names(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
}

func TestAskersAmongReaders(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "readers.yaml")
	text := "\"token:a\": [\"urn:staff|u1\", u2]\n\"oidc:auditor\": []\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	readers, err := config.Askers{ReadersFile: path}.Readers()
	if err != nil {
		t.Fatal(err)
	}
	claimed := proto.NewReaderID("urn:hr", "7")
	for name, tt := range map[string]struct {
		caller proto.Caller
		want   []*v1.Identifier
		known  bool
	}{
		"listed":      {proto.Caller{Name: "token:a"}, []*v1.Identifier{{System: "urn:staff", Value: "u1"}, {Value: "u2"}}, true},
		"no reader":   {proto.Caller{Name: "oidc:auditor"}, nil, true},
		"nobody said": {proto.Caller{Name: "oidc:a"}, nil, false},
		"claimed":     {proto.Caller{Name: "oidc:a", Reader: claimed}, []*v1.Identifier{{System: "urn:hr", Value: "7"}}, true},
		"both": {
			proto.Caller{Name: "token:a", Reader: claimed},
			[]*v1.Identifier{{System: "urn:hr", Value: "7"}, {System: "urn:staff", Value: "u1"}, {Value: "u2"}},
			true,
		},
	} {
		got, known := readers(tt.caller)
		if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" || known != tt.known {
			t.Errorf("%s: known %v (-want +got):\n%s", name, known, diff)
		}
	}
	for name, text := range map[string]string{
		"no kind": "secret: [u1]", "no list": "\"token:a\": secret", "no value": "\"token:a\": [\"secret|\"]", "no system": "\"token:a\": [\"|secret\"]",
		"a source": "\"source:secret\": [u1]", "an invisible character": "\"token:secret\u200b\": [u1]", "a blank at its end": "\"token:secret \": [u1]",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (config.Askers{ReadersFile: path}).Readers(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (config.Askers{ReadersFile: path + "2"}).Readers(); err == nil {
		t.Error("a missing file is taken for an empty one")
	}
}
