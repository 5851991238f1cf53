package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// download has npm bring the package into dir and returns the archive's path. npm is used because it knows the user's
// registry, proxy and credentials.
func (f *fetcher) download(ctx context.Context, dir string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is not installed: install Node.js (which brings npm), or copy the package's .tgz here and pass it with -from")
	}
	spec := f.pkg.name + "@" + version
	meta, err := f.ask(ctx, npm, spec)
	if err != nil {
		return "", err
	}
	if meta.Integrity != f.pkg.integrity {
		return "", fmt.Errorf("npm offers %s with hash %s, pinned is %s; nothing was downloaded", spec, meta.Integrity, f.pkg.integrity)
	}
	total := tarballSize(ctx, meta.Tarball)
	if total > 0 {
		f.say.line("Downloading the ClickHouse engine: %s %s, %s packed, %s unpacked, into %s", f.pkg.name, version, size(total), size(f.pkg.bytes), f.dir)
	} else {
		f.say.line("Downloading the ClickHouse engine: %s %s, about %s packed, %s unpacked, into %s", f.pkg.name, version, size(f.pkg.bytes*3/10), size(f.pkg.bytes), f.dir)
	}
	if err := f.pack(ctx, npm, spec, dir, total); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm left no package in %s", dir)
	}
	return found[0], nil
}

type metadata struct {
	Integrity string `json:"dist.integrity"`
	Tarball   string `json:"dist.tarball"`
}

// ask has npm look the package up.
func (f *fetcher) ask(ctx context.Context, npm, spec string) (metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := runNPM(ctx, npm, "", nil, "view", spec, "dist.integrity", "dist.tarball", "--json")
	if err != nil {
		return metadata{}, err
	}
	var meta metadata
	if err := json.Unmarshal(out, &meta); err != nil || meta.Integrity == "" {
		return metadata{}, fmt.Errorf("npm does not know %s; is another registry configured? (`npm config get registry`)", spec)
	}
	return meta, nil
}

// Bounds of what npm does. A download of 170 MB at 100 KB/s takes half an hour.
const (
	askTimeout  = time.Minute
	packTimeout = time.Hour
	headTimeout = 10 * time.Second
	watchEvery  = 500 * time.Millisecond
)

// tarballSize asks the registry for the size, which npm does not tell. 0 when it will not say.
func tarballSize(ctx context.Context, address string) int64 {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0
	}
	return max(res.ContentLength, 0)
}

// pack downloads. npm writes into its cache first and says nothing, so progress is how much that cache has grown.
func (f *fetcher) pack(ctx context.Context, npm, spec, dir string, total int64) error {
	ctx, cancel := context.WithTimeout(ctx, packTimeout)
	defer cancel()
	cache := filepath.Join(dir, "npm-cache")
	bar := f.say.bar("Downloading", total)
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				bar.set(dirSize(cache))
			}
		}
	})
	_, err := runNPM(ctx, npm, dir, []string{"npm_config_cache=" + cache}, "pack", spec, "--pack-destination", dir, "--silent")
	close(done)
	watch.Wait()
	if err != nil {
		return err
	}
	bar.done()
	return os.RemoveAll(cache)
}

// runNPM runs npm and turns what it says on failure into something a person can act on. Its warnings are nobody's
// business here.
func runNPM(ctx context.Context, npm, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, npm, args...) //nolint:gosec // npm, found in PATH, with constant arguments
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "npm_config_update_notifier=false", "npm_config_loglevel=error", "npm_config_fund=false",
		"npm_config_fetch_retries=1", "npm_config_fetch_retry_mintimeout=1000", "npm_config_fetch_retry_maxtimeout=5000"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	switch {
	case err == nil:
		return out.Bytes(), nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("npm took too long: is the network slow or the registry away? Try again, or copy the package's .tgz here and pass it with -from")
	case ctx.Err() != nil:
		return nil, errors.New("stopped")
	}
	return nil, npmError(out.String()+errs.String(), err)
}

// npmError translates npm's error codes.
func npmError(text string, err error) error {
	for _, known := range []struct{ code, say string }{
		{"ENOTFOUND", "npm cannot reach its registry: no network, or a proxy is needed (`npm config set proxy`)"},
		{"EAI_AGAIN", "npm cannot reach its registry: no network, or a proxy is needed (`npm config set proxy`)"},
		{"ECONNREFUSED", "npm cannot reach its registry: the connection was refused"},
		{"ECONNRESET", "the connection to npm's registry broke; try again"},
		{"ETIMEDOUT", "npm's registry does not answer; try again"},
		{"E404", "npm's registry does not have the package; is another registry configured? (`npm config get registry`)"},
		{"E401", "npm's registry wants to know who you are (`npm login`)"},
		{"E403", "npm's registry refuses the package"},
		{"ENOSPC", "the disk is full"},
		{"EINTEGRITY", "what npm downloaded does not have the hash its registry promised; try again"},
		{"CERT", "npm does not trust its registry's certificate (`npm config set cafile`)"},
	} {
		if strings.Contains(text, known.code) {
			return errors.New(known.say)
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return fmt.Errorf("npm failed (%w): %s", err, lines[0])
}

// dirSize is the number of bytes in the files below dir, as far as they can be seen while another process writes them.
func dirSize(dir string) int64 {
	var total int64
	_ = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a file that has just gone
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
