package api_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestWhoIsAskedIsVeiled: who is asked as the reader in a case is under inquiry, so whoever reads pseudonyms learns from no step who that
// is, nor the id of an access that they are shown, which may be a hash of who looked at whom; who asks is told.
func TestWhoIsAskedIsVeiled(t *testing.T) {
	h := newHospital(t, 17, 20)
	h.detect(6)
	alert := h.alerts.Messages()[0].AlertId
	caseID := proto.NewEventID(proto.EventIdentity{Source: "case", Key: []byte("one"), Recorded: begin})
	asks := asksOf(1, "oidc:jane.doe")
	asks.GetAsked().Shown = [][]byte{caseID.Bytes()}
	for i, e := range []*v1.CaseEntry{
		{Asker: "os:ada", Role: proto.RolePrivacyOfficer, Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "T", Alerts: [][]byte{alert}, DiscoveredUs: 1}}},
		{Asker: "os:ada", Role: proto.RolePrivacyOfficer, Body: asks.Body},
		{Asker: "oidc:jane.doe", Role: proto.RoleRespondent, Body: answers(1, "I was on call.").Body},
	} {
		e.CaseId, e.Version, e.AtUs = caseID.Bytes(), uint32(i+1), h.clock().UnixMicro()
		h.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}})
	}
	h.settle()
	for who, try := range map[string]struct{ role, purpose string }{
		"a viewer": {proto.RoleViewer, ""}, "an investigator": {proto.RoleInvestigator, "review of the case"},
	} {
		res, err := h.service.GetCase(as(t.Context(), "token:9", try.role), connect.NewRequest(&v1.GetCaseRequest{Case: caseID.String(), Purpose: try.purpose}))
		if err != nil {
			t.Fatal(err)
		}
		steps := res.Msg.Steps
		if len(steps) != 3 || steps[1].Entry.Asker != "os:ada" || steps[2].Entry.GetAnswered().GetQuestion() != 1 {
			t.Fatalf("%s reads the steps %v", who, steps)
		}
		told := steps[1].Entry.GetAsked().To == "oidc:jane.doe" && steps[2].Entry.Asker == "oidc:jane.doe"
		if shown := len(steps[1].Entry.GetAsked().Shown); (shown > 0) != (try.purpose != "") {
			t.Errorf("%s reads the ids of %d shown accesses", who, shown)
		}
		if try.purpose != "" && !told || try.purpose == "" && strings.Contains(res.Msg.String(), "jane.doe") {
			t.Errorf("%s: %v", who, res.Msg)
		}
	}
}

// TestReaderDoesNotTellThePatient: where patients are not disclosed, a reader who is the patient under another system, or by name, goes by
// a pseudonym; one who shares nothing with the patient is named.
func TestReaderDoesNotTellThePatient(t *testing.T) {
	q := newInquiry(t)
	person := func(system, value, name string) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) {
			e.Reader = &v1.Reader{Identifiers: []*v1.Identifier{id(system, value)}, Name: name, Type: v1.ReaderType_READER_TYPE_PERSON}
			e.Patients = []*v1.Patient{
				{Identifiers: []*v1.Identifier{id("urn:mrn", "3"), id("urn:card", "AB-4711")}, Text: "Payne, Max"},
				{Identifiers: []*v1.Identifier{id("urn:mrn", "8")}},
			}
		}
	}
	tries := []struct {
		name  string
		event func(*v1.AccessEvent)
		told  bool
	}{
		{"another system", person("source:portal", "AB-4711", "M."), false},
		{"of the second patient", person("source:portal", "8", "M."), false},
		{"another case and other marks", person("source:portal", " ab 4711", "M."), false},
		{"zeros and a type before it", person("https://his.example/fhir", "Patient/00003", "M."), false},
		{"the name in another order", person("urn:staff", "max7", "Max PAYNE"), false},
		{"the name as identifier", person("urn:staff", "max.payne", "M."), false},
		{"a colleague", person("urn:staff", "max7", "Max Power"), true},
		{"a colleague without a name", person("urn:staff", "33", ""), true},
	}
	var items []*v1.Item
	for i, try := range tries {
		items = append(items, access("portal", begin.Add(time.Duration(5+i)*time.Hour), id("urn:mrn", "3"), id("urn:staff", "x"), try.event))
	}
	q.append(items...)
	q.step("one", "os:ada", opens(1))
	for i, it := range items {
		q.step("one", "os:ada", asksOf(uint32(i+1), fmt.Sprint("oidc:", i), func(a *v1.CaseAsked) { a.Shown = [][]byte{it.GetAccess().EventId} }))
	}
	q.settle()
	for i, try := range tries {
		res, err := questionsOf(respondent(t, fmt.Sprint("oidc:", i)), q.service)
		if err != nil || len(res.Questions) != 1 || len(res.Questions[0].Accesses) != 1 {
			t.Fatal(res, err)
		}
		reader := items[i].GetAccess().Reader
		text, err := protojson.Marshal(res.Questions[0].Accesses[0].Reader)
		if err != nil {
			t.Fatal(err)
		}
		named := strings.Contains(string(text), reader.Identifiers[0].Value) || reader.Name != "" && strings.Contains(string(text), reader.Name)
		if named != try.told || !try.told && !strings.Contains(string(text), "reader ") {
			t.Errorf("%s: the respondent reads %s", try.name, text)
		}
	}
}

// TestLookOfARespondent: the journal keeps each record once, however many accesses show it, and as one that was shown: whoever reads what was
// put to them asked for no patient, and detectors must not judge that they did.
func TestLookOfARespondent(t *testing.T) {
	q := newInquiry(t)
	q.step("one", "os:ada", opens(1))
	for i, to := range []struct {
		name  string
		shown [][]byte
	}{{"oidc:jo", [][]byte{q.events[0], q.events[3]}}, {"oidc:kim", q.events[:1]}, {"oidc:lea", q.events}} {
		q.step("one", "os:ada", asksOf(uint32(i+1), to.name, func(a *v1.CaseAsked) { a.Shown, a.Patients = to.shown, true }))
	}
	q.settle()
	for who, want := range map[string]string{"oidc:jo": "4711", "oidc:kim": "4711", "oidc:lea": "4711 4712"} {
		if _, err := questionsOf(respondent(t, who), q.service); err != nil {
			t.Fatal(err)
		}
		asked := q.asked[len(q.asked)-1]
		var records, subjects []string
		for _, p := range asked.Patients {
			records = append(records, p.Identifiers[0].Value)
		}
		for _, id := range asked.Subjects {
			subjects = append(subjects, id.Value)
		}
		if strings.Join(records, " ") != want || strings.Join(subjects, " ") != want {
			t.Errorf("%s: the look has the records %v and the subjects %v", who, records, subjects)
		}
		if look := proto.QuestionEvent(asked); look.Mode != v1.AccessMode_ACCESS_MODE_INCIDENTAL || look.Action != v1.Action_ACTION_SEARCH {
			t.Errorf("%s was shown the records, and the look says %v, %v", who, look.Action, look.Mode)
		}
	}
}

// wardLists appends lists of a ward, each of so many patients of its own, in one message of the journal, and returns their ids.
func (q *inquiry) wardLists(lists, patients int) (ids [][]byte) {
	first := len(q.messages) * 1_000_000
	items := make([]*v1.Item, lists)
	for i := range items {
		items[i] = access("ehr", begin.Add(time.Duration(first+i)*time.Millisecond), nil, id("urn:staff", "jo"), func(e *v1.AccessEvent) {
			for p := range patients {
				record := id("urn:oid:2.16.840.1.113883.19.5", fmt.Sprintf("%010d", first+i*patients+p))
				e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{record}})
			}
		})
	}
	q.append(items...)
	for _, it := range items {
		ids = append(ids, it.GetAccess().EventId)
	}
	return ids
}

// TestPagesOfQuestionsFitTheJournal: however many patients questions show, what is journaled of a page fits a message of the journal (8 MiB),
// the pages together have every question, and one that would not fit alone says what it leaves out. A page reads a message once.
func TestPagesOfQuestionsFitTheJournal(t *testing.T) {
	q := newInquiry(t)
	q.step("one", "os:ada", opens(1))
	for n := range uint32(20) {
		shown := q.wardLists(50, 100)
		q.step("one", "os:ada", asksOf(n+1, "oidc:jo", func(a *v1.CaseAsked) { a.Shown, a.Patients = shown, true }))
	}
	huge := q.wardLists(50, 1100)
	q.step("one", "os:ada", asksOf(21, "oidc:kim", func(a *v1.CaseAsked) { a.Shown, a.Patients = huge, true }))
	q.settle()
	var mu sync.Mutex
	reads := map[uint64]int{}
	cfg := q.config()
	cfg.ReadBatch = func(ctx context.Context, sequence uint64) (*proto.Batch, error) {
		mu.Lock()
		defer mu.Unlock()
		reads[sequence]++
		return q.readBatch(ctx, sequence)
	}
	service := newService(t, cfg)
	questions, pages := 0, 0
	for token := ""; pages == 0 || token != ""; pages++ {
		clear(reads)
		res, err := questionsOf(respondent(t, "oidc:jo"), service, func(m *v1.MyQuestionsRequest) { m.Page = &v1.Page{Token: token} })
		if err != nil {
			t.Fatal(err)
		}
		if n := protobuf.Size(q.asked[len(q.asked)-1]); n > 5<<20 {
			t.Errorf("page %d comes to a question of %d bytes", pages, n)
		}
		for _, one := range res.Questions {
			questions++
			if want := fmt.Sprintf("Why? %d to oidc:jo", 21-questions); one.Text != want || len(one.Accesses) != 50 {
				t.Errorf("question %d is %q with %d accesses, want %q", questions, one.Text, len(one.Accesses), want)
			}
		}
		for sequence, n := range reads {
			if n > 1 {
				t.Errorf("page %d reads message %d of the journal %d times", pages, sequence, n)
			}
		}
		if res.Waiting != 20 || len(res.Header.Notes) != 0 {
			t.Errorf("page %d: %d wait; %v", pages, res.Waiting, res.Header.Notes)
		}
		token = res.NextPageToken
	}
	if questions != 20 || pages < 2 {
		t.Errorf("%d questions on %d pages", questions, pages)
	}
	res, err := questionsOf(respondent(t, "oidc:kim"), service)
	if err != nil || len(res.Questions) != 1 {
		t.Fatal(res, err)
	}
	n := len(res.Questions[0].Accesses)
	if n == 0 || n == 50 || n+len(res.Header.Notes) != 50 || !strings.Contains(res.Header.Notes[0], fmt.Sprintf("Access %d of question %s is left out", n+1, res.Questions[0].Question)) {
		t.Errorf("a question of 55,000 patients: %d accesses; %v", n, res.Header.Notes)
	}
	if n := protobuf.Size(q.asked[len(q.asked)-1]); n > 5<<20 {
		t.Errorf("it comes to a question of %d bytes", n)
	}
}

// TestAccessThatIsNotFound: an access that is not there just now, as while the index of ids is made anew, takes nothing else away; the answer
// says which is missing, and the others keep their numbers.
func TestAccessThatIsNotFound(t *testing.T) {
	q := newInquiry(t)
	q.step("one", "os:ada", opens(1))
	first := q.step("one", "os:ada", asksOf(1, "oidc:jo", func(a *v1.CaseAsked) { a.Shown = q.events[:2] }))
	q.step("one", "os:ada", asksOf(2, "oidc:jo"))
	q.settle()
	q.mu.Lock()
	delete(q.ids, proto.EventID(q.events[0]))
	q.mu.Unlock()
	res, err := questionsOf(respondent(t, "oidc:jo"), q.service)
	if err != nil || len(res.Questions) != 2 {
		t.Fatal(res, err)
	}
	if a := res.Questions[1].Accesses; len(a) != 1 || a[0].Number != 2 {
		t.Errorf("shown: %v", a)
	}
	if notes := res.Header.Notes; len(notes) != 1 || !strings.Contains(notes[0], "Access 1 of question "+first+" is left out: it is not found") {
		t.Errorf("notes: %v", notes)
	}
}

// TestQuestionThatIsNotProjectedYet: nobody is told that there is no such question to them while it is not known whether there is.
func TestQuestionThatIsNotProjectedYet(t *testing.T) {
	q := newInquiry(t)
	q.step("one", "os:ada", opens(1))
	first, err := proto.ParsePosition(q.step("one", "os:ada", asksOf(1, "oidc:jo")))
	if err != nil {
		t.Fatal(err)
	}
	q.settle()
	cfg := q.config()
	stuck, _ := q.projector.Live()
	cfg.Live = func() (projections.Live, bool) { return stuck, true }
	service := newService(t, cfg)
	jo := respondent(t, "oidc:jo")
	for name, put := range map[string]string{
		"in a case that is known": q.step("one", "os:ada", asksOf(2, "oidc:jo")), "in a new case": func() string {
			q.step("two", "os:ada", opens(2))
			return q.step("two", "os:ada", asksOf(1, "oidc:jo"))
		}(),
	} {
		position, err := proto.ParsePosition(put)
		if err != nil {
			t.Fatal(err)
		}
		if now, found, err := service.QuestionNow(jo, position); connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("%s: %v, %v, %v", name, now, found, err)
		}
	}
	if now, found, err := service.QuestionNow(jo, first); err != nil || !found || now.Number != 1 {
		t.Errorf("one that is known: %v, %v, %v", now, found, err)
	}
}
