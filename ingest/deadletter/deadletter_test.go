package deadletter_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/deadletter"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// pending folds the journal as a projection does: dead letters without a successful retry.
func pending(rig *ingesttest.Rig) func(context.Context, deadletter.Query) ([]proto.Position, error) {
	return func(_ context.Context, q deadletter.Query) ([]proto.Position, error) {
		retried := map[uint64]bool{}
		kept := rig.Kept()
		for _, k := range kept {
			if r := k.Item.GetDeadLetterRetried(); r != nil && r.EventId != nil {
				retried[r.DeadLetterPosition] = true
			}
		}
		var out []proto.Position
		for _, k := range kept {
			letter := k.Item.GetDeadLetter()
			switch {
			case letter == nil, retried[uint64(k.Position)], k.Position <= q.After, len(out) == q.Limit:
			case q.Positions != nil && !slices.Contains(q.Positions, k.Position):
			case q.Source != "" && q.Source != letter.Source, q.Reason != "" && q.Reason != letter.Reason:
			default:
				out = append(out, k.Position)
			}
		}
		return out, nil
	}
}

type fixture struct {
	*ingesttest.Rig
	t       *testing.T
	service *deadletter.Service
	ctx     context.Context
}

func newFixture(t *testing.T, decoders map[importer.Form]importer.Decoder) *fixture {
	t.Helper()
	f := &fixture{Rig: ingesttest.Open(t), t: t}
	var err error
	f.service, err = deadletter.New(deadletter.Config{
		Intake: f.Intake, Source: ingesttest.Sources, Pending: pending(f.Rig), Locate: f.Journal.Locate, ReadBatch: f.Journal.ReadBatch,
		Decoders: decoders,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.ctx = proto.WithCaller(t.Context(), proto.Caller{Name: "token:1", Role: proto.RoleAdministrator})
	return f
}

// keep keeps bytes as a dead letter, as if an adapter of long ago could not read them.
func (f *fixture) keep(source, format, original string) string {
	f.t.Helper()
	return f.keepFor(ingest.ReasonUnsupportedFormat, source, format, original)
}

func (f *fixture) keepFor(reason, source, format, original string) string {
	f.t.Helper()
	letter := ingest.DeadLetter(ingesttest.Source(source), ingest.Fault{
		Err: &ingest.DecodeError{Reason: reason, Message: "not yet"}, Original: []byte(original), Format: format,
	})
	if _, _, err := f.Intake.Submit(f.t.Context(), ingesttest.Source(source), []ingest.Entry{letter}, ingest.Options{}); err != nil {
		f.t.Fatal(err)
	}
	return letter.ID.String()
}

func (f *fixture) retry(req *v1.RetryDeadLettersRequest) *v1.RetryDeadLettersResponse {
	f.t.Helper()
	res, err := f.service.RetryDeadLetters(f.ctx, connect.NewRequest(req))
	if err != nil {
		f.t.Fatal(err)
	}
	return res.Msg
}

const event = `{"resourceType":"AuditEvent","id":"%s","recorded":"2026-01-01T00:00:00Z"}`

// What could be read of a damaged document may look whole and be wrong.
func TestDamagedIsNotRetried(t *testing.T) {
	f := newFixture(t, nil)
	f.keepFor(importer.ReasonDamaged, "ehr", "json", fmt.Sprintf(event, "1"))
	if got := f.retry(&v1.RetryDeadLettersRequest{}); got.Tried != 1 || got.FailedAgain != 1 || len(f.Kept()) != 1 {
		t.Errorf("%v, %d items", got, len(f.Kept()))
	}
}

func TestRetry(t *testing.T) {
	f := newFixture(t, nil)
	f.keep("ehr", "fhir", fmt.Sprintf(event, "1"))
	bundle := f.keep("ehr", "", `{"resourceType":"Bundle","entry":[{"resource":`+fmt.Sprintf(event, "2")+`},{"resource":`+fmt.Sprintf(event, "3")+`}]}`)
	f.keep("ehr", "fhir", `{"resourceType":"AuditEvent"}`)
	f.keep("ehr", "xml", `<AuditMessage/>`)
	f.keep("unknown", "fhir", fmt.Sprintf(event, "4"))
	if got := f.retry(&v1.RetryDeadLettersRequest{DeadLetters: []string{bundle}}); got.Tried != 1 || got.Stored != 2 {
		t.Errorf("one by id: %v", got)
	}
	got := f.retry(&v1.RetryDeadLettersRequest{})
	if got.Tried != 4 || got.Stored != 1 || got.FailedAgain != 3 {
		t.Errorf("all: %v", got)
	}
	items := len(f.Kept())
	if got := f.retry(&v1.RetryDeadLettersRequest{DeadLetters: []string{bundle}}); got.Tried != 0 {
		t.Errorf("again by id: %v", got)
	}
	// What fails as it failed before leaves nothing new; what fails otherwise was said once already.
	if got := f.retry(&v1.RetryDeadLettersRequest{Source: "ehr"}); got.Stored+got.Duplicates != 0 || got.FailedAgain != 2 {
		t.Errorf("again: %v", got)
	}
	if more := len(f.Kept()) - items; more > 1 {
		t.Errorf("a second retry left %d items", more)
	}
	for _, k := range f.Kept() {
		r := k.Item.GetDeadLetterRetried()
		if r == nil || r.EventId == nil {
			continue
		}
		id, err := proto.EventIDFromBytes(r.EventId)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok, err := f.Journal.Locate(t.Context(), id); err != nil || !ok || uint64(at) != r.Position || r.Asker != "token:1" {
			t.Errorf("the mark points to %d, the event stands at %d", r.Position, at)
		}
	}
}

// TestCrashBetween: the events are kept and the mark is not; the next retry finds duplicates and marks them.
func TestCrashBetween(t *testing.T) {
	f := newFixture(t, nil)
	f.keep("ehr", "fhir", fmt.Sprintf(event, "1"))
	f.Fail = func(entries []ingest.Entry) error {
		if entries[0].Item.GetDeadLetterRetried() != nil {
			return ingest.ErrBusy
		}
		return nil
	}
	if _, err := f.service.RetryDeadLetters(f.ctx, connect.NewRequest(&v1.RetryDeadLettersRequest{})); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Fatalf("got %v", err)
	}
	f.Fail = nil
	if got := f.retry(&v1.RetryDeadLettersRequest{}); got.Tried != 1 || got.Duplicates != 1 || got.Stored != 0 {
		t.Errorf("%v", got)
	}
	if got := f.retry(&v1.RetryDeadLettersRequest{}); got.Tried != 0 {
		t.Errorf("%v", got)
	}
}

// TestTransactionStaysWhole: half of a transaction that was refused is not let in later.
func TestTransactionStaysWhole(t *testing.T) {
	f := newFixture(t, nil)
	h, err := fhir.NewHandler(fhir.Config{Intake: f.Intake, Source: ingesttest.Sources})
	if err != nil {
		t.Fatal(err)
	}
	body := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + fmt.Sprintf(event, "1") + `},{"resource":{"resourceType":"AuditEvent"}}]}`
	post(f.ctx, h, body)
	if got := f.retry(&v1.RetryDeadLettersRequest{}); got.Tried != 1 || got.FailedAgain != 1 || got.Stored != 0 {
		t.Errorf("%v", got)
	}
}

// only is an Appender that sees how entries are appended.
type only struct {
	ingest.Appender
	seen func(entries []ingest.Entry, opts ingest.Options)
}

func (o only) Append(ctx context.Context, entries []ingest.Entry, opts ingest.Options) ([]ingest.Result, error) {
	o.seen(entries, opts)
	return o.Appender.Append(ctx, entries, opts)
}

// TestTransactionIsAtomic: a transaction that limits refused, and that does not any more, is kept in one batch.
func TestTransactionIsAtomic(t *testing.T) {
	f := newFixture(t, nil)
	body := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + fmt.Sprintf(event, "1") + `},{"resource":` +
		strings.Replace(fmt.Sprintf(event, "2"), `"id"`, `"x":`+strings.Repeat("[", 8)+strings.Repeat("]", 8)+`,"id"`, 1) + `}]}`
	h, err := fhir.NewHandler(fhir.Config{Intake: f.Intake, Source: ingesttest.Sources, Limits: fhir.Limits{Depth: 8}})
	if err != nil {
		t.Fatal(err)
	}
	if status := send(f.ctx, h, http.MethodPost, "/fhir", body); status != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d", status)
	}
	atomic := false
	intake, err := ingest.NewIntake(ingest.IntakeConfig{Appender: only{f.Journal, func(entries []ingest.Entry, opts ingest.Options) {
		if len(entries) == 2 {
			atomic = opts.Atomic
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	f.service, err = deadletter.New(deadletter.Config{
		Intake: intake, Source: ingesttest.Sources, Pending: pending(f.Rig), Locate: f.Journal.Locate, ReadBatch: f.Journal.ReadBatch,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.retry(&v1.RetryDeadLettersRequest{}); got.Stored != 2 || !atomic {
		t.Errorf("%v, atomic %v", got, atomic)
	}
}

// TestSameVerdict: a retry takes nothing that sending the same to the same address would not, and takes what it would.
func TestSameVerdict(t *testing.T) {
	deep := `"x":` + strings.Repeat("[", 8) + strings.Repeat("]", 8)
	entry := func(method, url, resource string) string {
		return `{"resourceType":"Bundle","type":"%s","entry":[{"resource":` + resource + `,"request":{"method":"` + method + `","url":"` + url + `"}}]}`
	}
	for _, tt := range []struct {
		name, method, path, body string
		stored                   uint64
	}{
		{"another id", http.MethodPut, "/fhir/Patient/other", `{"resourceType":"Patient","id":"zz"}`, 0},
		{"another id, too deep", http.MethodPut, "/fhir/Patient/other", `{"resourceType":"Patient","id":"zz",` + deep + `}`, 0},
		{"another type", http.MethodPost, "/fhir/Patient", `{"resourceType":"Person","id":"zz"}`, 0},
		{"the same id, too deep", http.MethodPut, "/fhir/Patient/zz", `{"resourceType":"Patient","id":"zz",` + deep + `}`, 1},
		{"no id, too deep", http.MethodPut, "/fhir/Patient/z%2Fz%22%C3%A9", `{"resourceType":"Patient",` + deep + `}`, 1},
		{"two values", http.MethodPost, "/fhir/AuditEvent", fmt.Sprintf(event, "1") + fmt.Sprintf(event, "2"), 0},
		{"no Bundle", http.MethodPost, "/fhir", `{"resourceType":"Patient","id":"zz"}`, 0},
		{"a long address", http.MethodPut, "/fhir/Patient/" + strings.Repeat("z", 3000), `{"resourceType":"Patient","id":"zz",` + deep + `}`, 0},
		{"a patch in a batch", http.MethodPost, "/fhir", fmt.Sprintf(entry("PATCH", "Patient/zz", `{"resourceType":"Patient","id":"zz"}`), "batch"), 0},
		{"a patch in a transaction", http.MethodPost, "/fhir", fmt.Sprintf(entry("PATCH", "Patient/zz", `{"resourceType":"Patient","id":"zz"}`), "transaction"), 0},
		{"a deep entry of a batch", http.MethodPost, "/fhir", fmt.Sprintf(entry("PUT", "Patient/zz", `{"resourceType":"Patient",`+deep+`}`), "batch"), 1},
		{"a deep entry of a transaction", http.MethodPost, "/fhir", fmt.Sprintf(entry("PUT", "Patient/zz", `{"resourceType":"Patient",`+deep+`}`), "transaction"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			h, err := fhir.NewHandler(fhir.Config{Intake: f.Intake, Source: ingesttest.Sources, Limits: fhir.Limits{Depth: 8}})
			if err != nil {
				t.Fatal(err)
			}
			send(f.ctx, h, tt.method, tt.path, tt.body)
			got := f.retry(&v1.RetryDeadLettersRequest{})
			if got.Tried != 1 || got.Stored != tt.stored || got.FailedAgain != 1-tt.stored {
				t.Errorf("%v", got)
			}
			for _, k := range f.Kept() {
				if letter := k.Item.GetDeadLetter(); letter != nil && strings.Contains(letter.String(), "zz") {
					t.Errorf("the dead letter names somebody: %v", letter)
				}
			}
		})
	}
}

// lines is a decoder that came later: each line is a fact.
type lines struct{}

func (lines) DecodeFile(_ context.Context, src ingest.Source, file importer.File, emit func([]ingest.Entry) error) error {
	text, err := io.ReadAll(file.Body)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		id := proto.NewEventID(proto.EventIdentity{Source: src.Name, Key: []byte(line)})
		fact := &v1.ContextFact{EventId: id.Bytes(), Source: src.Name, ResourceType: "Row", ResourceId: line}
		e := ingest.Entry{Item: &v1.Item{Body: &v1.Item_Context{Context: fact}}, ID: id, Content: proto.HashContent([]byte(line)), Source: src.Name}
		if err := emit([]ingest.Entry{e}); err != nil {
			return err
		}
	}
	return nil
}

func TestAnAdapterThatCameLater(t *testing.T) {
	f := newFixture(t, map[importer.Form]importer.Decoder{importer.FormHL7v2: lines{}})
	f.keep("ehr", "hl7v2", "MSH|a\nPID|b\n")
	f.keep("ehr", "hl7v2", string(bytes.Repeat([]byte("x"), ingest.MaxDeadLetterBytes+1)))
	if got := f.retry(&v1.RetryDeadLettersRequest{}); got.Tried != 2 || got.Stored != 2 || got.FailedAgain != 1 {
		t.Errorf("%v", got)
	}
}

func TestWhoMayRetry(t *testing.T) {
	f := newFixture(t, nil)
	for _, tt := range []struct {
		caller proto.Caller
		want   connect.Code
	}{
		{proto.Caller{}, connect.CodeUnauthenticated},
		{proto.Caller{Name: "token:2", Role: proto.RolePrivacyOfficer}, connect.CodePermissionDenied},
		{proto.Caller{Name: "source:ehr", Source: "ehr"}, connect.CodePermissionDenied},
	} {
		_, err := f.service.RetryDeadLetters(proto.WithCaller(t.Context(), tt.caller), connect.NewRequest(&v1.RetryDeadLettersRequest{}))
		if connect.CodeOf(err) != tt.want {
			t.Errorf("%v, want %v", err, tt.want)
		}
	}
	for _, name := range []string{"x", proto.EventID{1}.String()} {
		_, err := f.service.RetryDeadLetters(f.ctx, connect.NewRequest(&v1.RetryDeadLettersRequest{DeadLetters: []string{name}}))
		if code := connect.CodeOf(err); code != connect.CodeInvalidArgument && code != connect.CodeNotFound {
			t.Errorf("%s got %v", name, err)
		}
	}
}

func post(ctx context.Context, h http.Handler, body string) {
	send(ctx, h, http.MethodPost, "/fhir", body)
}

func send(ctx context.Context, h http.Handler, method, path, body string) int {
	caller := proto.Caller{Name: "source:ehr", Source: "ehr"}
	r := httptest.NewRequestWithContext(proto.WithCaller(ctx, caller), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/fhir+json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
