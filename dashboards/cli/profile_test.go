package cli_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/dashboards/cli"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (f *filters) ReaderProfile(_ context.Context, req *connect.Request[v1.ReaderProfileRequest]) (*connect.Response[v1.ReaderProfileResponse], error) {
	f.compared = req.Msg
	return connect.NewResponse(f.profile), nil
}

// The answer stands in words, with what is compared; what is not known is no zero, and an ambiguous value is an error of its own.
func TestProfile(t *testing.T) {
	value, median, rank := 0.25, 0.125, uint32(80)
	f := &filters{profile: &v1.ReaderProfileResponse{
		Header: &v1.AnswerHeader{TimeZone: "UTC"}, Group: &v1.PeerGroup{Department: "Ward 3", Role: "nurse"}, Accesses: 8, Days: 2, Peers: 7,
		Groups: []*v1.PeerGroup{{Department: "Ward 3", Role: "nurse", Events: 8}, {Department: "Ward 5", Events: 1}},
		Figures: []*v1.ProfileFigure{
			{Measure: v1.ProfileMeasure_PROFILE_MEASURE_SENSITIVE, Value: &value, Median: &median, Percentile_90: &value, Rank: &rank, Peers: 7},
			{Measure: v1.ProfileMeasure_PROFILE_MEASURE_UNEXPLAINED},
		},
	}}
	conn := f.serve(t)
	var out lines
	q := cli.ReaderProfile{Reader: "S-77", Purpose: "complaint 12", Department: "Ward 3", Role: "nurse", Period: cli.Period{Zone: "UTC", From: "2026-02-01", Until: "2026-03-01"}}
	if err := q.Run(t.Context(), conn, &out); err != nil {
		t.Fatal(err)
	}
	want := &v1.ReaderProfileRequest{
		Reader: "S-77", Purpose: "complaint 12", Department: "Ward 3", Role: "nurse", TimeZone: "UTC", FromUs: 1769904000_000000, UntilUs: 1772323200_000000,
	}
	if diff := cmp.Diff(want, f.compared, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	text := strings.Join(out, "")
	for _, want := range []string{
		"8 accesses on 2 days as nurse, Ward 3, beside 7 peers.", "also acted as no role, Ward 5", "25.0 %", "12.5 %", "above 80 % of 7", "not known", "not told",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	out, q.Format = nil, "csv"
	if err := q.Run(t.Context(), conn, &out); err != nil || !strings.HasPrefix(strings.Join(out, ""), "figure,reader,") {
		t.Errorf("%v\n%s", err, out)
	}
	q.Format, f.profile.Candidates = "table", []*v1.Candidate{{Identifier: &v1.Identifier{System: "a", Value: "S-77"}}}
	if err := q.Run(t.Context(), conn, &out); !errors.Is(err, cli.ErrAmbiguous) {
		t.Errorf("several readers: %v", err)
	}
}
