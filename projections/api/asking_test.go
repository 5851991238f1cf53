package api_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

func (w *world) questions() []*v1.Question {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*v1.Question(nil), w.asked...)
}

func TestQuestionIsJournaledBeforeItsAnswer(t *testing.T) {
	w := newWorld(t)
	at := w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")), access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "b"))).String()
	letter := w.append(deadLetter("ehr", "invalid_json")).String()
	w.settle()
	res := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 1} })
	asked := w.questions()
	if len(asked) != 1 {
		t.Fatalf("%d questions journaled", len(asked))
	}
	q := asked[0]
	if q.Asker != "token:1" || q.Role != proto.RoleInvestigator || q.Query != "WhoViewed" || q.Purpose != "complaint 12" || q.Page != 1 ||
		q.Rows != 3 || q.Position != res.Header.Position || q.Patient.GetValue() != "1" || len(q.Subjects) != 1 || q.AskedUs != w.clock().UnixMicro() {
		t.Errorf("question: %+v", q)
	}
	if text, err := proto.EventIDFromBytes(q.QuestionId); err != nil || text.String() != res.Header.QuestionId {
		t.Errorf("the answer names question %s", res.Header.QuestionId)
	}

	w.mu.Lock()
	w.askFails = errors.New("journal is busy")
	w.mu.Unlock()
	calls := map[string]func() error{
		"WhoViewed": func() error {
			_, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p"}))
			return err
		},
		"WhoViewed of candidates": func() error {
			_, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "nobody", Purpose: "p"}))
			return err
		},
		"ReaderActivity": func() error {
			_, err := w.service.ReaderActivity(w.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{Reader: "a", Purpose: "p"}))
			return err
		},
		"GetEvent": func() error {
			_, err := w.service.GetEvent(w.ctx(), connect.NewRequest(&v1.GetEventRequest{Event: at, Purpose: "p"}))
			return err
		},
		"SearchAccesses": func() error {
			_, err := w.service.SearchAccesses(w.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{Source: "ehr", Purpose: "p"}))
			return err
		},
		"GetDeadLetter": func() error {
			_, err := w.service.GetDeadLetter(w.ctx(), connect.NewRequest(&v1.GetDeadLetterRequest{DeadLetter: letter, Purpose: "p"}))
			return err
		},
		"ListDeadLetters": func() error {
			_, err := w.service.ListDeadLetters(w.ctx(), connect.NewRequest(&v1.ListDeadLettersRequest{}))
			return err
		},
		"ListSources": func() error {
			_, err := w.service.ListSources(w.ctx(), connect.NewRequest(&v1.ListSourcesRequest{}))
			return err
		},
	}
	for name, call := range calls {
		if err := call(); connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("%s answers although its question is not on disk: %v", name, err)
		}
	}
	w.mu.Lock()
	w.askFails = nil
	w.mu.Unlock()
	for name, call := range calls {
		before := len(w.questions())
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(w.questions()) != before+1 {
			t.Errorf("%s journals %d questions", name, len(w.questions())-before)
		}
	}
}

func TestPagesAndRefreshesAreOneQuestion(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.append(access("ehr", begin.Add(time.Duration(i)*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")))
	}
	w.settle()
	page := func(token string) *v1.WhoViewedResponse {
		return w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 1, Token: token} })
	}
	first := page("")
	second := page(first.NextPageToken)
	w.pass(14 * time.Minute)
	refresh := page("")
	if first.Header.QuestionId != second.Header.QuestionId || first.Header.QuestionId != refresh.Header.QuestionId {
		t.Error("pages and refreshes within 15 minutes are not one question")
	}
	if asked := w.questions(); asked[1].Page != 2 || asked[2].Page != 3 {
		t.Errorf("pages: %d, %d", asked[1].Page, asked[2].Page)
	}
	w.pass(time.Minute)
	if late := page(""); late.Header.QuestionId == first.Header.QuestionId {
		t.Error("a question lasts longer than 15 minutes")
	}
	other := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.Purpose = "another" })
	if _, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{
		Patient: "1", Purpose: "complaint 12", QuestionId: other.Header.QuestionId,
	})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("the id of another purpose is taken: %v", err)
	}
	foreign := as(t.Context(), "token:2", proto.RoleInvestigator)
	if _, err := w.service.WhoViewed(foreign, connect.NewRequest(&v1.WhoViewedRequest{
		Patient: "1", Purpose: "another", QuestionId: other.Header.QuestionId,
	})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("the id of another asker is taken: %v", err)
	}
}

func TestLooksAreListedApart(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")), patientFact("ehr", "1", "", []*v1.Identifier{id("urn:mrn", "1")}))
	w.settle()
	if looks := w.whoViewed("Patient/1").Looks; len(looks) > 0 {
		t.Fatalf("looks before anybody looked: %v", looks)
	}
	w.settle()
	w.pass(time.Minute)
	if _, err := w.service.ReaderActivity(as(t.Context(), "os:eve", proto.RolePrivacyOfficer), connect.NewRequest(&v1.ReaderActivityRequest{Reader: "a", Purpose: "audit"})); err != nil {
		t.Fatal(err)
	}
	w.settle()
	res := w.whoViewed("urn:mrn|1")
	if len(res.Looks) != 2 || res.Totals.Accesses != 1 || res.Totals.Readers != 1 {
		t.Fatalf("looks %v, totals %v", res.Looks, res.Totals)
	}
	if l := res.Looks[0]; l.Asker != "os:eve" || l.Query != "ReaderActivity" || l.Purpose != "audit" || l.Rows != 1 {
		t.Errorf("newest look: %v", l)
	}
	if l := res.Looks[1]; l.Asker != "token:1" || l.Query != "WhoViewed" || l.Pages != 1 {
		t.Errorf("oldest look: %v", l)
	}
}

// TestLooksAreAllCounted: more looks than are listed are told, to the last one.
func TestLooksAreAllCounted(t *testing.T) {
	w := newWorld(t)
	const looks = 450
	items := make([]*v1.Item, 0, 2*looks)
	for i := range looks {
		question := make([]byte, 20)
		binary.BigEndian.PutUint32(question, uint32(200_000_000+i))
		for page := range 2 {
			items = append(items, &v1.Item{Body: &v1.Item_Question{Question: &v1.Question{
				QuestionId: question, Asker: "token:1", Role: proto.RoleInvestigator, Query: "WhoViewed", Purpose: "p", Page: uint32(page + 1),
				Patient: id("urn:mrn", "1"), Subjects: []*v1.Identifier{id("urn:mrn", "1"), id("urn:mrn", "2")}, AskedUs: begin.UnixMicro(),
			}}})
		}
	}
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")))
	w.append(items...)
	w.settle()
	res := w.whoViewed("urn:mrn|1")
	if len(res.Looks) != 200 || res.LooksTotal != looks || !hasNote(res.Header, "The latest 200 of 450 looks") {
		t.Errorf("%d looks listed, %d in all, notes %v", len(res.Looks), res.LooksTotal, res.Header.Notes)
	}
}

// TestLooksAreWhatTheirColumnsSay: what is packed says the same as the columns that ClickHouse adds up, whatever stands in them.
func TestLooksAreWhatTheirColumnsSay(t *testing.T) {
	w := newWorld(t)
	const system, value = "urn:mrn", "1'\\"
	w.append(access("ehr", begin, id(system, value), id("urn:staff", "a")))
	for i, text := range []string{"", "a \x1f b", "\x1eu\x1f\x1er", "ü\n\t\\'", strings.Repeat("x", 500)} {
		question := binary.BigEndian.AppendUint32(nil, uint32(200_000_000+i))
		w.append(&v1.Item{Body: &v1.Item_Question{Question: &v1.Question{
			QuestionId: append(question, make([]byte, 16)...), Asker: "os:" + text, Role: text, Query: text, Purpose: text, Page: 1, Rows: 1<<64 - 1 - uint64(i),
			Patient: id(system, value), Subjects: []*v1.Identifier{id(system, value), id("urn:mrn", "2")}, AskedUs: begin.UnixMicro() - int64(i),
		}}})
	}
	w.settle()
	ask := func(rows int) []*v1.Look {
		w.service.SetBounds(1000, rows)
		res := w.whoViewed(system + "|" + value)
		return slices.DeleteFunc(res.Looks, func(l *v1.Look) bool { return l.Asker == "token:1" })
	}
	packed, columns := ask(1000), ask(1)
	if len(packed) != 5 || !slices.EqualFunc(packed, columns, func(a, b *v1.Look) bool { return pb.Equal(a, b) }) {
		t.Errorf("looks as they are packed:\n%v\nby their columns:\n%v", packed, columns)
	}
}

func TestSummariesOfAnswersThatNameNobody(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, nil, nil))
	w.settle()
	ctx := as(t.Context(), "token:9", proto.RoleViewer)
	list := func() {
		t.Helper()
		if _, err := w.service.ListSources(ctx, connect.NewRequest(&v1.ListSourcesRequest{})); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		list()
	}
	if asked := w.questions(); len(asked) != 1 || !asked[0].Summary || asked[0].Rows != 1 || asked[0].Asker != "token:9" {
		t.Fatalf("the first of an hour: %v", asked)
	}
	if err := w.service.FlushSummaries(t.Context()); err != nil || len(w.questions()) != 1 {
		t.Fatalf("an hour that goes on is flushed: %v", err)
	}
	w.pass(time.Hour)
	if err := w.service.FlushSummaries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked := w.questions(); len(asked) != 2 || asked[1].Rows != 3 || !asked[1].Summary {
		t.Fatalf("the rest of the hour: %v", asked)
	}
	list()
	list()
	if err := w.service.FlushSummaries(t.Context()); err != nil || len(w.questions()) != 3 {
		t.Fatalf("the next hour: %v, %d", err, len(w.questions()))
	}
	t.Cleanup(func() {})
}

func TestCloseJournalsWhatIsPending(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, nil, nil))
	w.settle()
	other, err := api.New(w.config())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := other.ListSources(w.ctx(), connect.NewRequest(&v1.ListSourcesRequest{})); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked := w.questions(); len(asked) != 2 || asked[0].Rows+asked[1].Rows != 3 {
		t.Errorf("questions: %v", asked)
	}
}

func TestWhoMayAsk(t *testing.T) {
	w := newWorld(t)
	who := func(ctx context.Context) error {
		_, err := w.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p"}))
		return err
	}
	status := func(ctx context.Context) error {
		_, err := w.service.GetStatus(ctx, connect.NewRequest(&v1.GetStatusRequest{}))
		return err
	}
	w.append(access("ehr", begin, nil, nil))
	w.settle()
	for name, tt := range map[string]struct {
		ctx         context.Context
		who, status connect.Code
	}{
		"nobody":          {t.Context(), connect.CodeUnauthenticated, connect.CodeUnauthenticated},
		"a source":        {proto.WithCaller(t.Context(), proto.Caller{Name: "source:ehr", Source: "ehr"}), connect.CodePermissionDenied, connect.CodePermissionDenied},
		"a viewer":        {as(t.Context(), "token:1", proto.RoleViewer), connect.CodePermissionDenied, 0},
		"an investigator": {as(t.Context(), "token:1", proto.RoleInvestigator), 0, 0},
	} {
		for call, want := range map[string]connect.Code{"who": tt.who, "status": tt.status} {
			err := map[string]func(context.Context) error{"who": who, "status": status}[call](tt.ctx)
			if (err == nil) != (want == 0) || err != nil && connect.CodeOf(err) != want {
				t.Errorf("%s, %s: %v", name, call, err)
			}
		}
	}
}

func TestRequestsAreChecked(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, nil, nil))
	w.settle()
	secret := "S3cret-Name"
	for name, m := range map[string]*v1.WhoViewedRequest{
		"no patient":             {Purpose: "p"},
		"long patient":           {Patient: secret + strings.Repeat("x", 2000), Purpose: "p"},
		"no purpose":             {Patient: secret},
		"blank purpose":          {Patient: secret, Purpose: "  "},
		"long purpose":           {Patient: secret, Purpose: strings.Repeat("ä", 501)},
		"line break in purpose":  {Patient: secret, Purpose: "a\nb"},
		"period upside down":     {Patient: secret, Purpose: "p", FromUs: 2, UntilUs: 1},
		"negative time":          {Patient: secret, Purpose: "p", AsOfUs: -1},
		"page too large":         {Patient: secret, Purpose: "p", Page: &v1.Page{Size: 1001}},
		"unknown zone":           {Patient: secret, Purpose: "p", TimeZone: "Europe/Atlantis"},
		"zone outside":           {Patient: secret, Purpose: "p", TimeZone: "../../etc/passwd"},
		"question id of nothing": {Patient: secret, Purpose: "p", QuestionId: "abc"},
	} {
		_, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(m))
		if connect.CodeOf(err) != connect.CodeInvalidArgument || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: strings.Repeat("ä", 500)})); err != nil {
		t.Errorf("a purpose of 500 characters: %v", err)
	}
}

// TestOverTheWire asks through the Connect handler, as every client does.
func TestOverTheWire(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")))
	w.settle()
	mux := http.NewServeMux()
	mux.Handle(w.service.Handler())
	server := httptest.NewServer(http.HandlerFunc(func(res http.ResponseWriter, req *http.Request) {
		mux.ServeHTTP(res, req.WithContext(as(req.Context(), "token:1", proto.RoleInvestigator)))
	}))
	defer server.Close()
	client := readtrailv1connect.NewQueryServiceClient(server.Client(), server.URL, connect.WithProtoJSON())
	res, err := client.WhoViewed(t.Context(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p"}))
	if err != nil || len(res.Msg.Accesses) != 1 {
		t.Fatalf("%v %v", res, err)
	}
	_, err = client.WhoViewed(t.Context(), connect.NewRequest(&v1.WhoViewedRequest{Patient: strings.Repeat("x", 70<<10), Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("a request of 70 KB: %v", err)
	}
}
