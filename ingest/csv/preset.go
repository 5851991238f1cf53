package csv

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

//go:embed presets/*.yaml
var presets embed.FS

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// Presets lists the names of the built-in mappings.
func Presets() []string {
	files, err := presets.ReadDir("presets")
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	return out
}

// PresetText returns the YAML of a built-in mapping, to begin one's own with.
func PresetText(name string) ([]byte, error) {
	text, err := presets.ReadFile(path.Join("presets", path.Base(name)+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("no preset has this name: there are %s", strings.Join(Presets(), ", "))
	}
	return text, nil
}

// Preset returns a built-in mapping.
func Preset(name string) (*Mapping, error) {
	text, err := PresetText(name)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Detect returns the preset whose columns the beginning of a file names, the one with the most when several fit. The
// beginning has to hold the header.
func Detect(begin []byte) (*Mapping, bool) {
	begin = bytes.TrimPrefix(begin, []byte(byteOrderMark))
	line, _, _ := bytes.Cut(begin, []byte{'\n'})
	columns := map[string]bool{}
	for name := range strings.SplitSeq(string(bytes.TrimSuffix(line, []byte{'\r'})), string(guessDelimiter(begin, ""))) {
		columns[fold(strings.Trim(strings.TrimSpace(name), `"`))] = true
	}
	var best *Mapping
	for _, name := range Presets() {
		m, err := Preset(name)
		if err != nil || len(m.Detect) == 0 {
			continue
		}
		fits := !slices.ContainsFunc(m.Detect, func(c string) bool { return !columns[fold(c)] })
		if fits && (best == nil || len(m.Detect) > len(best.Detect)) {
			best = m
		}
	}
	return best, best != nil
}

// guessDelimiter returns the delimiter that the first line of text has most of, outside quotes; comma for none.
func guessDelimiter(begin []byte, comment string) byte {
	begin = bytes.TrimPrefix(begin, []byte(byteOrderMark))
	var line []byte
	for {
		var more bool
		line, begin, more = bytes.Cut(begin, []byte{'\n'})
		skip := len(bytes.TrimSpace(line)) == 0 || (comment != "" && bytes.HasPrefix(line, []byte(comment)))
		if !skip || !more {
			break
		}
	}
	counts := map[byte]int{}
	quoted := false
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{'\t', '|', ';'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}
