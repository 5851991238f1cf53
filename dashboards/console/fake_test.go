package console_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"connectrpc.com/connect"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// fakeAPI is the query API in memory. It asserts what the real one demands of a caller: somebody, of a role that may ask,
// with a purpose. Answers are what a test puts there.
type fakeAPI struct {
	readtrailv1connect.UnimplementedQueryServiceHandler
	readtrailv1connect.UnimplementedAlertServiceHandler
	readtrailv1connect.UnimplementedCaseworkServiceHandler
	readtrailv1connect.UnimplementedScopeServiceHandler
	readtrailv1connect.UnimplementedCaseServiceHandler
	readtrailv1connect.UnimplementedViewServiceHandler
	t *testing.T

	mu      sync.Mutex
	asked   []asked
	record  *v1.WhoViewedResponse
	reader  *v1.ReaderActivityResponse
	profile *v1.ReaderProfileResponse
	event   *v1.GetEventResponse
	found   *v1.SearchAccessesResponse
	sources *v1.ListSourcesResponse
	status  *v1.GetStatusResponse
	dead    *v1.ListDeadLettersResponse
	letter  *v1.GetDeadLetterResponse
	fails   error

	queue    *v1.ListAlertsResponse
	alert    *v1.GetAlertResponse
	mine     bool // the asker has the alert in review
	cases    *v1.ListCasesResponse
	one      *v1.GetCaseResponse
	put      *v1.MyQuestionsResponse
	scope    *v1.BreachScopeResponse
	frozen   *v1.VerifyScopeResponse
	list     *v1.ListFrozenScopesResponse
	compared *v1.CompareScopesResponse
	report   *v1.AccessReportResponse
	parts    []*v1.ExportScopeResponse
	breaks   error // after the parts
	refuses  error // a decision
	// doubt is what a question that is put is answered with.
	doubt    *v1.AddresseeDoubt
	unlisted error // instead of somebody's questions
	views    fakeViews
}

// asked is one question as it reached the API.
type asked struct {
	caller proto.Caller
	query  string
	body   any
	// glass is the broken glass that it was asked under.
	glass string
}

func (f *fakeAPI) note(ctx context.Context, query, purpose string, body any, may func(proto.Caller) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	caller := proto.CallerFrom(ctx)
	f.asked = append(f.asked, asked{caller, query, body, proto.GlassFrom(ctx)})
	switch {
	case f.fails != nil:
		return f.fails
	case caller.Name == "" || caller.Local:
		f.t.Errorf("%s: asked by %+v", query, caller)
		return connect.NewError(connect.CodeUnauthenticated, errors.New("sign in"))
	case !may(caller):
		return connect.NewError(connect.CodePermissionDenied, errors.New("this role may not ask this question"))
	case purpose == "":
		return connect.NewError(connect.CodeInvalidArgument, errors.New("purpose: say why you ask"))
	}
	return nil
}

// questions are those asked so far.
func (f *fakeAPI) questions() []asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]asked(nil), f.asked...)
}

func (f *fakeAPI) WhoViewed(ctx context.Context, req *connect.Request[v1.WhoViewedRequest]) (*connect.Response[v1.WhoViewedResponse], error) {
	if err := f.note(ctx, "WhoViewed", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	if f.record == nil {
		return answerWith(f.record)
	}
	return answerWith(protobuf.CloneOf(f.record)) // whoever asked may change what they got
}

func (f *fakeAPI) ReaderActivity(ctx context.Context, req *connect.Request[v1.ReaderActivityRequest]) (*connect.Response[v1.ReaderActivityResponse], error) {
	if err := f.note(ctx, "ReaderActivity", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.reader)
}

func (f *fakeAPI) ReaderProfile(ctx context.Context, req *connect.Request[v1.ReaderProfileRequest]) (*connect.Response[v1.ReaderProfileResponse], error) {
	if err := f.note(ctx, "ReaderProfile", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.profile)
}

func (f *fakeAPI) GetEvent(ctx context.Context, req *connect.Request[v1.GetEventRequest]) (*connect.Response[v1.GetEventResponse], error) {
	if err := f.note(ctx, "GetEvent", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	if f.event == nil {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("the journal holds no such event"))
	}
	return answerWith(f.event)
}

func (f *fakeAPI) SearchAccesses(ctx context.Context, req *connect.Request[v1.SearchAccessesRequest]) (*connect.Response[v1.SearchAccessesResponse], error) {
	if err := f.note(ctx, "SearchAccesses", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.found)
}

// summary stands for a purpose where an answer names nobody.
const summary = "names nobody"

func anyRole(c proto.Caller) bool { return c.Role != "" }

func (f *fakeAPI) ListSources(ctx context.Context, req *connect.Request[v1.ListSourcesRequest]) (*connect.Response[v1.ListSourcesResponse], error) {
	if err := f.note(ctx, "ListSources", summary, req.Msg, anyRole); err != nil {
		return nil, err
	}
	return answerWith(f.sources)
}

func (f *fakeAPI) GetStatus(ctx context.Context, req *connect.Request[v1.GetStatusRequest]) (*connect.Response[v1.GetStatusResponse], error) {
	if err := f.note(ctx, "GetStatus", summary, req.Msg, anyRole); err != nil {
		return nil, err
	}
	return answerWith(f.status)
}

func (f *fakeAPI) ListDeadLetters(ctx context.Context, req *connect.Request[v1.ListDeadLettersRequest]) (*connect.Response[v1.ListDeadLettersResponse], error) {
	if err := f.note(ctx, "ListDeadLetters", summary, req.Msg, anyRole); err != nil {
		return nil, err
	}
	return answerWith(f.dead)
}

func (f *fakeAPI) GetDeadLetter(ctx context.Context, req *connect.Request[v1.GetDeadLetterRequest]) (*connect.Response[v1.GetDeadLetterResponse], error) {
	if err := f.note(ctx, "GetDeadLetter", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.letter)
}

// answerWith is what a test put there, else an answer that knows nothing.
func answerWith[T any](m *T) (*connect.Response[T], error) {
	if m == nil {
		m = new(T)
	}
	return connect.NewResponse(m), nil
}

func header() *v1.AnswerHeader {
	return &v1.AnswerHeader{
		Position: 40960, JournalPosition: 45056, AsOfUs: 1772438400_000000, TimeZone: "Europe/Vienna", QuestionId: "3MiHKZY0FxvgLoVHHbkHJ3bS4HC",
		Coverage: []*v1.SourceCoverage{{Source: "ehr", Systems: []string{"EHR"}, FirstOccurredUs: 1, LastOccurredUs: 1772438400_000000}},
	}
}

func reader() *v1.ReaderActivityResponse {
	return &v1.ReaderActivityResponse{
		Header: header(), Totals: &v1.ReaderActivityTotals{Accesses: 1, Events: 1, Patients: 1},
		Days: []*v1.DayCount{{Day: "2026-03-02", Accesses: 1, Patients: 1}}, Accesses: record().Accesses,
	}
}

func event() *v1.GetEventResponse {
	return &v1.GetEventResponse{
		Header: header(), Position: 40961, Original: []byte(`{"name":"Uma Ward"}`), MediaType: "application/fhir+json",
		Event: &v1.AccessEvent{Source: "ehr", OccurredUs: 1772438400_000000, Reader: record().Accesses[0].Reader},
	}
}

func found() *v1.SearchAccessesResponse {
	return &v1.SearchAccessesResponse{Header: header(), Accesses: record().Accesses}
}
