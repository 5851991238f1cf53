package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// input is one file to send.
type input struct {
	// path is where it is; "-" is standard input.
	path string
	// name is what the summary calls it: the path as given, or below the directory as given.
	name string
	size int64
	// mapping is the file beside it that says how it is read: vendors.yaml beside vendors.csv; "" where there is none.
	mapping string
}

// skipped is a file in a directory that is no data.
type skipped struct{ name, why string }

// expand turns paths, globs and directories into files. Files named outright are always sent; in directories,
// documentation, licences, schemas and hidden files are left out, and said to be. Context comes before the events of
// the same directory: what is known about care has to stand before the accesses that it explains.
func expand(paths []string) (inputs []input, left []skipped, err error) {
	seen := map[string]bool{}
	add := func(in input) {
		if !seen[in.path] {
			seen[in.path] = true
			inputs = append(inputs, in)
		}
	}
	for _, p := range paths {
		if p == "-" {
			add(input{path: p, name: "standard input", size: -1})
			continue
		}
		matches := []string{p}
		if _, statErr := os.Stat(p); errors.Is(statErr, fs.ErrNotExist) && strings.ContainsAny(p, "*?[") {
			if matches, err = filepath.Glob(p); err != nil {
				return nil, nil, fmt.Errorf("read pattern %s: %w", p, err)
			}
			if len(matches) == 0 {
				return nil, nil, fmt.Errorf("nothing matches %s", p)
			}
		}
		for _, match := range matches {
			found, out, err := expandOne(match)
			if err != nil {
				return nil, nil, err
			}
			left = append(left, out...)
			for _, in := range found {
				add(in)
			}
		}
	}
	return inputs, left, nil
}

func expandOne(path string) (inputs []input, left []skipped, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("find input: %w", err)
	}
	if !info.IsDir() {
		size := info.Size()
		if !info.Mode().IsRegular() {
			size = -1
		}
		return []input{{path: path, name: path, size: size}}, nil, nil
	}
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == path {
			return nil
		}
		if why := noData(d); why != "" {
			left = append(left, skipped{name: p, why: why})
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := os.Stat(p)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		inputs = append(inputs, input{path: p, name: p, size: info.Size(), mapping: mappingBeside(p)})
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("walk directory: %w", err)
	}
	slices.SortStableFunc(inputs, func(a, b input) int {
		if x, y := isEvents(a.path), isEvents(b.path); x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a.path, b.path)
	})
	read := map[string]string{}
	for _, in := range inputs {
		if in.mapping != "" {
			read[in.mapping] = "says how " + filepath.Base(in.path) + " is read"
		}
	}
	for i := range left {
		if why, ok := read[left[i].name]; ok {
			left[i].why = why
		}
	}
	return inputs, left, nil
}

// delimited tells delimited text by its name, gzip allowed, and what it is called without its extension.
func delimited(path string) (stem string, ok bool) {
	if ext := filepath.Ext(path); strings.EqualFold(ext, ".gz") {
		path = strings.TrimSuffix(path, ext)
	}
	ext := filepath.Ext(path)
	switch strings.ToLower(ext) {
	case ".csv", ".tsv", ".tab", ".psv", ".txt":
		return strings.TrimSuffix(path, ext), true
	}
	return "", false
}

// mappingBeside finds the mapping of delimited text in a dataset directory; "" where there is none.
func mappingBeside(path string) string {
	stem, ok := delimited(path)
	if !ok {
		return ""
	}
	for _, ext := range []string{".yaml", ".yml"} {
		if info, err := os.Stat(stem + ext); err == nil && info.Mode().IsRegular() {
			return stem + ext
		}
	}
	return ""
}

// isEvents tells files of events by FHIR's bulk naming.
func isEvents(path string) bool { return strings.HasPrefix(filepath.Base(path), "AuditEvent") }

// noData says why a directory entry is not sent; "" for data.
func noData(d fs.DirEntry) string {
	name := strings.ToLower(d.Name())
	switch {
	case strings.HasPrefix(name, "."):
		return "hidden"
	case d.IsDir() && (strings.HasPrefix(name, "_") || name == "node_modules"):
		return "not data"
	case d.IsDir():
		return ""
	case name == "source.md", strings.HasPrefix(name, "readme"), filepath.Ext(name) == ".md":
		return "documentation"
	case strings.HasPrefix(name, "license"), strings.HasPrefix(name, "licence"), strings.HasPrefix(name, "notice"):
		return "licence"
	case name == "package.json", name == "package-lock.json":
		return "package description"
	case name == "manifest.json":
		return "describes the files beside it"
	case name == "labels.csv":
		return "labels are for evaluation"
	}
	switch filepath.Ext(name) {
	case ".xsd", ".xsl", ".xslt", ".dtd":
		return "schema"
	case ".yml", ".yaml", ".toml":
		return "configuration"
	}
	return ""
}
