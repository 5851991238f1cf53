//go:build linux

package powercut_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/readtrail/readtrail/ingest/journal/powercut"
)

func write(t *testing.T, path, text string, sync bool) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if sync {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCutForgetsWhatWasNotSynced(t *testing.T) {
	dir, disk := t.TempDir(), powercut.New(0)
	m := powercut.Test(t, disk, dir)
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "unsynced"), "gone", false)
	write(t, filepath.Join(dir, "d", "file"), "kept", true)
	write(t, filepath.Join(dir, "d", "file"), " and gone", false)
	write(t, filepath.Join(dir, "d", "later"), "gone with its name", false)
	if err := os.Rename(filepath.Join(dir, "d", "file"), filepath.Join(dir, "d", "moved")); err != nil {
		t.Fatal(err)
	}
	disk.Cut(nil)
	if _, err := os.ReadFile(filepath.Join(dir, "d", "moved")); !errors.Is(err, syscall.EIO) {
		t.Errorf("reading without power: %v", err)
	}
	if err := m.Unmount(dir); err != nil {
		t.Fatal(err)
	}
	powercut.Test(t, disk, dir)
	got, err := os.ReadFile(filepath.Join(dir, "d", "file"))
	if err != nil || string(got) != "kept" {
		t.Errorf("synced file: %q, %v", got, err)
	}
	for _, name := range []string{"d/later", "d/moved"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want it gone", name, err)
		}
	}
	// Its name went to disk with the sync of another file; its bytes did not.
	if got, err := os.ReadFile(filepath.Join(dir, "unsynced")); err != nil || len(got) != 0 {
		t.Errorf("unsynced file: %q, %v", got, err)
	}
}

func TestTornWritesKeepWhatWasSynced(t *testing.T) {
	dir, disk := t.TempDir(), powercut.New(0)
	m := powercut.Test(t, disk, dir)
	path := filepath.Join(dir, "file")
	write(t, path, "synced", true)
	write(t, path, string(make([]byte, 1<<20)), false)
	disk.Cut(rand.New(rand.NewPCG(1, 2)))
	if err := m.Unmount(dir); err != nil {
		t.Fatal(err)
	}
	powercut.Test(t, disk, dir)
	got, err := os.ReadFile(path)
	if err != nil || len(got) < 6 || string(got[:6]) != "synced" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestFullDisk(t *testing.T) {
	dir, disk := t.TempDir(), powercut.New(8192)
	powercut.Test(t, disk, dir)
	path := filepath.Join(dir, "file")
	write(t, path, string(make([]byte, 8000)), true)
	if err := os.WriteFile(filepath.Join(dir, "more"), make([]byte, 400), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing to a full disk: %v", err)
	}
	disk.SetCapacity(1 << 20)
	write(t, filepath.Join(dir, "more"), "fits", true)
}
