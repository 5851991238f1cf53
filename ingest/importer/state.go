package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/readtrail/readtrail/ingest"
)

// state is how far an import got, kept beside the user's cache so that --resume can go on. It names no file: only a
// hash of what was asked for.
type state struct {
	ImportID string `json:"import_id"`
	// Files are the files that are through, by hash of path, size and time of change.
	Files map[string]fileState `json:"files"`

	path string
}

type fileState struct {
	Done   bool  `json:"done"`
	Offset int64 `json:"offset"`
	Line   int   `json:"line"`
	// Counts is what became of it up to Offset: the end of the import tells the sum, also when it took several runs.
	Counts ingest.Counts `json:"counts"`
}

// openState finds the state for these inputs, or makes an empty one. An empty dir keeps none.
func openState(dir, server, source string, inputs []input) (*state, error) {
	s := &state{Files: map[string]fileState{}}
	if dir == "" {
		return s, nil
	}
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%s\x00%s\x00", server, source))
	for _, in := range inputs {
		absolute, err := filepath.Abs(in.path)
		if err != nil {
			return nil, fmt.Errorf("open import state: %w", err)
		}
		h.Write(append([]byte(absolute), 0))
	}
	s.path = filepath.Join(dir, hex.EncodeToString(h.Sum(nil)[:12])+".json")
	text, err := os.ReadFile(s.path)
	if os.IsNotExist(err) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open import state: %w", err)
	}
	read := &state{}
	if json.Unmarshal(text, read) == nil && read.Files != nil {
		// A state that was cut by a crash is forgotten: it costs a repetition, and repetitions are recognised.
		s.ImportID, s.Files = read.ImportID, read.Files
	}
	return s, nil
}

// counts is what became of everything so far.
func (s *state) counts() (total ingest.Counts) {
	for _, file := range s.Files {
		total.Add(file.Counts)
	}
	return total
}

// key identifies a file in this very state.
func (s *state) key(in input) string {
	if in.path == "-" {
		return "-"
	}
	info, err := os.Stat(in.path)
	if err != nil {
		return ""
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", in.path, info.Size(), info.ModTime().UnixNano()))
	return hex.EncodeToString(h[:12])
}

// save writes the state; a failure costs a repetition only.
func (s *state) save() error {
	if s.path == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save import state: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("save import state: %w", err)
	}
	if err := os.WriteFile(s.path+".new", text, 0o600); err != nil {
		return fmt.Errorf("save import state: %w", err)
	}
	if err := os.Rename(s.path+".new", s.path); err != nil {
		return fmt.Errorf("save import state: %w", err)
	}
	return nil
}

// remove forgets a finished import.
func (s *state) remove() {
	if s.path != "" {
		_ = os.Remove(s.path)
	}
}
