package console_test

import (
	"context"
	"errors"

	"connectrpc.com/connect"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// fakeViews are saved views in memory. They assert what the real services demand of a caller, and answer with what was saved.
type fakeViews struct {
	rows      []*v1.ViewRow
	questions map[string]*v1.ViewQuestion
	// times are what GetView says of the window.
	times   *v1.GetViewResponse
	saved   []*v1.SaveViewRequest
	deleted []*v1.DeleteViewRequest
}

// hold puts a view there, as somebody saved it.
func (f *fakeViews) hold(row *v1.ViewRow, q *v1.ViewQuestion) {
	if f.questions == nil {
		f.questions = map[string]*v1.ViewQuestion{}
	}
	f.rows = append(f.rows, row)
	f.questions[row.ViewId] = q
}

func (f *fakeAPI) ListViews(ctx context.Context, req *connect.Request[v1.ListViewsRequest]) (*connect.Response[v1.ListViewsResponse], error) {
	if err := f.note(ctx, "ListViews", summary, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	res := &v1.ListViewsResponse{Header: header()}
	for _, r := range f.views.rows {
		if req.Msg.Page == 0 || r.Page == req.Msg.Page {
			res.Views = append(res.Views, protobuf.CloneOf(r))
		}
	}
	return answerWith(res)
}

func (f *fakeAPI) GetView(ctx context.Context, req *connect.Request[v1.GetViewRequest]) (*connect.Response[v1.GetViewResponse], error) {
	if err := f.note(ctx, "GetView", summary, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	for _, r := range f.views.rows {
		if r.ViewId != req.Msg.View {
			continue
		}
		if r.PurposeNeeded && req.Msg.Purpose == "" {
			return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("purpose: say why you ask"))
		}
		res := &v1.GetViewResponse{}
		if f.views.times != nil {
			res = protobuf.CloneOf(f.views.times)
		}
		res.Header, res.View, res.Question = header(), r, f.views.questions[r.ViewId]
		return answerWith(res)
	}
	return nil, connect.NewError(connect.CodeNotFound, errors.New("there is no such view"))
}

func (f *fakeAPI) SaveView(ctx context.Context, req *connect.Request[v1.SaveViewRequest]) (*connect.Response[v1.SaveViewResponse], error) {
	if err := f.note(ctx, "SaveView", summary, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	if f.refuses != nil {
		return nil, f.refuses
	}
	f.views.saved = append(f.views.saved, req.Msg)
	return answerWith(&v1.SaveViewResponse{View: "v", Version: 1})
}

func (f *fakeAPI) DeleteView(ctx context.Context, req *connect.Request[v1.DeleteViewRequest]) (*connect.Response[v1.DeleteViewResponse], error) {
	if err := f.note(ctx, "DeleteView", summary, req.Msg, proto.Caller.MayAsk); err != nil {
		return nil, err
	}
	f.views.deleted = append(f.views.deleted, req.Msg)
	return answerWith(&v1.DeleteViewResponse{})
}
