package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/deploy/config"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "readtrail.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExampleNamesEveryKey(t *testing.T) {
	var inFile map[string]any
	if err := yaml.Unmarshal([]byte(config.Example), &inFile); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keysOfType(reflect.TypeFor[config.Config]()), keysOfMap(inFile)); diff != "" {
		t.Errorf("keys of the struct (-) and of readtrail.yaml (+) differ:\n%s", diff)
	}
}

func keysOfType(t reflect.Type) map[string]any {
	out := map[string]any{}
	for f := range t.Fields() {
		if f.Type.Kind() == reflect.Struct {
			out[f.Tag.Get("yaml")] = keysOfType(f.Type)
		} else {
			out[f.Tag.Get("yaml")] = true
		}
	}
	return out
}

func keysOfMap(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
			out[k] = keysOfMap(sub)
		} else {
			out[k] = true
		}
	}
	return out
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name, file string
		env        []string
		want       string // in the error; empty: loads
		check      func(*config.Config) bool
	}{
		{name: "defaults", check: func(c *config.Config) bool {
			return c.Listen.HTTP == "127.0.0.1:8470" && c.Journal.Reserve == 2<<30 && filepath.IsAbs(c.DataDir)
		}},
		{name: "file", file: "data_dir: /x\nsite: {time_zone: Europe/Vienna}", check: func(c *config.Config) bool {
			return c.Listen.Socket == "/x/readtrail.sock" && c.Site.TimeZone == "Europe/Vienna" && c.Listen.HTTP == "127.0.0.1:8470"
		}},
		{name: "environment wins", file: "listen: {http: '127.0.0.1:1'}", env: []string{"READTRAIL_LISTEN_HTTP=127.0.0.1:2", "HOME=/h"}, check: func(c *config.Config) bool {
			return c.Listen.HTTP == "127.0.0.1:2"
		}},
		{name: "unknown key", file: "listen: {htpp: x}", want: "htpp"},
		{name: "unknown variable", env: []string{"READTRAIL_LISTEN_HTPP=x"}, want: "READTRAIL_LISTEN_HTPP"},
		{name: "variable of a command", env: []string{"READTRAIL_SERVER=/x"}, check: func(*config.Config) bool { return true }},
		{name: "beyond loopback without TLS", file: "listen: {http: '0.0.0.0:80'}", want: "required beyond loopback"},
		{name: "beyond loopback with TLS", file: "listen: {http: '0.0.0.0:80', tls: {cert_file: a, key_file: b}}", check: func(*config.Config) bool { return true }},
		{name: "no host is every host", file: "listen: {http: ':80'}", want: "required beyond loopback"},
		{name: "half a certificate", file: "listen: {tls: {cert_file: a}}", want: "belong together"},
		{name: "zone", file: "site: {time_zone: Mars/Base}", want: "site.time_zone"},
		{name: "zone of the machine", file: "site: {time_zone: Local}", want: "site.time_zone"},
		{name: "all faults at once", file: "site: {time_zone: Mars/Base}\nlog: {level: loud}", want: "log.level"},
		{name: "size", file: "limits: {resource_bytes: 3 apples}", want: "want a size"},
		{name: "reserves", file: "journal: {reserve: 1MiB, reserved_space: 1MiB}", want: "journal.reserved_space"},
		{name: "socket path", file: "data_dir: /" + strings.Repeat("x", 100), want: "listen.socket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := ""
			if tt.file != "" {
				path = write(t, tt.file)
			}
			c, err := config.Load(path, tt.env)
			switch {
			case tt.want == "" && err != nil:
				t.Fatalf("load: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Fatalf("error %v does not name %q", err, tt.want)
			case tt.want == "" && !tt.check(c):
				t.Errorf("loaded %+v", c)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]config.Size{"0": 0, "17": 17, "1KiB": 1 << 10, "512 MiB": 512 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40} {
		got, err := config.ParseSize(text)
		if err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
		if back, err := config.ParseSize(got.String()); err != nil || back != got {
			t.Errorf("%q does not read back: %d, %v", got.String(), back, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5GiB", "9223372036854775807TiB", "MiB"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
}
