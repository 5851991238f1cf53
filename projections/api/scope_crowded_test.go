package api_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"testing"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestScopeFileOfCrowdedEvents: a list screen names hundreds of patients, and each report of the file carries the verdict on its own one.
func TestScopeFileOfCrowdedEvents(t *testing.T) {
	const patients = 300
	w := newWorld(t)
	verdicts := &v1.Verdicts{Patients: make([]byte, patients), PatientsHigh: make([]byte, patients), Explanations: make([]byte, patients)}
	position := w.append(access("ehr", begin, nil, id("urn:staff", "jo"), func(e *v1.AccessEvent) {
		for n := range patients {
			e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", fmt.Sprint(n))}})
			verdicts.Positions = append(verdicts.Positions, 0)
			verdicts.Patients[n], verdicts.PatientsHigh[n] = byte(n), byte(n>>8)
			verdicts.Verdicts = append(verdicts.Verdicts, byte(1+n%3))
		}
	}))
	verdicts.Positions[0] = uint64(position)
	cause := w.append(registered(&v1.SourceRegistered{Name: "cause"}))
	w.findings.Publish(&v1.Findings{Cause: uint64(cause), Last: true, Day: int32(begin.Unix() / 86_400), AtUs: begin.Add(24 * time.Hour).UnixMicro(), Closed: true, Verdicts: verdicts})
	w.settle()
	var file bytes.Buffer
	w.exportTo(&v1.ExportScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: "p", Format: v1.ExportScopeRequest_FORMAT_CSV}, func(part *v1.ExportScopeResponse) {
		file.Write(part.Data)
	}, 0)
	rows, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(rows) != 1+patients {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	patient, verdict := slices.Index(rows[0], "patient"), slices.Index(rows[0], "verdict")
	for _, row := range rows[1:] {
		var n int
		if _, err := fmt.Sscan(row[patient], &n); err != nil {
			t.Fatal(err)
		}
		if want := []string{"explained", "unexplained", "not assessable"}[n%3]; row[verdict] != want {
			t.Errorf("patient %d: %q, want %q", n, row[verdict], want)
		}
	}
}
