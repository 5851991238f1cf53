package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

const (
	exampleRules = "deploy/config/detectors.yaml"
	exampleCases = "detectors/rules/testdata/cases"
)

// runLine runs a command line in this process.
func runLine(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, aside bytes.Buffer
	code = run(context.Background(), args, &out, &aside)
	return code, out.String(), aside.String()
}

// Each of the example's rules fires in a case and stays silent in another, and the cases come out as they say.
func TestExampleRules(t *testing.T) {
	code, out, aside := runLine(t, "detectors", "test", exampleCases, "--rules", exampleRules)
	if code != exitOK {
		t.Fatalf("exit %d: %s\n%s", code, aside, out)
	}
	paths, err := filepath.Glob(exampleCases + "/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	silent := 0
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
		if i < 0 {
			continue
		}
		if !strings.Contains(out, "ok    "+path+"\n") {
			t.Errorf("%s was not run", path)
		}
		want := string(archive.Files[i].Data)
		if strings.HasSuffix(path, "-silent.txtar") {
			silent++
			if want != "nothing\n" {
				t.Errorf("%s: %s", path, want)
			}
			continue
		}
		for line := range strings.Lines(want) {
			name, _, _ := strings.Cut(line, ":")
			fired[name] = true
		}
	}
	code, out, aside = runLine(t, "detectors", "check", exampleRules)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, aside)
	}
	rules := 0
	for line := range strings.Lines(out) {
		if name, _, found := strings.Cut(line, ": "); found && !strings.HasPrefix(line, " ") {
			rules++
			if !fired[name] {
				t.Errorf("no case in which %s fires", name)
			}
		}
	}
	if rules != 5 || silent != rules {
		t.Errorf("%d rules and %d cases of silence", rules, silent)
	}
}

// A case that comes out differently fails, and says in which line.
func TestCaseDiffers(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join(exampleCases, "night-fires.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	hospital, err := os.ReadFile(filepath.Join(exampleCases, "hospital.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(exampleRules)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// Rules that the case brings take the place of those that it is run with; here one fires from two on.
	archive.Files = append(archive.Files, txtar.File{Name: "rules.yaml", Data: bytes.Replace(rules, []byte("{at_least: 1, word: once or twice at night}"),
		[]byte("{at_least: 2, word: twice at night}"), 1)})
	for name, data := range map[string][]byte{"night-fires.txtar": txtar.Format(archive), "hospital.txtar": hospital} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, aside := runLine(t, "detectors", "test", dir, "--rules", exampleRules)
	if code != exitFailed || !strings.Contains(aside, "1 of 1 cases came out differently") {
		t.Errorf("exit %d: %s", code, aside)
	}
	for _, line := range []string{"- NightLookMentalHealth: once or twice at night (Practitioner/pr-2 in Patient/pt-1, 2 March)", "+ nothing"} {
		if !strings.Contains(out, line) {
			t.Errorf("it does not say %q:\n%s", line, out)
		}
	}
}

// A file with a fault is refused by each command that reads it, with the fault's place.
func TestFaultyRules(t *testing.T) {
	rules, err := os.ReadFile(exampleRules)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, bytes.Replace(rules, []byte("patient.vip"), []byte("patient.vpi"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"detectors", "check", path},
		{"detectors", "test", exampleCases, "--rules", path},
		{"evaluate", exampleCases, "--rules", path},
	} {
		code, out, aside := runLine(t, args...)
		if code != exitFailed || out != "" || !strings.Contains(aside, "RunOnPublicPerson: when: line 1, column 23: undefined field 'vpi'") {
			t.Errorf("%s: exit %d: %s%s", args[0], code, aside, out)
		}
	}
}

// A whole dataset judged with the example's rules, twice: what comes out is the same to the byte, and so are the alerts.
func TestEvaluateWithRules(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"hospital.txtar", "employees-fires.txtar"} {
		archive, err := txtar.ParseFile(filepath.Join(exampleCases, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var alerts, findings [2]string
	for i := range alerts {
		file := filepath.Join(t.TempDir(), "alerts.ndjson")
		code, out, aside := runLine(t, "evaluate", dir, "--rules", exampleRules, "--alerts", file)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, aside)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, findings[i], _ = strings.Cut(out, "\nfindings")
		alerts[i] = string(data)
	}
	if !strings.Contains(findings[0], "ManyEmployeeRecords") {
		t.Errorf("no finding of the rule: %s", findings[0])
	}
	if alerts[0] != alerts[1] || findings[0] != findings[1] {
		t.Errorf("two runs differ:\n%s%s\n%s%s", findings[0], alerts[0], findings[1], alerts[1])
	}
}
