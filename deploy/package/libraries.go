package main

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// libraryDirs are where a Linux distribution keeps the C library.
var libraryDirs = []string{
	"/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"/lib64", "/usr/lib64", "/lib", "/usr/lib",
}

// loaders are the program interpreters that binaries name by their full path.
var loaders = map[string]string{"amd64": "/lib64/ld-linux-x86-64.so.2", "arm64": "/lib/ld-linux-aarch64.so.1"}

// sharedLibraries lists the shared libraries that the binaries need, and those that these need, and the loader.
func sharedLibraries(binaries ...string) ([]file, error) {
	loader := loaders[runtime.GOARCH]
	files := []file{{loader, strings.TrimPrefix(loader, "/"), 0o755}}
	seen := map[string]bool{filepath.Base(loader): true}
	// The engine resolves users and hosts through these, by name at run time.
	queue := append([]string(nil), binaries...)
	for _, name := range []string{"libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"} {
		if at, err := locate(name); err == nil {
			seen[name] = true
			files = append(files, file{at, strings.TrimPrefix(at, "/"), 0o644})
		}
	}
	for len(queue) > 0 {
		binary := queue[0]
		queue = queue[1:]
		needed, err := imported(binary)
		if err != nil {
			return nil, err
		}
		for _, name := range needed {
			if seen[name] {
				continue
			}
			seen[name] = true
			at, err := locate(name)
			if err != nil {
				return nil, fmt.Errorf("%s needs it: %w", binary, err)
			}
			files = append(files, file{at, strings.TrimPrefix(at, "/"), 0o644})
			queue = append(queue, at)
		}
	}
	return files, nil
}

func imported(binary string) ([]string, error) {
	f, err := elf.Open(binary)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", binary, err)
	}
	defer func() { _ = f.Close() }() // was only read
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", binary, err)
	}
	return names, nil
}

func locate(name string) (string, error) {
	for _, dir := range libraryDirs {
		at := filepath.Join(dir, name)
		ok, err := exists(at)
		if err != nil {
			return "", fmt.Errorf("look for %s: %w", name, err)
		}
		if ok {
			return at, nil
		}
	}
	return "", fmt.Errorf("look for %s: in none of the library directories", name)
}
