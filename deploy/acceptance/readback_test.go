package acceptance_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// canary stands in every identifier that this test sends: nothing may log it.
const canary = "canary"

// readBackEvents are how many events the readers find.
const readBackEvents = 12

// auditEvent is one that a source sends, with the blanks and the order of a source's own.
func auditEvent(n int) []byte {
	outcome, document := "0", ""
	if n == 3 {
		outcome = "8"
		document = `, {"what": {"identifier": {"system": "urn:doc", "value": "canary-document"}}, "role": {"code": "4"}}`
	}
	return fmt.Appendf(nil, `{ "outcome":%q,
  "resourceType" : "AuditEvent","id":"e%d",
  "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
  "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
  "action": "R", "recorded": "2026-03-01T10:00:%02d.500+01:00",
  "agent": [{"who": {"identifier": {"system": "urn:staff", "value": "canary-reader-%d"}, "display": "Canary, C."}, "requestor": true,
    "network": {"address": "10.9.8.%d", "type": "2"}}],
  "source": {"observer": {"display": "ehr"}},
  "entity": [{"what": {"reference": "Patient/canary-%d", "identifier": {"system": "urn:mrn", "value": "canary-patient"}}, "role": {"code": "1"}}%s]
}`, outcome, n, n, n, n, n, document)
}

// TestReadBack has FHIR clients that nobody here wrote search, page through and read events, and looks for what was asked in logs
// and metrics.
func TestReadBack(t *testing.T) {
	t.Parallel()
	dir := clientsOf(t, "testdata/readers")
	s := newServer(t)
	address := freeAddress(t)
	s.mustStart("READTRAIL_LISTEN_HTTP="+address, "READTRAIL_LOG_LEVEL=debug")
	one := func(args ...string) string {
		t.Helper()
		out, err := s.run(args...)
		fields := strings.Fields(out)
		if err != nil || len(fields) == 0 {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return fields[len(fields)-1]
	}
	credential := one("sources", "set", "ehr", "--owner", "IT", "--zone", "UTC")
	investigator := one("tokens", "create", "reader", "--role", "investigator")
	viewer := one("tokens", "create", "viewer", "--role", "viewer")
	call := func(method, path, token string, body []byte) (int, http.Header, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/fhir+json")
		req.Header.Set("Purpose-Of-Use", "acceptance")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header, answer
	}
	for n := 1; n <= readBackEvents; n++ {
		status, header, answer := call("POST", "/fhir/AuditEvent", credential, auditEvent(n))
		if status != http.StatusCreated {
			t.Fatalf("event %d: %d %s", n, status, answer)
		}
		// The address that the source is told is where the event is, and its bytes are what was sent.
		where := strings.TrimPrefix(header.Get("Location"), "http://"+address)
		if status, _, answer := call("GET", where, investigator, nil); status != http.StatusOK || !bytes.Contains(answer, []byte("canary-patient")) {
			t.Fatalf("read %s: %d %s", where, status, answer)
		}
		if status, _, answer := call("GET", where+"/$original", investigator, nil); status != http.StatusOK || !bytes.Equal(answer, auditEvent(n)) {
			t.Fatalf("the original of event %d is another: %d\n%s", n, status, answer)
		}
	}
	scripts, err := filepath.Glob(filepath.Join(dir, "*.mjs"))
	if err != nil || len(scripts) != 2 {
		t.Fatalf("scripts %v: %v", scripts, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientsTimeout)
	defer cancel()
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			node := exec.CommandContext(ctx, "node", script)
			node.Env = append(os.Environ(), "BASE=http://"+address, "TOKEN="+investigator, "VIEWER="+viewer, "CREDENTIAL="+credential,
				fmt.Sprint("EVENTS=", readBackEvents))
			if out, err := node.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	// A URL with a semicolon makes net/http say so, a broken one is refused: neither with what is in it.
	call("GET", "/fhir/AuditEvent?date=2026;patient=canary", investigator, nil)
	call("GET", "/fhir/AuditEvent?date=2026&patient=canary%zz", investigator, nil)
	_, _, metrics := call("GET", "/metrics", investigator, nil)
	if !regexp.MustCompile(`answer_seconds_count\{code="ok",query="SearchEvents"\} [1-9]`).Match(metrics) {
		t.Errorf("the searches are in no metric")
	}
	if bytes.Contains(metrics, []byte(canary)) {
		t.Error("a metric names who was searched for")
	}
	s.stop()
	if log := strings.ToLower(s.log.String()); strings.Contains(log, canary) || !strings.Contains(log, "journal is open") {
		t.Errorf("the log names who was searched for, or is none:\n%s", tail(log))
	}
}
