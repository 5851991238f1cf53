package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/proto"
)

// statedLimits is a line of the limits file.
type statedLimits struct {
	Sites       []string `yaml:"sites"`
	Departments []string `yaml:"departments"`
	Everything  bool     `yaml:"everything"`
}

// errLimits refuses a line of the file; it repeats nothing of it.
var errLimits = errors.New(`askers.limits_file: want lines such as "token:<id>": {sites: [North], departments: [Cardiology]}, or {everything: true}`)

// faults are by key.
func (a Askers) faults() map[string]string {
	faults := map[string]string{}
	for key, text := range map[string]string{"askers.limited_roles": a.LimitedRoles, "askers.break_glass_roles": a.BreakGlassRoles} {
		for _, role := range listOf(text) {
			if !slices.Contains(proto.Roles(), role) {
				faults[key] = "want roles with commas: " + strings.Join(proto.Roles(), ", ")
			}
		}
	}
	if slices.Contains(listOf(a.BreakGlassRoles), proto.RoleRespondent) {
		faults["askers.break_glass_roles"] = "respondents break no glass: they see what they are asked"
	}
	if a.BreakGlassValid < time.Minute || a.BreakGlassValid > maxGlassValid {
		faults["askers.break_glass_valid"] = "want 1m to 8h: it is for what cannot wait"
	}
	return faults
}

// maxGlassValid is a working day: whoever needs more needs other limits.
const maxGlassValid = 8 * time.Hour

// GlassRoles are the roles that may break the glass.
func (a Askers) GlassRoles() []string { return listOf(a.BreakGlassRoles) }

// listOf reads a list with commas.
func listOf(text string) (list []string) {
	for value := range strings.SplitSeq(text, ",") {
		if value = strings.TrimSpace(value); value != "" {
			list = append(list, value)
		}
	}
	return list
}

// Limits reads the file and returns a function that says what a caller may see accesses of: what the file states of them, else what the
// identity provider does; of whom neither says anything, nothing where their role is a limited one, else everything.
func (a Askers) Limits() (func(proto.Caller) proto.Limits, error) {
	listed, err := a.limitsFile()
	if err != nil {
		return nil, err
	}
	limited := listOf(a.LimitedRoles)
	return func(c proto.Caller) proto.Limits {
		if l, stated := listed[c.Name]; stated {
			return l
		}
		if c.Limits.Limited() {
			return c.Limits
		}
		return proto.Limits{Nothing: slices.Contains(limited, c.Role) && !c.Unlimited}
	}, nil
}

// limitsFile is what the file states, by asker.
func (a Askers) limitsFile() (map[string]proto.Limits, error) {
	if a.LimitsFile == "" {
		return map[string]proto.Limits{}, nil
	}
	text, err := os.ReadFile(a.LimitsFile)
	if err != nil {
		return nil, fmt.Errorf("read askers.limits_file: %w", err)
	}
	return parseLimits(text)
}

// Names are the askers that the files name, each once, in order.
func (a Askers) Names() ([]string, error) {
	readers, err := a.readersFile()
	if err != nil {
		return nil, err
	}
	limits, err := a.limitsFile()
	if err != nil {
		return nil, err
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(readers)), maps.Keys(limits))
	slices.Sort(names)
	return slices.Compact(names), nil
}

func parseLimits(text []byte) (map[string]proto.Limits, error) {
	var lines map[string]statedLimits
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(&lines); err != nil || len(lines) == 0 {
		return nil, errLimits // the library's error may repeat a line, which names somebody
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errLimits // who stands behind the document's end would see everything
	}
	listed := make(map[string]proto.Limits, len(lines))
	for asker, stated := range lines {
		kind, name, ok := strings.Cut(asker, ":")
		if !ok || !proto.VisibleName(name) || kind != "token" && kind != "oidc" && kind != "os" {
			return nil, errLimits
		}
		if stated.Sites != nil && len(stated.Sites) == 0 || stated.Departments != nil && len(stated.Departments) == 0 {
			return nil, errLimits // "no site" would mean any
		}
		some := len(stated.Sites)+len(stated.Departments) > 0
		blank := func(x string) bool { return strings.TrimSpace(x) == "" }
		if some == stated.Everything || slices.ContainsFunc(stated.Sites, blank) || slices.ContainsFunc(stated.Departments, blank) {
			return nil, errLimits
		}
		listed[asker] = proto.Limits{Sites: stated.Sites, Departments: stated.Departments}
	}
	return listed, nil
}
