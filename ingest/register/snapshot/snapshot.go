// Package snapshot keeps a fold of the journal in a file, so that a start does not read the whole journal again.
// A snapshot is a cache: one that is missing, damaged or of another version is as good as none, and the fold begins at
// the journal's first entry.
package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/readtrail/readtrail/proto"
)

// ErrUnusable marks a file that holds no snapshot of the wanted version. The caller starts from nothing and says so.
var ErrUnusable = errors.New("snapshot is unusable")

// envelope is the file: one JSON object. Version is read before State, so that an old State never meets new code.
type envelope struct {
	Version  int             `json:"version"`
	Position proto.Position  `json:"position"`
	State    json.RawMessage `json:"state"`
}

// Write replaces the snapshot at path. A crash at any point leaves the old file or the new one: the new content is on
// disk before its name is, and the name is on disk before Write returns. The file is readable by its owner only.
func Write(path string, version int, position proto.Position, state any) (err error) {
	raw, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("marshal snapshot: %w", err)
	}
	content, err := json.Marshal(envelope{Version: version, Position: position, State: raw})
	if err != nil {
		return fmt.Errorf("marshal snapshot: %w", err)
	}
	temporary := path + ".next"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("create snapshot: %w", err)
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	if err = os.Rename(temporary, path); err != nil {
		return fmt.Errorf("rename snapshot: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open snapshot directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync snapshot directory: %w", err)
	}
	return nil
}

// Read fills state from the snapshot at path and returns the position it stands at: everything up to there is in it.
// A missing file is position 0 and no error. An error that wraps ErrUnusable means the same, with state undefined.
func Read(path string, version int, state any) (proto.Position, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read snapshot: %w", err)
	}
	var e envelope
	if err := json.Unmarshal(content, &e); err != nil {
		return 0, fmt.Errorf("read snapshot: %w: %w", ErrUnusable, err)
	}
	if e.Version != version {
		return 0, fmt.Errorf("read snapshot: version %d, this one reads %d: %w", e.Version, version, ErrUnusable)
	}
	if err := json.Unmarshal(e.State, state); err != nil {
		return 0, fmt.Errorf("read snapshot: %w: %w", ErrUnusable, err)
	}
	return e.Position, nil
}
