package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Askers says which readers of records the people who ask are.
type Askers struct {
	ReadersFile string `yaml:"readers_file"`
	KnownOnly   bool   `yaml:"known_only"`
	// LimitsFile says which sites and departments they may see accesses of.
	LimitsFile string `yaml:"limits_file"`
	// LimitedRoles, with commas, are the roles whose people see nothing until somebody stated what they may see.
	LimitedRoles string `yaml:"limited_roles"`
	// BreakGlassRoles, with commas, may break the glass; it lets see for BreakGlassValid.
	BreakGlassRoles string        `yaml:"break_glass_roles"`
	BreakGlassValid time.Duration `yaml:"break_glass_valid"`
}

// errReader refuses a line of the file; it repeats nothing of it.
var errReader = errors.New(`askers.readers_file: want lines such as "token:<id>": ["system|value"]`)

// Readers reads the file and returns a function that says which readers a caller is; false: nobody said.
func (a Askers) Readers() (func(proto.Caller) ([]*v1.Identifier, bool), error) {
	listed, err := a.readersFile()
	if err != nil {
		return nil, err
	}
	return func(c proto.Caller) ([]*v1.Identifier, bool) {
		readers, known := listed[c.Name]
		if c.Reader.IsZero() {
			return readers, known
		}
		return append([]*v1.Identifier{c.Reader.Reveal()}, readers...), true
	}, nil
}

// readersFile is what the file says, by asker.
func (a Askers) readersFile() (map[string][]*v1.Identifier, error) {
	if a.ReadersFile == "" {
		return map[string][]*v1.Identifier{}, nil
	}
	text, err := os.ReadFile(a.ReadersFile)
	if err != nil {
		return nil, fmt.Errorf("read askers.readers_file: %w", err)
	}
	return parseReaders(text)
}

func parseReaders(text []byte) (map[string][]*v1.Identifier, error) {
	var lines map[string][]string
	if err := yaml.Unmarshal(text, &lines); err != nil {
		return nil, errReader // the library's error may repeat a line, which names somebody
	}
	listed := make(map[string][]*v1.Identifier, len(lines))
	for asker, readers := range lines {
		kind, name, ok := strings.Cut(asker, ":")
		if !ok || !proto.VisibleName(name) || kind != "token" && kind != "oidc" && kind != "os" {
			return nil, errReader
		}
		listed[asker] = nil
		for _, reader := range readers {
			system, value, exact := strings.Cut(reader, "|")
			if !exact {
				system, value = "", reader
			}
			if value == "" || exact && system == "" {
				return nil, errReader
			}
			listed[asker] = append(listed[asker], &v1.Identifier{System: system, Value: value})
		}
	}
	return listed, nil
}
