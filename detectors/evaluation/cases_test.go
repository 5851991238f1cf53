package evaluation_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/detectors/evaluation"
)

// TestCasesThatCannotBeRun: each says what is wrong with it, and the others are run all the same. A case that leaves a detector which does
// not exist would never fail.
func TestCasesThatCannotBeRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	look := "-- AuditEvent.ndjson --\n" + event("a1", "Practitioner/1", "Patient/1", "2026-03-16T10:00:00Z")
	for name, text := range map[string]string{
		"a-no-events":   "Nothing.\n-- want --\nnothing\n",
		"b-mistyped":    "only NoRelatoin\n" + look + "-- want --\nnothing\n",
		"c-no-such":     "with gone.txtar\n" + look + "-- want --\nnothing\n",
		"d-good":        "A look of which nothing is known.\nonly NoRelation\n" + look + "-- want --\nnothing\n",
		"e-differs":     "The same, and more is wanted.\nonly NoRelation\n" + look + "-- want --\na1 explained\n",
		"f-custom-only": "only OwnOne\n" + look + "-- rules.yaml --\nrules: [{}]\n-- want --\nnothing\n",
		"g-mistyped":    "with h-shared.txtar\nonly NoRelation\n" + look + "-- wanted --\na1 explained\n",
		"h-shared":      look,
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	err := (&evaluation.TestCommand{Paths: []string{dir}}).Run(t.Context(), &out, decode)
	if !errors.Is(err, evaluation.ErrCases) || !strings.HasPrefix(err.Error(), "6 of 7 ") {
		t.Errorf("%v; want six of seven to fail", err)
	}
	told := out.String()
	for _, want := range []string{
		"FAIL  " + filepath.Join(dir, "a-no-events.txtar") + "\n      no AuditEvent.ndjson", "only NoRelatoin: no detector has that name",
		"gone.txtar: no such file", "ok    " + filepath.Join(dir, "d-good.txtar"), "- a1 explained", "rules.yaml:",
		filepath.Join(dir, "g-mistyped.txtar"),
	} {
		if !strings.Contains(told, want) {
			t.Errorf("nothing says %q:\n%s", want, told)
		}
	}
}
