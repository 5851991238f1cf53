package console_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// fakeAPI is the query API in memory. It asserts what the real one demands of a caller: somebody, of a role that may ask,
// with a purpose. Answers are what a test puts there.
type fakeAPI struct {
	readtrailv1connect.UnimplementedQueryServiceHandler
	t *testing.T

	mu     sync.Mutex
	asked  []asked
	record *v1.WhoViewedResponse
	reader *v1.ReaderActivityResponse
	event  *v1.GetEventResponse
	found  *v1.SearchAccessesResponse
	fails  error
}

// asked is one question as it reached the API.
type asked struct {
	caller proto.Caller
	query  string
	body   any
}

func (f *fakeAPI) note(ctx context.Context, query, purpose string, body any, may func(proto.Caller) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	caller := proto.CallerFrom(ctx)
	f.asked = append(f.asked, asked{caller, query, body})
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
	return answerWith(f.record)
}

func (f *fakeAPI) ReaderActivity(ctx context.Context, req *connect.Request[v1.ReaderActivityRequest]) (*connect.Response[v1.ReaderActivityResponse], error) {
	if err := f.note(ctx, "ReaderActivity", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.reader)
}

func (f *fakeAPI) GetEvent(ctx context.Context, req *connect.Request[v1.GetEventRequest]) (*connect.Response[v1.GetEventResponse], error) {
	if err := f.note(ctx, "GetEvent", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.event)
}

func (f *fakeAPI) SearchAccesses(ctx context.Context, req *connect.Request[v1.SearchAccessesRequest]) (*connect.Response[v1.SearchAccessesResponse], error) {
	if err := f.note(ctx, "SearchAccesses", req.Msg.Purpose, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	return answerWith(f.found)
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
