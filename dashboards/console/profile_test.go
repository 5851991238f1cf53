package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func profile() *v1.ReaderProfileResponse {
	hours, usual := make([]uint64, 7*24), make([]bool, 7*24)
	hours[30], usual[31] = 7, true
	value, median, high, zero, rank := 30.0, 12.0, 24.0, 0.0, uint32(92)
	ward := &v1.PeerGroup{Department: "Ward 3 & 4", Role: "nurse", Events: 8}
	return &v1.ReaderProfileResponse{
		Header: header(), Identifiers: []*v1.FollowedIdentifier{{Identifier: &v1.Identifier{System: "urn:staff", Value: "S-77"}, Via: "asked"}},
		Groups: []*v1.PeerGroup{ward, {Department: "Ward 5", Events: 1}}, Group: ward, Accesses: 7, Days: 2, Peers: 12, PeersNeeded: 5,
		WeekHours: hours, PeerWeekHours: hours, UsualHours: usual,
		Figures: []*v1.ProfileFigure{
			{Measure: v1.ProfileMeasure_PROFILE_MEASURE_PATIENTS_A_DAY, Value: &value, Peers: 12, Median: &median, Percentile_90: &high, Rank: &rank},
			{Measure: v1.ProfileMeasure_PROFILE_MEASURE_UNEXPLAINED},
			{Measure: v1.ProfileMeasure_PROFILE_MEASURE_BREAK_GLASS, Value: &zero, Peers: 12, Median: &zero, Percentile_90: &zero, Rank: &rank},
		},
	}
}

// openProfile goes from what a reader did to the comparison.
func (b *browser) openProfile(reader, why string) (path string, p answer) {
	_, first := b.open(url.Values{"q": {reader}, "kind": {"readers"}, "purpose": {why}})
	_, after, _ := strings.Cut(first.body, `href="/profile/`)
	handle, _, _ := strings.Cut(after, `"`)
	path = "/profile/" + handle
	return path, b.get(path)
}

// The comparison is one click from what the reader did, for the same purpose; figures stand as text, and what is not known is no zero.
func TestProfile(t *testing.T) {
	s := newSite(t)
	s.api.reader, s.api.profile = reader(), profile()
	b := s.signedIn(proto.RoleInvestigator)
	path, p := b.openProfile("urn:staff|S-77", "complaint 12")
	if p.status != http.StatusOK {
		t.Fatalf("%d\n%s", p.status, p.body)
	}
	for _, want := range []string{
		"nurse, Ward 3 &amp; 4", "<b>12</b> peers", "<b>30.0</b>", ">12.0<", ">24.0<", "above 92 % of 12", "not known", "not told",
		`<rect class="own" x="95.24"`, `<rect class="band" x="38.10" y="2" width="38.10"`, "Tuesday 07:00 to 08:00: 0 accesses, a usual hour of the peers",
	} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Count(p.body, `class="own"`) != 2 {
		t.Errorf("%d marks: one that is not known is drawn", strings.Count(p.body, `class="own"`))
	}
	// The group of a form is asked for as it was sent.
	moved := b.post(path, url.Values{"group": {url.Values{"department": {"Ward 5"}, "role": {""}}.Encode()}, "from": {"2026-02-01"}, "until": {"2026-02-28"}})
	if b.get(moved.location); moved.status != http.StatusSeeOther || moved.location == path {
		t.Fatalf("%d to %q", moved.status, moved.location)
	}
	asked := s.api.questions()
	m, _ := asked[len(asked)-1].body.(*v1.ReaderProfileRequest)
	want := &v1.ReaderProfileRequest{
		Reader: "urn:staff|S-77", Purpose: "complaint 12", Department: "Ward 5", FromUs: 1769900400_000000, UntilUs: 1772319600_000000,
	}
	if diff := cmp.Diff(want, m, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	// Of few peers nothing is shown, and the page says why.
	few := profile()
	few.Peers, few.PeerWeekHours, few.UsualHours, few.Figures = 0, nil, nil, []*v1.ProfileFigure{{Measure: v1.ProfileMeasure_PROFILE_MEASURE_PATIENTS_A_DAY}}
	s.api.profile = few
	if body := b.get(path).body; !strings.Contains(body, "fewer than <b>5</b> peers") || !strings.Contains(body, "it would single somebody out") || strings.Contains(body, `class="band"`) {
		t.Errorf("few peers:\n%s", body)
	}
}
