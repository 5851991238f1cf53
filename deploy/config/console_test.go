package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/deploy/config"
)

// What would let sessions travel in the clear, anybody in, or nobody, is refused with its key.
func TestConsoleFaults(t *testing.T) {
	provider := func(more string) string {
		return "console: {oidc: {issuer: 'https://id.example', client_id: rt, privacy_officer: po, " + more + "}}"
	}
	for name, c := range map[string]struct{ file, want string }{
		"path":                {"console: {url: 'https://rt.example/console'}", "console.url"},
		"in the clear":        {"console: {url: 'http://rt.example'}", "console.url"},
		"user in the address": {"console: {url: 'https://a@rt.example'}", "console.url"},
		"no address":          {"console: {url: 'rt.example'}", "console.url"},
		"long link":           {"console: {link_valid: 25h}", "console.link_valid"},
		"idle":                {"console: {session_idle: 0s}", "console.session_idle"},
		"shorter than idle":   {"console: {session_max: 1m}", "console.session_max"},
		"clear provider":      {"console: {oidc: {issuer: 'http://id.example', client_id: rt, viewer: v}}", "console.oidc.issuer"},
		"no client":           {"console: {oidc: {issuer: 'https://id.example', viewer: v}}", "console.oidc.client_id"},
		"no role":             {"console: {oidc: {issuer: 'https://id.example', client_id: rt, viewer: ' , '}}", "console.oidc.role_claim"},
		"no name":             {provider("name_claim: ''"), "console.oidc.name_claim"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := config.Load(write(t, c.file), nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not name %s", err, c.want)
			}
		})
	}
	c, err := config.Load(write(t, provider("viewer: 'a, b', ca_file: ''")), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Console.OIDC.Provider()
	if err != nil || !slices.Equal(p.Roles["viewer"], []string{"a", "b"}) || !slices.Equal(p.Roles["privacy_officer"], []string{"po"}) || len(p.Roles) != 2 {
		t.Errorf("%v, %v", p.Roles, err)
	}
}

// Where browsers reach the console, under which names, and whether their cookies are for TLS alone.
func TestConsoleAddress(t *testing.T) {
	for name, c := range map[string]struct {
		file, url, host string
		secure          bool
	}{
		"loopback":     {"{}", "http://127.0.0.1:8470", "localhost", false},
		"behind proxy": {"console: {url: 'https://rt.example/'}", "https://rt.example", "rt.example", true},
		"own TLS":      {"listen: {http: '10.0.0.1:443', tls: {cert_file: a, key_file: b}}", "https://10.0.0.1:443", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Load(write(t, c.file), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.ConsoleURL(cfg.Listen.HTTP); got != c.url {
				t.Errorf("url %q", got)
			}
			if hosts := cfg.ConsoleHosts(); c.host != "" && !slices.Contains(hosts, c.host) || c.host == "" && len(hosts) != 0 {
				t.Errorf("hosts %q", hosts)
			}
			if got := cfg.ConsoleSecure(); got != c.secure {
				t.Errorf("secure %v", got)
			}
		})
	}
}
