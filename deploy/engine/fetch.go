package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fetcher brings one package's library into a directory.
type fetcher struct {
	pkg  pkg
	dir  string
	from string // a .tgz at hand, "" for npm
	say  *say
}

// manifest is what was found to be true when the library was put in place. It stands beside it, so that later runs need
// not read half a gigabyte.
type manifest struct {
	Package   string `json:"package"`
	Version   string `json:"version"`
	Integrity string `json:"integrity"` // of the package
	SHA256    string `json:"sha256"`    // of the library
	Size      int64  `json:"size"`      // of the library, bytes
}

func (f *fetcher) library() string  { return filepath.Join(f.dir, libraryFile) }
func (f *fetcher) manifest() string { return filepath.Join(f.dir, libraryFile+".json") }

// bring leaves the right library in place or nothing: it is extracted beside its place and renamed, and the manifest
// comes before it, so that a run that was killed is simply repeated.
func (f *fetcher) bring(ctx context.Context, verify bool) error {
	switch err := f.present(verify); {
	case err == nil:
		f.say.line("The ClickHouse engine %s is in place: %s", version, f.library())
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		f.say.line("The engine in place is not usable (%v) and is replaced.", err)
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil { // a library may be read by all
		return fmt.Errorf("make the directory for the engine: %w", err)
	}
	if err := f.checkSpace(); err != nil {
		return err
	}
	work, err := os.MkdirTemp(f.dir, ".fetch-")
	if err != nil {
		return fmt.Errorf("make a directory to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	archive := f.from
	if archive == "" {
		if archive, err = f.download(ctx, work); err != nil {
			return err
		}
	}
	m, err := f.extract(ctx, archive, filepath.Join(work, libraryFile))
	if err != nil {
		return err
	}
	if err := f.place(work, m); err != nil {
		return err
	}
	f.say.line("The ClickHouse engine %s is in place: %s", version, f.library())
	return nil
}

// present says whether the library in place is the one the manifest describes, by size, and with verify by hash.
func (f *fetcher) present(verify bool) error {
	text, err := os.ReadFile(f.manifest())
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("its manifest is damaged: %w", err)
	}
	if m.Integrity != f.pkg.integrity || m.Package != f.pkg.name {
		return fmt.Errorf("it is %s %s", m.Package, m.Version)
	}
	info, err := os.Stat(f.library())
	if err != nil {
		return err
	}
	if info.Size() != m.Size {
		return fmt.Errorf("it has %d bytes instead of %d", info.Size(), m.Size)
	}
	if !verify {
		return nil
	}
	file, err := os.Open(f.library())
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	bar := f.say.bar("Verifying", m.Size)
	if _, err := io.Copy(io.MultiWriter(sum, bar), file); err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	bar.done()
	if got := hex.EncodeToString(sum.Sum(nil)); got != m.SHA256 {
		return errors.New("its hash is wrong")
	}
	return nil
}

// spaceFactor leaves room for the package (about a third of the library) beside the library.
const spaceFactor = 1.4

func (f *fetcher) checkSpace() error {
	var st unix.Statfs_t
	if err := unix.Statfs(f.dir, &st); err != nil {
		return nil //nolint:nilerr // a file system that cannot say; writing will tell
	}
	free := int64(st.Bavail) * int64(st.Bsize) //nolint:unconvert // types differ between platforms
	if need := int64(float64(f.pkg.bytes) * spaceFactor); free < need {
		return fmt.Errorf("not enough space: %s needs %s, there are %s; name another directory in %s", f.dir, size(need), size(free), dirVariable)
	}
	return nil
}

// extract checks the archive's hash while it takes the library out of it. Nothing of the archive is used before the hash
// is known to be right: the caller renames only then.
func (f *fetcher) extract(ctx context.Context, archive, target string) (manifest, error) {
	file, err := os.Open(archive)
	if err != nil {
		return manifest{}, fmt.Errorf("open the package: %w", err)
	}
	defer func() { _ = file.Close() }()
	if err := f.verifyArchive(file); err != nil {
		return manifest{}, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return manifest{}, fmt.Errorf("read the package: %w", err)
	}
	zip, err := gzip.NewReader(file)
	if err != nil {
		return manifest{}, fmt.Errorf("read the package: %w", err)
	}
	entries := tar.NewReader(zip)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return manifest{}, fmt.Errorf("the package holds no %s", libraryFile)
		}
		if err != nil {
			return manifest{}, fmt.Errorf("read the package: %w", err)
		}
		if header.Typeflag != tar.TypeReg || header.Name != "package/"+libraryFile {
			continue
		}
		sum := sha256.New()
		if err := f.write(ctx, target, entries, header.Size, sum); err != nil {
			return manifest{}, err
		}
		return manifest{f.pkg.name, version, f.pkg.integrity, hex.EncodeToString(sum.Sum(nil)), header.Size}, nil
	}
}

func (f *fetcher) verifyArchive(file io.Reader) error {
	want, ok := strings.CutPrefix(f.pkg.integrity, "sha512-")
	if !ok {
		return fmt.Errorf("integrity hash %q is not sha512", f.pkg.integrity)
	}
	sum := sha512.New()
	if _, err := io.Copy(sum, file); err != nil {
		return fmt.Errorf("read the package: %w", err)
	}
	if got := base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("the package's hash is sha512-%s, pinned is %s: it was changed on its way or at its source; nothing was installed", got, f.pkg.integrity)
	}
	f.say.line("The package's hash is the pinned one.")
	return nil
}

func (f *fetcher) write(ctx context.Context, target string, from io.Reader, total int64, sum hash.Hash) error {
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755) //nolint:gosec // a library may be read by all
	if err != nil {
		return spaceError(fmt.Errorf("write the library: %w", err))
	}
	bar := f.say.bar("Extracting", total)
	_, err = io.Copy(io.MultiWriter(out, sum, bar), stoppable{ctx, io.LimitReader(from, total)})
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return spaceError(fmt.Errorf("write the library: %w", err))
	}
	bar.done()
	return nil
}

// place puts manifest and library where they belong.
func (f *fetcher) place(work string, m manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	draft := filepath.Join(work, "manifest")
	if err := os.WriteFile(draft, append(text, '\n'), 0o644); err != nil { // may be read by all
		return spaceError(fmt.Errorf("write the manifest: %w", err))
	}
	// The old library goes first: a new manifest beside an old library would describe the wrong file.
	if err := os.Remove(f.library()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace the library: %w", err)
	}
	if err := os.Rename(draft, f.manifest()); err != nil {
		return fmt.Errorf("put the manifest in place: %w", err)
	}
	if err := os.Rename(filepath.Join(work, libraryFile), f.library()); err != nil {
		return fmt.Errorf("put the library in place: %w", err)
	}
	return nil
}

func spaceError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk is full; free some space or name another directory in %s: %w", dirVariable, err)
	}
	return err
}

// stoppable lets Ctrl-C end a copy.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
