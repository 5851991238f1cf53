package serve

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// keySize is 256 bits: nobody guesses it.
const keySize = 32

// Key reads a key of this installation, or makes it at the first start, for this user only. Who loses it loses what was made with it,
// and no data.
func Key(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) == keySize {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if err == nil {
		return nil, fmt.Errorf("read key: %s holds %d bytes, want %d: remove it, and another one is made", path, len(key), keySize)
	}
	key = make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, key, 0o600); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return key, nil
}
