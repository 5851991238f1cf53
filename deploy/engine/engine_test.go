package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/projections/embedded"
)

// archive makes a package like npm's that holds these files.
func archive(t *testing.T, files map[string]string) (path, integrity string) {
	t.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	out := tar.NewWriter(zip)
	for name, text := range files {
		if err := out.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(out.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(buf.Bytes())
	return path, "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestVersionIsTheOneTheProductLooksFor(t *testing.T) {
	if version != embedded.EngineVersion || libraryFile != embedded.LibraryFile || dirVariable != embedded.DirVariable {
		t.Errorf("this command brings %s %s (%s), the product wants %s %s (%s)", version, libraryFile, dirVariable,
			embedded.EngineVersion, embedded.LibraryFile, embedded.DirVariable)
	}
}

func TestBring(t *testing.T) {
	tgz, integrity := archive(t, map[string]string{"package/README": "no", "package/libchdb.so": "the library", "package/../libchdb.so": "evil"})
	dir := filepath.Join(t.TempDir(), "engine")
	var log bytes.Buffer
	f := &fetcher{pkg: pkg{name: "p", integrity: integrity, bytes: 11}, dir: dir, from: tgz, say: newSay(&log)}
	if err := f.bring(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	assertLibrary(t, dir, "the library")

	t.Run("again does nothing", func(t *testing.T) {
		again := *f
		again.from = "/nonexistent"
		if err := again.bring(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a short library is replaced", func(t *testing.T) {
		write(t, f.library(), "the lib")
		if err := f.bring(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		assertLibrary(t, dir, "the library")
	})
	t.Run("a changed library is seen with verify", func(t *testing.T) {
		write(t, f.library(), "the Library")
		if err := f.bring(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		assertLibrary(t, dir, "the library")
	})
	t.Run("a missing manifest is made again", func(t *testing.T) {
		if err := os.Remove(f.manifest()); err != nil {
			t.Fatal(err)
		}
		if err := f.bring(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		assertLibrary(t, dir, "the library")
	})
	t.Run("another package replaces it", func(t *testing.T) {
		other, sum := archive(t, map[string]string{"package/libchdb.so": "newer"})
		g := &fetcher{pkg: pkg{name: "p", integrity: sum, bytes: 5}, dir: dir, from: other, say: newSay(&log)}
		if err := g.bring(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		assertLibrary(t, dir, "newer")
	})
}

func TestBringRefuses(t *testing.T) {
	tgz, integrity := archive(t, map[string]string{"package/libchdb.so": "the library"})
	empty, emptySum := archive(t, map[string]string{"package/README": "no"})
	for _, tc := range []struct {
		name string
		f    fetcher
		want string
	}{
		{"a changed package", fetcher{pkg: pkg{integrity: "sha512-AAAA"}, from: tgz}, "it was changed on its way"},
		{"another hash function", fetcher{pkg: pkg{integrity: "sha1-AAAA"}, from: tgz}, "is not sha512"},
		{"a package without the library", fetcher{pkg: pkg{integrity: emptySum}, from: empty}, "holds no libchdb.so"},
		{"no such file", fetcher{pkg: pkg{integrity: integrity}, from: "/nonexistent"}, "open the package"},
		{"no space", fetcher{pkg: pkg{integrity: integrity, bytes: 1 << 60}, from: tgz}, "not enough space"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.f.dir, tc.f.say = filepath.Join(t.TempDir(), "engine"), newSay(io.Discard)
			err := tc.f.bring(t.Context(), false)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			left, err := filepath.Glob(filepath.Join(tc.f.dir, "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

func TestNPMMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	f := &fetcher{pkg: packages["linux/amd64"], dir: t.TempDir(), say: newSay(io.Discard)}
	f.pkg.bytes = 1
	if err := f.bring(t.Context(), false); err == nil || !strings.Contains(err.Error(), "npm is not installed") {
		t.Errorf("got %v", err)
	}
}

func TestNPMFailures(t *testing.T) {
	for text, want := range map[string]string{
		"npm error code ENOTFOUND\nnpm error network": "no network",
		"npm error code E404":                         "does not have the package",
		"npm error code ENOSPC":                       "disk is full",
		"something else\nwith more":                   "something else",
	} {
		bin := t.TempDir()
		write(t, filepath.Join(bin, "npm"), "#!/bin/sh\necho '"+text+"' >&2\nexit 1\n")
		t.Setenv("PATH", bin+":/bin:/usr/bin")
		f := &fetcher{pkg: pkg{name: "p", integrity: "sha512-x", bytes: 1}, dir: t.TempDir(), say: newSay(io.Discard)}
		err := f.bring(t.Context(), false)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
}

func TestNPMBringsThePackage(t *testing.T) {
	tgz, integrity := archive(t, map[string]string{"package/libchdb.so": "the library"})
	bin := t.TempDir()
	write(t, filepath.Join(bin, "npm"), `#!/bin/sh
echo "npm warn noise" >&2
case "$1" in
view) echo '{"dist.integrity": "`+integrity+`", "dist.tarball": "http://127.0.0.1:1/x.tgz"}' ;;
pack) cp '`+tgz+`' "$4/p.tgz" ;;
esac
`)
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	var log bytes.Buffer
	f := &fetcher{pkg: pkg{name: "p", integrity: integrity, bytes: 11}, dir: t.TempDir(), say: newSay(&log)}
	if err := f.bring(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	assertLibrary(t, f.dir, "the library")
	if strings.Contains(log.String(), "noise") || !strings.Contains(log.String(), "Downloading the ClickHouse engine") {
		t.Errorf("said %q", log.String())
	}

	t.Run("not with another hash", func(t *testing.T) {
		g := *f
		g.dir, g.pkg.integrity = t.TempDir(), "sha512-other"
		if err := g.bring(t.Context(), false); err == nil || !strings.Contains(err.Error(), "nothing was downloaded") {
			t.Errorf("got %v", err)
		}
	})
}

func TestChoose(t *testing.T) {
	if _, err := choose("plan9", "386", ""); err == nil {
		t.Error("a platform without an engine was accepted")
	}
	if _, err := choose("linux", "amd64", "sha512-other"); err == nil {
		t.Error("the pinned hash was overridden")
	}
	if _, err := choose("darwin", "arm64", ""); err == nil {
		t.Error("a package without a pinned hash was accepted")
	}
	if p, err := choose("darwin", "arm64", "sha512-mine"); err != nil || p.integrity != "sha512-mine" {
		t.Errorf("got %v %v", p, err)
	}
	p, err := choose("linux", "amd64", "")
	if err != nil || p.name != "@chdb/lib-linux-x64-gnu" {
		t.Errorf("got %v %v", p, err)
	}
}

func TestBarNeverPassesItsTotal(t *testing.T) {
	var out bytes.Buffer
	b := (&say{w: &out, terminal: true}).bar("Downloading", 100)
	b.set(500)
	b.done()
	if got := out.String(); strings.Contains(got, "500") || !strings.Contains(got, "100%") {
		t.Errorf("got %q", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil { // scripts are executed
		t.Fatal(err)
	}
}

func assertLibrary(t *testing.T, dir, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, libraryFile))
	if err != nil || string(got) != want {
		t.Fatalf("library is %q, %v; want %q", got, err, want)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".fetch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
