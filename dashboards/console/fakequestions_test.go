package console_test

import (
	"context"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (f *fakeAPI) MyQuestions(ctx context.Context, req *connect.Request[v1.MyQuestionsRequest]) (*connect.Response[v1.MyQuestionsResponse], error) {
	if err := f.note(ctx, "MyQuestions", summary, req.Msg, anyRole); err != nil {
		return nil, err
	}
	if f.unlisted != nil {
		return nil, f.unlisted
	}
	if f.put == nil {
		return connect.NewResponse(&v1.MyQuestionsResponse{Header: header()}), nil
	}
	return connect.NewResponse(f.put), nil
}

func (f *fakeAPI) AnswerQuestion(ctx context.Context, req *connect.Request[v1.AnswerQuestionRequest]) (*connect.Response[v1.AnswerQuestionResponse], error) {
	if err := f.note(ctx, "AnswerQuestion", summary, req.Msg, anyRole); err != nil {
		return nil, err
	}
	if f.refuses != nil {
		return nil, f.refuses
	}
	return connect.NewResponse(&v1.AnswerQuestionResponse{Position: 40970}), nil
}

// put are questions to somebody: one that waits with an access, one that is answered and corrected, one that is closed.
func put() *v1.MyQuestionsResponse {
	const at = 1772438400_000000
	return &v1.MyQuestionsResponse{Header: &v1.AnswerHeader{Position: 40960, TimeZone: "UTC"}, Waiting: 1, NextPageToken: "bmV4dA", Questions: []*v1.MyQuestion{
		{Question: "49152", Asker: "os:ada", AskedUs: at, Respondent: 1, Text: "Why did you open it?\n<script>alert(1)</script>", Accesses: []*v1.ShownAccess{{
			Number: 3, OccurredUs: at - 86400e6, Action: v1.Action_ACTION_READ, Objects: []string{"DiagnosticReport"},
			Reader:   &v1.Reader{Name: "Jo Doe", Identifiers: []*v1.Identifier{{System: "urn:staff", Value: "jo7"}}, Department: "Radiology"},
			Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{Value: "record ABCDEFGH"}}}},
		}, {Number: 4, EventId: "2Zs4T8sD1pS1o3yM1sYQbS3rT4a", OccurredUs: at - 86400e6}}},
		{Question: "45056", Asker: "os:ada", AskedUs: at - 1, Respondent: 2, Text: "Was it their task?", Answers: []*v1.MyAnswer{{Text: "It was.", AtUs: at}, {Text: "It was not.", AtUs: at + 1}}},
		{Question: "40960", Asker: "os:ada", AskedUs: at - 2, Respondent: 3, Text: "Long ago?", Closed: true},
	}}
}
