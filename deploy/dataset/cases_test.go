package dataset_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/ingest/simulate"
)

const caseRoot = "../../detectors/testdata/cases"

// TestCases runs every case file: verdicts, findings and notes have to be what the file says. Notes have to be readable, too.
func TestCases(t *testing.T) {
	t.Parallel()
	paths, err := evaluation.CasePaths([]string{caseRoot})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		name, _ := filepath.Rel(caseRoot, path)
		t.Run(filepath.ToSlash(strings.TrimSuffix(name, ".txtar")), func(t *testing.T) {
			t.Parallel()
			c, err := evaluation.ReadCase(path)
			if err != nil {
				t.Fatal(err)
			}
			if c.About == "" {
				t.Error("the case does not say in words what it shows")
			}
			got, err := c.Run(t.Context(), dataset.Decode)
			if err != nil {
				t.Fatal(err)
			}
			if d := c.Differs(got); d != "" {
				t.Errorf("%s\n%s(see: readtrail detectors test %s)", c.About, d, path)
			}
			if s, fires := strings.CutSuffix(filepath.ToSlash(name), "/fires.txtar"); fires {
				speaks(t, s, c, got)
			}
			for note := range strings.SplitSeq(got.Notes, "\n\n") {
				readable(t, note)
			}
		})
	}
}

// kinds are what each detector and each explanation has a case for.
var kinds = [...]string{"fires", "silent", "boundary", "late"}

// TestEveryDetectorHasCases looks for a folder of each detector; TestCases sees that it speaks in the first of them.
func TestEveryDetectorHasCases(t *testing.T) {
	t.Parallel()
	for _, s := range detectors.Scales() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(caseRoot, s.Name)
			for _, kind := range kinds {
				if _, err := os.Stat(filepath.Join(dir, kind+".txtar")); err != nil {
					t.Errorf("no case for %q: %v", kind, err)
				}
			}
		})
	}
}

// speaks checks that a detector fires in its case, and has its say in an alert of it.
func speaks(t *testing.T, name string, c *evaluation.Case, got evaluation.Outcome) {
	t.Helper()
	if !strings.Contains(got.Lines, "\n"+name+": ") {
		t.Errorf("%s does not fire in its case:\n%s", name, got.Lines)
	}
	if !c.HasNotes() || !got.Spoke[name] {
		t.Errorf("no alert of its case speaks of %s:\n%s", name, got.Notes)
	}
}

// TestEveryExplanationHasCases looks for the folders of explanations, and that each reason explains something in one of them, by a document
// that it names.
func TestEveryExplanationHasCases(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob(caseRoot + "/explanations/*")
	if err != nil || len(dirs) != len(detectors.Reasons()) {
		t.Fatalf("%d folders for %d explanations: %v", len(dirs), len(detectors.Reasons()), err)
	}
	var all strings.Builder
	for _, dir := range dirs {
		for _, kind := range [...]string{"holds", "does-not-hold", "boundary", "late"} {
			text, err := os.ReadFile(filepath.Join(dir, kind+".txtar"))
			if err != nil {
				t.Errorf("no case: %v", err)
			}
			all.Write(text)
		}
	}
	for _, r := range detectors.Reasons() {
		want := " explained: " + r.String() + " ("
		switch r {
		case detectors.ReasonSystem: // what a system does is no look
			continue
		case detectors.ReasonPatient: // the event alone says so
			want = " explained: " + r.String() + "\n"
		}
		if !strings.Contains(all.String(), want) {
			t.Errorf("no case says%s", want)
		}
	}
}

// TestNotes reads every note of a simulated week, also those that nobody would be shown.
func TestNotes(t *testing.T) {
	t.Parallel()
	h, err := simulate.NewHospital(simulate.Config{Seed: 7, Staff: 150, Patients: 600, Days: 7, Incidents: 60})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := h.WriteDataset(t.Context(), simulate.DatasetConfig{Dir: filepath.Join(dir, "week")}); err != nil {
		t.Fatal(err)
	}
	notes := 0
	_, err = evaluation.Run(context.WithoutCancel(t.Context()), evaluation.Config{
		Dir: os.DirFS(filepath.Join(dir, "week")), Decode: dataset.Decode, Queue: detectors.Queue{Budget: 20, Least: 1},
		Clock: func() time.Time { return time.Unix(0, 0) },
		Ranked: func(a *detectors.Alert, _ []string) {
			notes++
			readable(t, a.Note.String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if notes < 20 {
		t.Errorf("%d notes in a week with misuse: the test saw nothing", notes)
	}
}

// sections are what a note has, each of them with something in it.
var sections = [...]string{
	"What happened", "Why it is unusual", "What is usual", "Reasons that were tried", "What would have made it normal", "Evidence",
}

// longest is how many characters a sentence has at the most.
const longest = 220

var (
	detectorCode = regexp.MustCompile(`\bD\d{1,2}\b`)
	bareFigure   = regexp.MustCompile(`(?i)sigma|σ|z-score|\bscore|log[ -]?odds|standard deviation|\bmad\b|p-value|\b\d+\.\d+\b`)
	percentAlone = regexp.MustCompile(`%(?: *of [a-z]+)?`)
	grammar      = regexp.MustCompile(`\bone (records|readers|days|documents|attempts|others)\b|\b(two|three|many) (record|reader|day|document|attempt)\b`)
	// counted: one look has one time, and of none there is nothing to tell.
	counted     = regexp.MustCompile(`\bonce between\b|\bnone times\b`)
	placeholder = regexp.MustCompile(`%!|%[sdvq]\b|<nil>|\{\{|\bTODO\b|\(\)|\b(Patient|Practitioner|PractitionerRole)/`)
	longNumber  = regexp.MustCompile(`\d[\d,]*`)
	// namesOf take names, numbers of records and workstations, dates and times out of a line: what is left has to be words.
	namesOf  = regexp.MustCompile(`\([^()]*\)|\bat workstation \S+|\b\d{1,2} [A-Z][a-z]+ 20\d\d\b|\b\d\d:\d\d\b`)
	sentence = regexp.MustCompile(`[.:;?!](?: |$)`)
)

// readable rejects what a privacy officer who is no programmer could not read.
func readable(t *testing.T, note string) {
	t.Helper()
	if note = strings.TrimSpace(note); note == "" {
		return
	}
	for _, fault := range faults(note) {
		t.Errorf("%s in the note:\n%s", fault, note)
	}
}

func faults(note string) []string {
	var out []string
	fault := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, s := range sections {
		if _, rest, found := strings.Cut(note, "\n"+s+":"); !found || strings.TrimSpace(firstOf(rest, s)) == "" {
			fault("no section %q", s)
		}
	}
	for _, s := range detectors.Scales() {
		if strings.Contains(note, s.Name) && strings.ToLower(s.Name[1:]) != s.Name[1:] {
			fault("the detector %s", s.Name)
		}
	}
	if strings.Contains(strings.ReplaceAll(note, "\n  ", "\n"), "  ") {
		fault("two blanks")
	}
	for line := range strings.Lines(note) {
		line = strings.TrimSpace(line)
		plain := namesOf.ReplaceAllString(line, "")
		for what, bad := range map[string]*regexp.Regexp{
			"a code": detectorCode, "a bare figure": bareFigure, "a bad plural": grammar, "a bad count": counted, "a placeholder": placeholder,
		} {
			if found := bad.FindString(plain + " " + placeholderPart(line)); found != "" {
				fault("%s (%q)", what, found)
			}
		}
		if p := percentAlone.FindString(plain); strings.HasPrefix(p, "%") && !strings.Contains(p, "of") {
			fault("a percentage of nothing")
		}
		for _, n := range longNumber.FindAllString(plain, -1) {
			if len(strings.TrimRight(strings.ReplaceAll(n, ",", ""), "0")) > 3 {
				fault("the number %s", n)
			}
		}
		for _, s := range sentence.Split(line, -1) {
			if len([]rune(s)) > longest {
				fault("a sentence of %d characters", len([]rune(s)))
			}
		}
	}
	return out
}

// placeholderPart is the line as it is, for placeholders and references within brackets.
func placeholderPart(line string) string { return placeholder.FindString(line) }

// firstOf is what stands in a section: all up to the next one.
func firstOf(rest, section string) string {
	if section == "Evidence" {
		return rest
	}
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// TestUnreadable shows that the reader of notes is not blind.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	good := "A title\nWhat happened: A. On Monday 16 March 2026 it was opened at 10:00.\nWhy it is unusual: B.\nWhat is usual: C, 2,140 records.\n" +
		"Reasons that were tried: D.\nWhat would have made it normal: E.\nEvidence:\n  10:00 opened a document of Paul Ward (2400185)"
	if bad := faults(good); len(bad) > 0 {
		t.Fatalf("a good note is rejected: %q", bad)
	}
	for _, bad := range []string{
		"FamilyAccess fired.", "This is D2.", "It is 3 sigma away.", "A z-score of three.", "The score is high.", "It is 97 % likely.", "The log odds are high.",
		"On 2143 days.", "It is 0.25 of all.", "one records", "two record", "opened once between 10:00 and 11:00.", "opened none times.", "He  came.", "It was %!s(MISSING).", "In Patient/4711.", "Somebody (Patient/4711).",
		strings.Repeat("word ", 50) + ".",
	} {
		if len(faults(strings.Replace(good, "B.", bad, 1))) == 0 {
			t.Errorf("nothing is wrong with %q", bad)
		}
	}
	for _, s := range sections {
		if len(faults(strings.Replace(good, "\n"+s+":", "\nSomething else:", 1))) == 0 {
			t.Errorf("nothing is wrong without %q", s)
		}
	}
	if len(faults(strings.Replace(good, "Why it is unusual: B.", "Why it is unusual: ", 1))) == 0 {
		t.Error("nothing is wrong with an empty section")
	}
}
