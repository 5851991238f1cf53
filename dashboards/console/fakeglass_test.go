package console_test

import (
	"context"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// theGlass is the id that the API gives a glass.
const theGlass = "2Zs4T8sD1pS1o3yM1sYQbS3rT1k"

func (f *fakeAPI) BreakGlass(ctx context.Context, req *connect.Request[v1.BreakGlassRequest]) (*connect.Response[v1.BreakGlassResponse], error) {
	if err := f.note(ctx, "BreakGlass", req.Msg.Reason, req.Msg, anyRole); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.BreakGlassResponse{GlassId: theGlass, UntilUs: time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC).UnixMicro()}), nil
}

func (f *fakeAPI) ListBrokenGlass(ctx context.Context, req *connect.Request[v1.ListBrokenGlassRequest]) (*connect.Response[v1.ListBrokenGlassResponse], error) {
	if err := f.note(ctx, "ListBrokenGlass", summary, req.Msg, proto.Caller.MayReview); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.ListBrokenGlassResponse{Header: header(), Waiting: 2, Rows: []*v1.BrokenGlassRow{
		{GlassId: theGlass, Asker: "oidc:kim", Role: proto.RoleInvestigator, Reason: "<script>alert(1)</script> at the other site", Answers: 3, Rows: 41, Limits: &v1.Limits{Sites: []string{"North"}}},
		{GlassId: "2Zs4T8sD1pS1o3yM1sYQbS3rT2k", Asker: "os:alex", Role: proto.RolePrivacyOfficer, Reason: "my own"},
	}}), nil
}

func (f *fakeAPI) ReviewBrokenGlass(ctx context.Context, req *connect.Request[v1.ReviewBrokenGlassRequest]) (*connect.Response[v1.ReviewBrokenGlassResponse], error) {
	if err := f.note(ctx, "ReviewBrokenGlass", summary, req.Msg, proto.Caller.MayReview); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.ReviewBrokenGlassResponse{Position: 7}), nil
}
