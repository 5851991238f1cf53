// Command package makes what is shipped: an archive to unpack anywhere and a container image. Both hold the binary, the
// embedded engine and the C library it needs, so that neither downloads anything when it starts.
package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/readtrail/readtrail/projections/embedded"
)

func main() {
	version := flag.String("version", "dev", "version in the names of what is made")
	out := flag.String("out", "dist", "directory to write to")
	flag.Parse()
	if err := run(*version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

// file is one file of a package: where it is now, and what it is called there.
type file struct {
	from, to string
	mode     int64
}

func run(version, out string) error {
	library, err := embedded.FindLibrary("")
	if err != nil {
		return fmt.Errorf("find the engine: %w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", out, err)
	}
	platform := runtime.GOOS + "-" + runtime.GOARCH
	base := "readtrail-" + version + "-" + platform
	archive := []file{
		{"bin/readtrail", base + "/readtrail", 0o755},
		{library, base + "/lib/" + filepath.Base(library), 0o644},
		{"LICENSE", base + "/LICENSE", 0o644},
		{"README.md", base + "/README.md", 0o644},
		{"CHANGELOG.md", base + "/CHANGELOG.md", 0o644},
		{"deploy/config/readtrail.yaml", base + "/readtrail.yaml", 0o644},
	}
	archivePath := filepath.Join(out, base+".tar.gz")
	fmt.Printf("archive %s\n", archivePath)
	if err := writeArchive(archivePath, archive); err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		fmt.Println("no image: images are made on Linux")
		return nil
	}
	imagePath := filepath.Join(out, base+"-image.tar")
	fmt.Printf("image   %s\n", imagePath)
	return writeImage(imagePath, version, library)
}

func writeArchive(to string, files []file) error {
	f, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	defer f.Close()
	zw := gzip.NewWriter(f)
	if err := writeTar(zw, files); err != nil {
		return err
	}
	if err := errors.Join(zw.Close(), f.Sync()); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

// writeTar writes files with the same bytes for the same content: no owner, no time.
func writeTar(w io.Writer, files []file) error {
	tw := tar.NewWriter(w)
	for _, dir := range directories(files) {
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: modeOfDir(dir), ModTime: time.Unix(0, 0)}); err != nil {
			return fmt.Errorf("write %s: %w", dir, err)
		}
	}
	for _, f := range files {
		if err := writeFile(tw, f); err != nil {
			return fmt.Errorf("write %s: %w", f.to, err)
		}
	}
	if err := tw.Close(); err != nil {
		return fmt.Errorf("write tar: %w", err)
	}
	return nil
}

func writeFile(tw *tar.Writer, f file) error {
	src, err := os.Open(f.from)
	if err != nil {
		return err //nolint:wrapcheck // the caller names the file
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err //nolint:wrapcheck // the caller names the file
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: f.to, Mode: f.mode, Size: info.Size(), ModTime: time.Unix(0, 0)}
	if err := tw.WriteHeader(header); err != nil {
		return err //nolint:wrapcheck // the caller names the file
	}
	_, err = io.Copy(tw, src)
	return err //nolint:wrapcheck // the caller names the file
}

func directories(files []file) []string {
	seen := map[string]bool{"data": hasImageRoot(files), "tmp": hasImageRoot(files)}
	for _, f := range files {
		for dir := path.Dir(f.to); dir != "." && dir != "/"; dir = path.Dir(dir) {
			seen[dir] = true
		}
	}
	var out []string
	for dir, wanted := range seen {
		if wanted {
			out = append(out, dir)
		}
	}
	sort.Strings(out)
	return out
}

func hasImageRoot(files []file) bool {
	return len(files) > 0 && !strings.HasPrefix(files[0].to, "readtrail-")
}

func modeOfDir(dir string) int64 {
	switch dir {
	case "tmp":
		return 0o1777
	case "data":
		return 0o777 // a volume is mounted here; Readtrail makes its own directory of mode 0700 below
	}
	return 0o755
}

// uid is nobody's own: the container runs without root.
const uid = "65532:65532"

// writeImage writes a single-layer image in the form that `docker load` and `podman load` read.
func writeImage(to, version, library string) error {
	files := []file{
		{"bin/readtrail", "usr/bin/readtrail", 0o755},
		{library, "usr/bin/lib/" + filepath.Base(library), 0o644},
		{"LICENSE", "usr/share/doc/readtrail/LICENSE", 0o644},
	}
	needed, err := sharedLibraries("bin/readtrail", library)
	if err != nil {
		return err
	}
	files = append(files, needed...)
	if bundle, err := os.Stat("/etc/ssl/certs/ca-certificates.crt"); err == nil && bundle.Mode().IsRegular() {
		files = append(files, file{"/etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/ca-certificates.crt", 0o644})
	}
	layerFile, err := os.CreateTemp(filepath.Dir(to), ".layer-*")
	if err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	defer os.Remove(layerFile.Name())
	if err := errors.Join(writeTar(layerFile, files), layerFile.Close()); err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	layer, err := tarball.LayerFromFile(layerFile.Name())
	if err != nil {
		return fmt.Errorf("make layer: %w", err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return fmt.Errorf("make image: %w", err)
	}
	image, err = mutate.ConfigFile(image, imageConfig(image))
	if err != nil {
		return fmt.Errorf("make image: %w", err)
	}
	tag, err := name.NewTag("readtrail:" + tagOf(version))
	if err != nil {
		return fmt.Errorf("name image: %w", err)
	}
	if err := tarball.WriteToFile(to, tag, image); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	return nil
}

func imageConfig(image v1.Image) *v1.ConfigFile {
	cfg, err := image.ConfigFile()
	if err != nil {
		cfg = &v1.ConfigFile{}
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture = "linux", runtime.GOARCH
	cfg.Config = v1.Config{
		Entrypoint: []string{"/usr/bin/readtrail"}, Cmd: []string{"up"}, User: uid, WorkingDir: "/data",
		Env:     []string{"READTRAIL_DATA_DIR=/data/readtrail", "HOME=/data", "PATH=/usr/bin"},
		Volumes: map[string]struct{}{"/data": {}},
		Labels:  map[string]string{"org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.title": "Readtrail"},
	}
	return cfg
}

func tagOf(version string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r == '/' {
			return '-'
		}
		return r
	}, version)
}

// exists tells a missing file from one that cannot be read.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err //nolint:wrapcheck // os names the path
}
