package serve_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/readtrail/readtrail/deploy/serve"
)

func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	first, err := serve.Key(path)
	if err != nil || len(first) != 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	if again, err := serve.Key(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("another start has another key: %v", err)
	}
	if other, err := serve.Key(path + "2"); err != nil || bytes.Equal(first, other) {
		t.Errorf("another installation has the same key: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, first[:31], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serve.Key(path); err == nil {
		t.Error("a damaged key is taken, or written over")
	}
}
