package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestGlassOfASession: what a session asks carries the glass that it broke, and no other session's does; it ends by hand or with its time.
func TestGlassOfASession(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b, other := s.signedIn(proto.RoleInvestigator), s.signedIn(proto.RoleInvestigator)
	ask := func(b *browser) asked {
		b.open(url.Values{"q": {"urn:mrn|4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
		all := s.api.questions()
		return all[len(all)-1]
	}
	if ask(b).glass != "" {
		t.Error("a question carries a glass that nobody broke")
	}
	reason := "threat to the patient at the other site"
	if p := b.post("/glass", url.Values{"reason": {reason}}); p.status != http.StatusSeeOther || p.location != "/glass" {
		t.Fatalf("%d to %q", p.status, p.location)
	}
	if m, _ := s.api.questions()[len(s.api.questions())-1].body.(*v1.BreakGlassRequest); m.GetReason() != reason {
		t.Errorf("the API was told %v", m)
	}
	if q := ask(b); q.glass != theGlass || q.caller.Elevated {
		t.Errorf("after it was broken: %+v", q)
	}
	if ask(other).glass != "" {
		t.Error("another session is elevated")
	}
	if page := b.get("/help").body; !strings.Contains(page, "The glass is broken until") {
		t.Error("a page does not say that the glass is broken")
	}
	s.api.queue = queue()
	before := len(s.api.questions())
	b.get("/alerts/live")
	looked := s.api.questions()[before:]
	if len(looked) == 0 || looked[0].query != "ListAlerts" || looked[0].glass != "" {
		t.Errorf("a stream that nobody looks at carries the glass: %+v", looked)
	}
	b.post("/glass/end", url.Values{})
	if ask(b).glass != "" {
		t.Error("the glass was ended, and a question carries it")
	}
	b.post("/glass", url.Values{"reason": {reason}})
	s.more.Store(int64(15 * time.Minute))
	if ask(b).glass != "" || strings.Contains(b.get("/help").body, "The glass is broken until") {
		t.Error("its time is over, and a question carries it")
	}
}

// TestLimitsStandApart: what an asker's limits left out is no note among others.
func TestLimitsStandApart(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	limited := "Limited to site North: 12 reports of accesses elsewhere are not shown. This answer is not complete."
	s.api.record.Header.Notes = append([]string{"Something else."}, limited, "The last note.")
	s.api.record.Header.Limits = &v1.Limits{Sites: []string{"North"}}
	b := s.signedIn(proto.RoleInvestigator)
	page := b.get(b.post("/ask", url.Values{"q": {"urn:mrn|4711"}, "kind": {"records"}, "purpose": {"complaint 12"}}).location).body
	if !strings.Contains(page, `<p class="limited"><bdi>`+limited) || strings.Count(page, limited) != 1 ||
		!strings.Contains(page, "Something else.") || !strings.Contains(page, "The last note.") {
		t.Errorf("the limits do not stand apart:\n%s", page)
	}
}

// TestGlassPage: who may review sees what others stated, as text; others see the form alone; what is wrong is said at the form.
func TestGlassPage(t *testing.T) {
	s := newSite(t)
	officer := s.signedIn(proto.RolePrivacyOfficer)
	page := officer.get("/glass").body
	for _, want := range []string{"2 broken glasses wait", "&lt;script&gt;alert(1)", "oidc:kim", "sites: North", "somebody else has to review it"} {
		if !strings.Contains(page, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	if n := strings.Count(page, `action="/glass/review"`); n != 1 {
		t.Errorf("%d can be reviewed, want the other's alone", n)
	}
	officer.post("/glass/review", url.Values{"glass": {theGlass}, "verdict": {"not"}, "note": {"no need"}})
	all := s.api.questions()
	if m, _ := all[len(all)-1].body.(*v1.ReviewBrokenGlassRequest); m.GetGlassId() != theGlass || m.GetVerdict() != v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED || m.GetNote() != "no need" {
		t.Errorf("reviewed as %v", m)
	}
	for _, role := range []string{proto.RoleViewer, proto.RoleInvestigator} {
		if body := s.signedIn(role).get("/glass").body; strings.Contains(body, "oidc:kim") || !strings.Contains(body, `name="reason"`) {
			t.Errorf("%s sees reviews", role)
		}
	}
	s.api.fails = connect.NewError(connect.CodeInvalidArgument, errors.New("reason: say why in words"))
	p := s.signedIn(proto.RoleInvestigator).post("/glass", url.Values{"reason": {"x < y"}})
	if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, "Say why in words") || !strings.Contains(p.body, "x &lt; y") {
		t.Errorf("%d:\n%s", p.status, p.body)
	}
}
