package api_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/readtrail/readtrail/projections/api"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func accessReport(t testing.TB, w *world, s *api.Service, names v1.AccessReportRequest_Names, edit ...func(*v1.AccessReportRequest)) *v1.AccessReportResponse {
	t.Helper()
	req := &v1.AccessReportRequest{Patient: "urn:mrn|1", Purpose: "request of the patient", Names: names}
	for _, f := range edit {
		f(req)
	}
	res, err := s.Scopes().AccessReport(w.ctx(), connect.NewRequest(req))
	if err != nil {
		t.Fatal(err)
	}
	return res.Msg
}

// reported is a world with a record that many kinds of readers have looked at.
func reported(t testing.TB) *world {
	w := newWorld(t)
	mrn := id("urn:mrn", "1")
	at := func(n int) time.Time { return begin.Add(-time.Duration(n) * time.Hour) }
	kind := func(k v1.ReaderType) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) { e.Reader.Type = k }
	}
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}), registered(&v1.SourceRegistered{Name: "lab"}))
	w.append(
		access("ehr", at(1), mrn, id("urn:staff", "roe"), func(e *v1.AccessEvent) {
			e.Reader.Department, e.Site, e.Workstation, e.Organization = "Oncology", "North", "WS-9", "General Hospital"
			e.Reader.Role = &v1.Coding{Code: "59058001", Display: "Physician"}
			e.Objects = []*v1.Object{{Type: "Observation"}, {Type: "Observation"}, {Type: "Condition"}}
			e.Purposes = []*v1.Coding{{Code: "TREAT"}}
		}),
		// The same human under a second account.
		access("ehr", at(2), mrn, id("urn:login", "roe2"), func(e *v1.AccessEvent) {
			e.Reader.Identifiers = append(e.Reader.Identifiers, id("urn:staff", "roe"))
			e.BreakGlass = true
		}),
		access("ehr", at(3), mrn, id("urn:staff", "poe"), func(e *v1.AccessEvent) {
			e.Action, e.Outcome = v1.Action_ACTION_PRINT, v1.Outcome_OUTCOME_MINOR_FAILURE
		}),
		access("ehr", at(4), mrn, id("urn:portal", "1"), kind(v1.ReaderType_READER_TYPE_PATIENT)),
		access("ehr", at(5), mrn, id("urn:app", "viewer"), kind(v1.ReaderType_READER_TYPE_APPLICATION)),
		access("ehr", at(6), mrn, id("urn:staff", "moe"), func(e *v1.AccessEvent) {
			e.Action, e.Disclosure = v1.Action_ACTION_DISCLOSE, &v1.Disclosure{RecipientName: "Acme Insurance"}
		}),
		access("ehr", at(7), mrn, nil),
	)
	w.settle()
	return w
}

func TestAccessReportInPlainWords(t *testing.T) {
	w := reported(t)
	res := accessReport(t, w, w.service, v1.AccessReportRequest_NAMES_FULL)
	var got []string
	for _, a := range res.Accesses {
		text := a.Who + " " + a.What + " " + strings.Join(a.Data, " and ")
		for _, mark := range []struct {
			yes  bool
			text string
		}{{a.Emergency, "emergency"}, {a.Failed, "failed"}, {a.Own, "own"}, {a.Recipient != "", "to " + a.Recipient}} {
			if mark.yes {
				text += ", " + mark.text
			}
		}
		got = append(got, text)
	}
	want := []string{
		"Name of roe looked at measurements and laboratory values and diagnoses", "Name of roe2 looked at , emergency",
		"Name of poe printed , failed", "you, or somebody with your access looked at , own", "Name of viewer looked at ",
		"Name of moe passed on , to Acme Insurance", "not named by the system looked at ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	first := res.Accesses[0]
	if first.Role != "Physician" || first.Department != "Oncology" || first.Organization != "General Hospital" ||
		first.Origin != "ehr, at North, workstation WS-9" || !slices.Equal(first.Purposes, []string{"your treatment"}) {
		t.Errorf("first: %v", first)
	}
	for _, part := range []string{"The system ehr has told us of accesses from 2 March 2026, 01:00 until 2 March 2026, 07:00", "The system lab has told us of nothing yet", "not by itself improper"} {
		if !slices.ContainsFunc(res.Notes, func(n string) bool { return strings.Contains(n, part) }) {
			t.Errorf("no note says %q: %v", part, res.Notes)
		}
	}
	if q := w.asked[0]; q.Query != "AccessReport" || q.Patient.Value != "1" || q.Rows != 7 {
		t.Errorf("question: %v", q)
	}
}

// TestAccessReportHidesStaff: without names nothing of a report names a member of staff, whatever field it may be.
func TestAccessReportHidesStaff(t *testing.T) {
	w := reported(t)
	w.whoViewed("urn:mrn|1") // an investigator looks, and types why
	w.settle()
	for _, names := range []v1.AccessReportRequest_Names{v1.AccessReportRequest_NAMES_NONE, v1.AccessReportRequest_NAMES_PSEUDONYM} {
		res := accessReport(t, w, w.service, names)
		if len(res.Accesses) != 7 || len(res.Looks) == 0 || res.Looks[0].Role == "" {
			t.Fatalf("%d accesses, looks %v", len(res.Accesses), res.Looks)
		}
		if res.Accesses[0].Role != "Physician" || res.Accesses[0].Department != "Oncology" {
			t.Errorf("role and department are hidden too: %v", res.Accesses[0])
		}
		text := protojson.Format(res)
		for _, staff := range []string{"roe", "poe", "moe", "WS-9", "token:1", "complaint"} {
			if strings.Contains(text, staff) {
				t.Errorf("%s: the report says %q", names, staff)
			}
		}
	}
}

// TestPseudonymsHoldWithinOneReport: one human has one name on all pages, others have others, and no other report has it.
func TestPseudonymsHoldWithinOneReport(t *testing.T) {
	w := reported(t)
	w.append(access("ehr", begin, id("urn:mrn", "2"), id("urn:staff", "roe")))
	w.settle()
	who := func(res *v1.AccessReportResponse) (out []string) {
		for _, a := range res.Accesses {
			out = append(out, a.Who)
		}
		return out
	}
	var pages []string
	token := ""
	for first := true; first || token != ""; first = false {
		res := accessReport(t, w, w.service, v1.AccessReportRequest_NAMES_PSEUDONYM, func(m *v1.AccessReportRequest) { m.Page = &v1.Page{Size: 1, Token: token} })
		pages, token = append(pages, who(res)...), res.NextPageToken
	}
	if !regexp.MustCompile(`^Person [A-Z2-7]{4}-[A-Z2-7]{4}$`).MatchString(pages[0]) || pages[0] != pages[1] || pages[0] == pages[2] || pages[2] == pages[5] {
		t.Errorf("pages: %v", pages)
	}
	// Journaling the pages moved the journal on: asked again it is another report.
	w.append(access("ehr", begin, id("urn:mrn", "3"), id("urn:staff", "roe")))
	w.settle()
	again := who(accessReport(t, w, w.service, v1.AccessReportRequest_NAMES_PSEUDONYM))
	another := who(accessReport(t, w, w.service, v1.AccessReportRequest_NAMES_PSEUDONYM, func(m *v1.AccessReportRequest) { m.Patient = "urn:mrn|2" }))
	if again[0] == pages[0] || another[0] == again[0] || again[0] != again[1] {
		t.Errorf("reports share names: %v, %v, %v", pages, again, another)
	}
}

func TestAccessReportRefusals(t *testing.T) {
	w := reported(t)
	for want, edit := range map[string]func(*v1.AccessReportRequest){
		"names: none, pseudonym or full": func(m *v1.AccessReportRequest) { m.Names = 0 },
		"purpose: say why":               func(m *v1.AccessReportRequest) { m.Purpose = "" },
		"patient: write it as":           func(m *v1.AccessReportRequest) { m.Patient = "" },
	} {
		req := &v1.AccessReportRequest{Patient: "1", Purpose: "p", Names: v1.AccessReportRequest_NAMES_NONE}
		edit(req)
		_, err := w.service.Scopes().AccessReport(w.ctx(), connect.NewRequest(req))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	w.append(access("lab", begin, id("urn:lab", "1"), nil))
	w.settle()
	res := accessReport(t, w, w.service, v1.AccessReportRequest_NAMES_NONE, func(m *v1.AccessReportRequest) { m.Patient = "1" })
	if len(res.Candidates) != 2 || len(res.Accesses) != 0 {
		t.Errorf("%s", fmt.Sprint(res))
	}
}
