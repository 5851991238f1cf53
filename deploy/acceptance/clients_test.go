package acceptance_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clientsTimeout covers npm on a slow line: clients and what they need are at most thirty packages.
const clientsTimeout = 3 * time.Minute

// clientsOf installs the clients of a folder, pinned by its lock file, and returns where they and the scripts are.
func clientsOf(t *testing.T, folder string) string {
	t.Helper()
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientsTimeout)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
		"--omit=optional", "--omit=peer") // what clients bring for browsers and phones are hundreds of packages
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// TestForeignClients sends events with a FHIR client that nobody here wrote.
func TestForeignClients(t *testing.T) {
	t.Parallel()
	dir := clientsOf(t, "testdata/clients")
	s := newServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), clientsTimeout)
	defer cancel()
	address := freeAddress(t)
	s.mustStart("READTRAIL_LISTEN_HTTP=" + address)
	registered, err := s.run("sources", "set", "ehr", "--owner", "IT", "--zone", "UTC")
	fields := strings.Fields(registered)
	if err != nil || len(fields) == 0 {
		t.Fatalf("register the source: %v\n%s", err, registered)
	}
	scripts, err := filepath.Glob(filepath.Join(dir, "*.mjs"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			node := exec.CommandContext(ctx, "node", script)
			node.Env = append(os.Environ(), "BASE=http://"+address, "TOKEN="+fields[len(fields)-1])
			if out, err := node.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	s.stop()
}

// freeAddress is an address on loopback that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = on.Close() }()
	return on.Addr().String()
}
