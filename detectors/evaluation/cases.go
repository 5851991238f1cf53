package evaluation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/rules"
)

// A case is a file that says in words what it shows, then holds a small dataset directory and what has to come out of it:
//
//	A sister without a task: the surname is rare and the address is the same.
//	with ../hospital.txtar
//	-- AuditEvent.ndjson --
//	{"resourceType":"AuditEvent", ...}
//	-- want --
//	ae-1 unexplained
//	FamilyAccess: family by several signs (Practitioner/1 in Patient/1, 2026-03-16)
//	-- notes --
//	Nora Vance (nurse, Cardiology Ward) in the record of Petra Vance (4711)
//	What happened: On Monday ...
//
// A line "with FILE" brings the files of another archive, so that many cases share a hospital. Files of one name are put
// together. Everything that comes out of the case's own events has to be wanted, line by line; of what comes out of events of
// other archives (the everyday work that is the background) only the numbers. Notes are compared where a case holds some. A line
// "only NAME..." leaves the findings of these detectors and no verdicts, so that a case of one detector stays what it is when
// another one changes. A file "rules.yaml" holds custom detectors (package rules) that are tried in the case, "exemptions.yaml" exemptions of a site, of
// which it comes out what each held back.

// Case is one case file.
type Case struct {
	Path  string
	About string
	files txtar.Archive
	want  string
	// only are the detectors whose findings come out; none: all of them, and the verdicts.
	only []string
	// notes are what has to be told; hasNotes: something has to.
	notes    string
	hasNotes bool
	// own are the case's own events, by AuditEvent.id.
	own map[string]bool
	// archive is the file itself, for an update.
	archive *txtar.Archive
	// Custom are detectors that the site wrote; rules in the case take their place.
	Custom []detectors.CustomDetector
	// Numbers are those that a site changed.
	Numbers detectors.Chosen
}

const (
	wantFile   = "want"
	notesFile  = "notes"
	rulesFile  = "rules.yaml"
	exemptFile = "exemptions.yaml"
)

// ReadCase reads a case file and those that it names.
func ReadCase(path string) (*Case, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	c := &Case{Path: path, archive: archive, own: map[string]bool{}}
	if err := c.add(path, archive, 0); err != nil {
		return nil, err
	}
	return c, nil
}

// maxNesting bounds cases that name each other.
const maxNesting = 4

func (c *Case) add(path string, archive *txtar.Archive, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("read case %s: its archives name each other", c.Path)
	}
	var about []string
	for line := range strings.Lines(string(archive.Comment)) {
		if names := onlyNames(line); names != nil && depth == 0 {
			c.only = names
			continue
		}
		other := brings(line)
		if other == "" {
			about = append(about, strings.TrimSpace(line))
			continue
		}
		other = filepath.Join(filepath.Dir(path), other)
		more, err := txtar.ParseFile(other)
		if err != nil {
			return fmt.Errorf("read case: %w", err)
		}
		if err := c.add(other, more, depth+1); err != nil {
			return err
		}
	}
	if depth == 0 {
		c.About = strings.TrimSpace(strings.Join(about, " "))
	}
	for _, f := range archive.Files {
		if f.Name == wantFile || f.Name == notesFile {
			if depth == 0 {
				c.expect(f)
			}
			continue
		}
		if depth == 0 && strings.HasPrefix(f.Name, "AuditEvent") {
			c.owns(f.Data)
		}
		i := slices.IndexFunc(c.files.Files, func(have txtar.File) bool { return have.Name == f.Name })
		if i < 0 {
			c.files.Files = append(c.files.Files, txtar.File{Name: f.Name})
			i = len(c.files.Files) - 1
		}
		c.files.Files[i].Data = append(c.files.Files[i].Data, f.Data...)
	}
	return nil
}

// brings is the archive that a line "with FILE" names; "" for another line.
func brings(line string) string {
	if other, found := strings.CutPrefix(strings.TrimSpace(line), "with "); found && strings.HasSuffix(other, ".txtar") {
		return other
	}
	return ""
}

// onlyNames are the detectors that a line "only NAME..." names; nil for another line.
func onlyNames(line string) []string {
	rest, found := strings.CutPrefix(strings.TrimSpace(line), "only ")
	names := strings.Fields(rest)
	if !found || slices.ContainsFunc(names, func(n string) bool { return n[0] < 'A' || n[0] > 'Z' }) {
		return nil
	}
	return names
}

// checkOnly refuses names that are no detector's: of a name that is mistyped nothing ever comes out, and the case could not fail.
func (c *Case) checkOnly(custom []detectors.CustomDetector) error {
	for _, name := range c.only {
		if !slices.ContainsFunc(detectors.Scales(), func(s detectors.Scale) bool { return s.Name == name }) &&
			!slices.ContainsFunc(custom, func(d detectors.CustomDetector) bool { return d.Custom().Name == name }) {
			return fmt.Errorf("only %s: no detector has that name", name)
		}
	}
	return nil
}

func (c *Case) expect(f txtar.File) {
	if f.Name == wantFile {
		c.want = string(f.Data)
		return
	}
	c.notes, c.hasNotes = string(f.Data), true
}

// owns remembers the events of the case itself.
func (c *Case) owns(lines []byte) {
	for line := range bytes.Lines(lines) {
		var e struct{ ID string }
		if json.Unmarshal(line, &e) == nil && e.ID != "" {
			c.own[e.ID] = true
		}
	}
}

// Outcome is what came out of a case.
type Outcome struct {
	// Lines are verdicts and findings, Notes what the alerts tell.
	Lines, Notes string
	// Spoke names the detectors that speak for an alert.
	Spoke map[string]bool
}

// Run judges the case and returns what came out.
func (c *Case) Run(ctx context.Context, decode Decode) (Outcome, error) {
	dir, err := txtar.FS(&c.files)
	if err != nil {
		return Outcome{}, fmt.Errorf("read case: %w", err)
	}
	f, err := find(dir)
	if err != nil {
		return Outcome{}, err
	}
	zone, err := zoneOf(dir, f.events, func(int) {})
	if err != nil {
		return Outcome{}, err
	}
	custom, err := c.custom()
	if err != nil {
		return Outcome{}, err
	}
	if err := c.checkOnly(custom); err != nil {
		return Outcome{}, err
	}
	exemptions, err := c.exemptions()
	if err != nil {
		return Outcome{}, err
	}
	o := newOutcomes(c.own, zone, c.only)
	report, err := Run(ctx, Config{
		Dir: dir, Zone: zone, Decode: decode, Custom: custom, Numbers: c.Numbers, Exemptions: exemptions,
		Queue: detectors.Queue{Budget: 20, Least: 1, Prior: -1}, Clock: func() time.Time { return time.Unix(0, 0) },
		Judged: o.judged, Found: o.found, Ranked: o.ranked,
	})
	if err != nil {
		return Outcome{}, err
	}
	return o.outcome(report), nil
}

// Differs says what differs from what has to come out; "" is nothing.
func (c *Case) Differs(got Outcome) string {
	out := difference(c.want, got.Lines)
	if c.hasNotes {
		out += difference(c.notes, got.Notes)
	}
	return out
}

// HasNotes reports whether the case says what has to be told.
func (c *Case) HasNotes() bool { return c.hasNotes }

// custom are the rules that the case brings, else those that it is run with.
func (c *Case) custom() ([]detectors.CustomDetector, error) {
	for _, f := range c.files.Files {
		if f.Name != rulesFile {
			continue
		}
		own, err := rules.Parse(f.Data)
		if err != nil {
			return nil, fmt.Errorf("%s:\n%w", rulesFile, err)
		}
		return own.Detectors(), nil
	}
	return c.Custom, nil
}

// exemptions are those that the case brings.
func (c *Case) exemptions() (detectors.Exemptions, error) {
	var file exemptionsFile
	for _, f := range c.files.Files {
		if f.Name != exemptFile {
			continue
		}
		if err := readSection(bytes.NewReader(f.Data), &file); err != nil {
			return nil, fmt.Errorf("%s: %w", exemptFile, err)
		}
	}
	return file.Exemptions, nil // Run says what is wrong with them
}

// Update writes what came out into the case file.
func (c *Case) Update(got Outcome) error {
	c.put(wantFile, got.Lines)
	if c.hasNotes {
		c.put(notesFile, got.Notes)
	}
	if err := os.WriteFile(c.Path, txtar.Format(c.archive), 0o644); err != nil {
		return fmt.Errorf("update case: %w", err)
	}
	return nil
}

func (c *Case) put(name, text string) {
	i := slices.IndexFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		c.archive.Files = append(c.archive.Files, txtar.File{Name: name})
		i = len(c.archive.Files) - 1
	}
	c.archive.Files[i].Data = []byte(text)
}

// CasePaths lists the case files below the paths: those that have something to come out, and those that no other brings in. Else a case whose
// "want" is mistyped would be taken for something that others share, and never fail.
func CasePaths(paths []string) ([]string, error) {
	var out, wantless []string
	shared := map[string]bool{}
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(path) != ".txtar" {
				return err
			}
			archive, err := txtar.ParseFile(path)
			if err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
			for line := range strings.Lines(string(archive.Comment)) {
				if other := brings(line); other != "" {
					shared[filepath.Join(filepath.Dir(path), other)] = true
				}
			}
			if path == root || slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return f.Name == wantFile }) {
				out = append(out, path)
			} else {
				wantless = append(wantless, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find cases: %w", err)
		}
	}
	for _, path := range wantless {
		if !shared[filepath.Clean(path)] {
			out = append(out, path)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no case files (.txtar) there")
	}
	return out, nil
}

// TestCommand is `readtrail detectors test`.
type TestCommand struct {
	Paths  []string `arg:"" help:"Case files (.txtar), or directories of them." type:"existingpath"`
	Rules  string   `help:"Custom detectors to add (YAML), in cases that bring none of their own." type:"existingfile" placeholder:"FILE"`
	Update bool     `help:"Write what came out into the cases. Look at the difference before you keep it."`
}

// ErrCases says that cases came out differently.
var ErrCases = errors.New("cases came out differently")

// Run runs the cases and says which came out differently.
func (c *TestCommand) Run(ctx context.Context, out io.Writer, decode Decode) error {
	paths, err := CasePaths(c.Paths)
	if err != nil {
		return err
	}
	var own []detectors.CustomDetector
	if c.Rules != "" {
		all, err := rules.Load(c.Rules)
		if err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		own = all.Detectors()
	}
	failed := 0
	for _, path := range paths {
		told, err := c.one(ctx, path, own, decode)
		switch {
		case ctx.Err() != nil:
			return ctx.Err() //nolint:wrapcheck // says what failed
		case err != nil: // the others are still worth running
			failed++
			fmt.Fprintf(out, "FAIL  %s\n      %s\n", path, strings.ReplaceAll(err.Error(), "\n", "\n      "))
		default:
			if strings.HasPrefix(told, "FAIL") {
				failed++
			}
			fmt.Fprint(out, told)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d %w", failed, len(paths), ErrCases)
	}
	return nil
}

// one runs a case and tells how it came out.
func (c *TestCommand) one(ctx context.Context, path string, own []detectors.CustomDetector, decode Decode) (string, error) {
	one, err := ReadCase(path)
	if err != nil {
		return "", err
	}
	one.Custom = own
	got, err := one.Run(ctx, decode)
	if err != nil {
		return "", err
	}
	differs := one.Differs(got)
	switch {
	case differs == "":
		return fmt.Sprintf("ok    %s\n", path), nil
	case c.Update:
		if err := one.Update(got); err != nil {
			return "", err
		}
		return fmt.Sprintf("new   %s\n", path), nil
	}
	return fmt.Sprintf("FAIL  %s\n      %s\n%s", path, one.About, differs), nil
}

// difference lists the lines that only one side has, or says that their order differs.
func difference(want, got string) string {
	if want == got {
		return ""
	}
	var b strings.Builder
	wants, gots := strings.Split(strings.TrimSpace(want), "\n"), strings.Split(strings.TrimSpace(got), "\n")
	for _, line := range wants {
		if !slices.Contains(gots, line) {
			fmt.Fprintf(&b, "      - %s\n", line)
		}
	}
	for _, line := range gots {
		if !slices.Contains(wants, line) {
			fmt.Fprintf(&b, "      + %s\n", line)
		}
	}
	if b.Len() == 0 {
		b.WriteString("      the same lines in another order, or more or less often\n")
	}
	return b.String()
}
