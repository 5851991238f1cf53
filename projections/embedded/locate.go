package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// EngineVersion is the release of the library that this program is built for and tested with.
	EngineVersion = "26.5.3"
	// LibraryFile is its file name, the same on every platform.
	LibraryFile = "libchdb.so"
	// DirVariable is the environment variable that names the directory of the library.
	DirVariable = "READTRAIL_ENGINE_DIR"
	// FetchCommand brings the library. This package never downloads anything.
	FetchCommand = "go tool task engine"
)

// ErrLibraryMissing says that the engine's library is not on this machine; see LibraryMissingError for where it was
// looked for.
var ErrLibraryMissing = errors.New("the ClickHouse engine is not installed")

// LibraryMissingError tells the user which command brings the library, and which places were searched.
type LibraryMissingError struct {
	Searched []string
}

func (e *LibraryMissingError) Error() string {
	return fmt.Sprintf("%v: run `%s`, or name its directory in %s (looked in %s)",
		ErrLibraryMissing, FetchCommand, DirVariable, strings.Join(e.Searched, ", "))
}

// Unwrap lets callers branch on ErrLibraryMissing.
func (e *LibraryMissingError) Unwrap() error { return ErrLibraryMissing }

// FindLibrary returns the path of the engine's library. explicit, when given, is the only place looked at (a file, or a
// directory that holds it); then come the directory in READTRAIL_ENGINE_DIR, lib/ beside the binary, and the user's cache.
func FindLibrary(explicit string) (string, error) {
	var candidates []string
	if explicit != "" {
		candidates = []string{explicit, filepath.Join(explicit, LibraryFile)}
		return firstFile(candidates)
	}
	if dir := os.Getenv(DirVariable); dir != "" {
		candidates = append(candidates, filepath.Join(dir, LibraryFile), filepath.Join(dir, EngineVersion, LibraryFile))
		return firstFile(candidates)
	}
	if binary, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(binary); err == nil {
			binary = real
		}
		candidates = append(candidates, filepath.Join(filepath.Dir(binary), "lib", LibraryFile))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		candidates = append(candidates, filepath.Join(cache, "readtrail", "engine", EngineVersion, LibraryFile))
	}
	return firstFile(candidates)
}

func firstFile(candidates []string) (string, error) {
	for _, path := range candidates {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", &LibraryMissingError{Searched: candidates}
}
