package csv_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func TestEpic(t *testing.T) {
	rows := []string{
		"5987654321\t77\t2026-03-02 13:45:10\tU1\tWS1\tEMERGENCY\t17\tChart Review\tZ100\t4711\r\n",
		"5987654322\t77\t2026-03-02 13:45\tU1\tWS1\tEMERGENCY\t9\tPatient Lists\t\t\n",
		"5987654323\t78\t3/2/2026 1:45:00 PM\tU2\t\t\"ICU, \"\"North\"\"\"\t20\tPrint AVS\tZ101\tNULL\n",
		"5987654323\t78\t3/2/2026 1:45:00 PM\tU2\t\t\"ICU, \"\"North\"\"\"\t20\tPrint AVS\tZ101\tNULL\n",
		"5987654324\t79\tyesterday\tU2\t\tICU\t20\tPrint AVS\tZ101\t1\n",
		"5987654325\t79\t2026-03-02 13:46:00\tU2\tICU\n",
		"5987654326\t79\t2026-03-02 13:47:00\tU3\t\tbed 5\" wide\t20\tChart Review\tZ102\t1",
	}
	text := "\xef\xbb\xbf" + epicHeader + "\r\n" + strings.Join(rows, "")
	m, ok := csv.Detect([]byte(text))
	if !ok || m.Name != "epic-clarity" {
		t.Fatalf("detected %v", m)
	}
	good, bad := decode(t, m, text)
	if len(good) != 5 || len(bad) != 2 {
		t.Fatalf("%d events, %d dead letters", len(good), len(bad))
	}
	for i, want := range []int{0, 1, 2, 3, 6} {
		if string(good[i].Sealed.Original) != rows[want] {
			t.Errorf("event %d: the original is not the row", i)
		}
	}
	e := good[0].Item.GetAccess()
	want := &v1.AccessEvent{
		EventId: e.EventId, Source: "emr", Format: "csv:epic-clarity", ImportId: []byte("import"),
		OccurredUs: time.Date(2026, 3, 2, 12, 45, 10, 0, time.UTC).UnixMicro(),
		Action:     v1.Action_ACTION_READ, ActionCode: "Chart Review", Type: &v1.Coding{System: "urn:readtrail:epic:metric", Code: "17"},
		Patients:    []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "urn:oid:1.2.3", Value: "Z100"}}}},
		Objects:     []*v1.Object{{Type: "Chart Review"}},
		Encounter:   &v1.Identifier{System: "urn:readtrail:epic:csn", Value: "4711"},
		Reader:      &v1.Reader{Identifiers: []*v1.Identifier{{System: "source:emr", Value: "U1"}}, Department: "EMERGENCY"},
		Workstation: "WS1", Session: "77",
		Extensions: []*v1.Extension{{Name: "ACCESS_INSTANT", Value: "5987654321"}},
	}
	if diff := cmp.Diff(want, e, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	list := good[1].Item.GetAccess()
	if len(list.Patients) != 0 || !cmp.Equal(list.Flags, []string{"occurred_to_the_minute"}) {
		t.Errorf("list screen: %d patients, flags %v", len(list.Patients), list.Flags)
	}
	if d := good[2].Item.GetAccess(); d.Reader.Department != `ICU, "North"` || d.Action != v1.Action_ACTION_PRINT || d.Encounter != nil {
		t.Errorf("quoted row: %v", d)
	}
	if good[2].ID == good[3].ID {
		t.Error("equal rows of one file are one event")
	}
	if good[4].Item.GetAccess().Reader.Department != `bed 5" wide` {
		t.Error("a quote within a field is not text")
	}
	places := []struct {
		line, column uint64
		element      string
	}{{6, 15, "ACCESS_TIME"}, {7, 41, ""}}
	for i, b := range bad {
		l := b.Item.GetDeadLetter()
		if l.Line != places[i].line || l.Column != places[i].column || l.Element != places[i].element || l.Origin != "file.txt" {
			t.Errorf("dead letter %d: %v", i, l)
		}
		if string(b.Sealed.Original) != rows[4+i] {
			t.Errorf("dead letter %d: the original is not the row", i)
		}
	}
}

func TestEpicBreakGlassByPipe(t *testing.T) {
	text := strings.ReplaceAll(epicHeader, "\t", "|") + "|ZC_BTG_REASON.NAME|PAT_BTG_AUDIT.BTG_EXPLANATION\n" +
		"1|2|2026-03-02 13:45:10|U1|WS1|ED|17|Chart Review|Z100|4711|Direct care|\"patient came in | unconscious\nand alone\"\n" +
		"1|2|2026-03-02 13:45:11|U1|WS1|ED|17|Chart Review|Z100|4711||\n"
	m, _ := csv.Detect([]byte(text))
	good, bad := decode(t, m, text)
	if len(good) != 2 || len(bad) != 0 {
		t.Fatalf("%d events, %d dead letters", len(good), len(bad))
	}
	e := good[0].Item.GetAccess()
	if !e.BreakGlass || e.BreakGlassReason.GetCode() != "Direct care" || len(e.Extensions) != 1 {
		t.Errorf("break-glass: %v", e)
	}
	if got := good[0].Sealed.FreeText.GetBreakGlassText(); got != "patient came in | unconscious\nand alone" {
		t.Errorf("text %q", got)
	}
	if good[1].Item.GetAccess().BreakGlass {
		t.Error("break-glass without a reason")
	}
}

func TestContextPresets(t *testing.T) {
	cases := map[string]struct {
		text string
		want []string
	}{
		"hr-staff": {
			"EMPLOYEE_ID;USER_ID;FIRST_NAME;LAST_NAME;DEPARTMENT;JOB_TITLE;START_DATE;END_DATE;EMAIL\nE1;u1;Eva;Huber;ICU;Nurse;2020-01-01;;\n",
			[]string{
				`{"id":"E1","identifier":[{"system":"source:emr","value":"u1"}],"resourceType":"Practitioner","name":[{"family":"Huber","given":["Eva"]}]}`,
				`{"id":"E1/ICU/Nurse","resourceType":"PractitionerRole","code":[{"text":"Nurse"}],"organization":{"display":"ICU"},"period":{"start":"2020-01-01"},"practitioner":{"reference":"Practitioner/E1"}}`,
			},
		},
		"roster": {
			"EMPLOYEE_ID,DEPARTMENT,SHIFT_START,SHIFT_END\nE1,ICU,2026-07-01 07:00,2026-07-01 19:00\n",
			[]string{`{"id":"E1/2026-07-01 07:00","resourceType":"Slot","contained":[{"actor":[{"reference":"Practitioner/E1"},{"display":"ICU"}],"id":"schedule","resourceType":"Schedule"}],"end":"2026-07-01T19:00:00+02:00","schedule":{"reference":"#schedule"},"start":"2026-07-01T07:00:00+02:00","status":"busy"}`},
		},
		"managers": {
			"EMPLOYEE_ID,MANAGER_ID,SINCE\nE1,E7,2023-04-16\n",
			[]string{`{"id":"E1","resourceType":"Manager","manager":{"reference":"Practitioner/E7"},"period":{"start":"2023-04-16"},"practitioner":{"reference":"Practitioner/E1"}}`},
		},
		"vendor-tickets": {
			"TICKET,EMPLOYEE_ID,FIRM,KIND,FROM,UNTIL,PATIENT_ID\nT1,E9,Imaging Ltd,ticket,2026-03-02,2026-03-05,\nT2,E9,,,2026-03-02,2026-03-05,Z1\n",
			[]string{
				`{"id":"T1","resourceType":"VendorTicket","firm":"Imaging Ltd","kind":"ticket","period":{"end":"2026-03-05T00:00:00+01:00","start":"2026-03-02T00:00:00+01:00"},"practitioner":{"reference":"Practitioner/E9"}}`,
				`{"id":"T2","resourceType":"VendorTicket","patient":{"identifier":{"value":"Z1"}},"period":{"end":"2026-03-05T00:00:00+01:00","start":"2026-03-02T00:00:00+01:00"},"practitioner":{"reference":"Practitioner/E9"}}`,
			},
		},
		"badges": {
			"EMPLOYEE_ID,BADGE_IN,BADGE_OUT,SITE\nE1,2026-03-02 06:52,2026-03-02 15:10:30,Main House\nE1,2026-03-03 06:55,,\n",
			[]string{
				`{"id":"E1/2026-03-02 06:52","resourceType":"BadgeStay","location":{"display":"Main House"},"period":{"end":"2026-03-02T15:10:30+01:00","start":"2026-03-02T06:52:00+01:00"},"practitioner":{"reference":"Practitioner/E1"}}`,
				`{"id":"E1/2026-03-03 06:55","resourceType":"BadgeStay","period":{"start":"2026-03-03T06:55:00+01:00"},"practitioner":{"reference":"Practitioner/E1"}}`,
			},
		},
		"watch-list": {
			"LIST\tPATIENT_ID\tOWNER\tREASON\tADDED\nVIP\tZ1\tPrivacy Office\tmayor\t2026-01-01\nVIP\tZ2\t\tmayor\t2026-01-01\n",
			[]string{
				`{"id":"VIP/Z1","resourceType":"WatchListEntry","list":"VIP","owner":"Privacy Office","reason":"mayor","subject":{"identifier":{"system":"urn:oid:1.2.3","value":"Z1"}}}`,
				`{"id":"VIP/Z2","resourceType":"WatchListEntry","list":"VIP","reason":"mayor","subject":{"identifier":{"system":"urn:oid:1.2.3","value":"Z2"}}}`,
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			m, ok := csv.Detect([]byte(tc.text))
			if !ok || m.Name != name {
				t.Fatalf("detected %v", m)
			}
			good, bad := decode(t, m, tc.text)
			if len(bad) > 0 {
				t.Fatalf("dead letter: %v", bad[0].Item.GetDeadLetter())
			}
			var got []string
			for _, e := range good {
				got = append(got, string(e.Item.GetContext().Resource))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCorpus takes the two layouts of the hospital web app: every row is an event.
func TestCorpus(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "corpora", "hospital-web-app-behaviour-csv")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpora beside the repository: %v", err)
	}
	im, err := csv.NewImporter(csv.ImporterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		format string
		rows   int
	}{
		"hospital_behavior_dataset_20250920_164513.csv": {"csv:hospital-web-app-simulated", 5000},
		// SOURCE.md counts line ends; the last row has none.
		"hospital_behavior_dataset_2025-10-17.csv": {"csv:hospital-web-app-logged", 206},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			var originals bytes.Buffer
			actions, ids := map[v1.Action]int{}, map[proto.EventID]bool{}
			rows := 0
			err = im.DecodeFile(t.Context(), emr(t), importer.File{Name: name, Body: bytes.NewReader(content)}, func(entries []ingest.Entry) error {
				for _, e := range entries {
					rows++
					originals.Write(e.Sealed.Original)
					a := e.Item.GetAccess()
					if a == nil {
						t.Fatalf("dead letter: %v", e.Item.GetDeadLetter())
					}
					if a.Format != want.format || a.OccurredUs == 0 || a.Outcome == 0 || proto.ReaderKey(a) == "" || a.NetworkAddress == "" || a.Reader.Role == nil {
						t.Fatalf("row %d: incomplete", rows)
					}
					actions[a.Action]++
					ids[e.ID] = true
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if rows != want.rows || len(ids) != rows {
				t.Errorf("%d rows, %d ids, want %d", rows, len(ids), want.rows)
			}
			_, body, _ := bytes.Cut(content, []byte{'\n'})
			if !bytes.Equal(originals.Bytes(), body) {
				t.Error("the originals together are not the file")
			}
			t.Logf("actions: %v", actions)
		})
	}
}
