package readback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/projections/api/fhir"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// validatorTimeout covers npm on a slow line: the definitions of R5 are 16 MB.
const validatorTimeout = 5 * time.Minute

// validator collects what is to be validated.
type validator struct {
	t     *testing.T
	lines bytes.Buffer
	n     int
}

// add takes an event as R4 and as R5.
func (v *validator) add(name string, e *v1.AccessEvent) {
	v.t.Helper()
	for version, word := range map[fhir.Version]string{fhir.R4: "R4", fhir.R5: "R5"} {
		v.resource(name, word, emit(v.t, e, version))
	}
}

func (v *validator) resource(name, version string, resource []byte) {
	v.t.Helper()
	line, err := json.Marshal(map[string]any{"name": name, "version": version, "resource": json.RawMessage(resource)})
	if err != nil {
		v.t.Fatalf("%s is no JSON: %v\n%s", name, err, resource)
	}
	v.lines.Write(append(line, '\n'))
	v.n++
}

// run validates with a validator that nobody here wrote (npm fhir, by Lantana), pinned by its lock file.
func (v *validator) run() {
	v.t.Helper()
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				v.t.Fatal(err)
			}
			v.t.Skip(err)
		}
	}
	dir := v.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/validator")); err != nil {
		v.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(v.t.Context(), validatorTimeout)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		v.t.Fatalf("npm ci: %v\n%s", err, out)
	}
	list := filepath.Join(dir, "resources.ndjson")
	if err := os.WriteFile(list, v.lines.Bytes(), 0o600); err != nil {
		v.t.Fatal(err)
	}
	validate := exec.CommandContext(ctx, "node", "validate.mjs", list)
	validate.Dir = dir
	out, err := validate.CombinedOutput()
	if err != nil {
		v.t.Errorf("%v\n%.20000s", err, out)
	}
	v.t.Logf("%d resources: %s", v.n, bytes.TrimSpace(out[max(0, bytes.LastIndexByte(bytes.TrimSpace(out), '\n')):]))
}

// TestValid has what is emitted validated: every AuditEvent of the fixtures and the corpora, and events of every kind that the
// contract allows, as R4 and as R5.
func TestValid(t *testing.T) {
	if testing.Short() {
		t.Skip("installs a validator")
	}
	v := &validator{t: t}
	var events shelf
	fixtures(t, func(name string, data []byte) {
		events = append(events, decode(t, data))
		v.add(name, events[len(events)-1])
	})
	v.addAnswers(events)
	random := rapid.Custom(drawEvent)
	for seed := range 300 {
		v.add("random", random.Example(seed))
	}
	t.Run("corpora", func(t *testing.T) {
		corpus(t, ingesttest.Corpora(t), func(name string, data []byte) { v.add(name, decode(t, data)) })
	})
	v.run()
}
