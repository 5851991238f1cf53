package casework_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	pb "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/views"
)

// findViews is the read side's: the latest versions that it knows.
func (o *office) findViews(context.Context) (out []views.View, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	latest := map[string]views.View{}
	for _, k := range o.known {
		if e := k.Item.GetViewEntry(); e != nil && e.Version > latest[string(e.ViewId)].Entry.GetVersion() {
			latest[string(e.ViewId)] = views.View{Position: k.Position, Entry: e}
		}
	}
	for _, v := range latest {
		out = append(out, v)
	}
	return out, nil
}

// viewEntries are those that the journal holds.
func (o *office) viewEntries() (out []*v1.ViewEntry) {
	for _, k := range o.Kept() {
		if e := k.Item.GetViewEntry(); e != nil {
			out = append(out, e)
		}
	}
	return out
}

func week() *v1.ViewQuestion {
	return &v1.ViewQuestion{
		Page: &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{Workstation: "WS-12", BreakGlass: true}}, Window: &v1.ViewWindow{LastDays: 7},
	}
}

func (o *office) save(ctx context.Context, m *v1.SaveViewRequest) (*v1.SaveViewResponse, connect.Code) {
	res, err := o.service.SaveView(ctx, connect.NewRequest(m))
	if err != nil {
		return nil, connect.CodeOf(err)
	}
	return res.Msg, 0
}

func (o *office) delete(ctx context.Context, view string, version uint32) connect.Code {
	_, err := o.service.DeleteView(ctx, connect.NewRequest(&v1.DeleteViewRequest{View: view, Version: version}))
	if err != nil {
		return connect.CodeOf(err)
	}
	return 0
}

// TestViewIsKept: what is saved is in the journal as it was said, with who and when; saving it again, with and without the read side
// knowing it, and from a process that remembers nothing, stores nothing.
func TestViewIsKept(t *testing.T) {
	o := newOffice(t)
	ada := caller(proto.RoleInvestigator, "os:ada")
	first, code := o.save(ada, &v1.SaveViewRequest{Name: " Break-glass on 12 ", Question: week()})
	if code != 0 || first.Version != 1 || first.Position == 0 {
		t.Fatalf("%v %v", first, code)
	}
	for _, look := range []bool{false, true} {
		if look {
			o.look()
			o.service = o.open()
		}
		if again, code := o.save(ada, &v1.SaveViewRequest{Name: "Break-glass on 12", Question: week()}); code != 0 || !pb.Equal(again, first) {
			t.Errorf("saved again: %v %v", again, code)
		}
	}
	renamed, code := o.save(ada, &v1.SaveViewRequest{View: first.View, Version: 1, Name: "Ward", Shared: true})
	if code != 0 || renamed.Version != 2 || renamed.View != first.View {
		t.Fatalf("renamed: %v %v", renamed, code)
	}
	if again, code := o.save(ada, &v1.SaveViewRequest{View: first.View, Version: 1, Name: "Ward", Shared: true}); code != 0 || !pb.Equal(again, renamed) {
		t.Errorf("renamed again: %v %v", again, code)
	}
	if code := o.delete(ada, first.View, 2); code != 0 {
		t.Fatalf("deleted: %v", code)
	}
	if code := o.delete(ada, first.View, 2); code != 0 {
		t.Errorf("deleted again: %v", code)
	}
	if _, code := o.save(ada, &v1.SaveViewRequest{View: first.View, Version: 3, Name: "Back"}); code != connect.CodeNotFound {
		t.Errorf("a deleted view is saved: %v", code)
	}
	id, err := proto.ParseEventID(first.View)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(version uint32, name string, shared, deleted bool) *v1.ViewEntry {
		return &v1.ViewEntry{
			ViewId: id.Bytes(), Version: version, EventId: views.EntryID(id, version).Bytes(), Asker: "os:ada", Role: proto.RoleInvestigator,
			AtUs: now.UnixMicro(), Owner: "os:ada", Name: name, Shared: shared, Deleted: deleted, Question: week(),
		}
	}
	want := []*v1.ViewEntry{entry(1, "Break-glass on 12", false, false), entry(2, "Ward", true, false), entry(3, "Ward", true, true)}
	if diff := cmp.Diff(want, o.viewEntries(), protocmp.Transform()); diff != "" {
		t.Errorf("journal: %s", diff)
	}
	if logged := o.logged.String(); strings.Contains(logged, "WS-12") || strings.Contains(logged, "Ward") || strings.Contains(logged, "Break") {
		t.Errorf("the log tells what is asked: %s", logged)
	}
}

// TestWhoMaySaveViews walks roles and owners.
func TestWhoMaySaveViews(t *testing.T) {
	o := newOffice(t)
	roles := map[string]context.Context{
		"nobody": context.Background(), "viewer": caller(proto.RoleViewer, "os:vi"), "source": proto.WithCaller(context.Background(), proto.Caller{Name: "source:ehr", Source: "ehr"}),
		"investigator": caller(proto.RoleInvestigator, "os:in"), "officer": caller(proto.RolePrivacyOfficer, "os:po"), "administrator": caller(proto.RoleAdministrator, "os:ad"),
	}
	owner := caller(proto.RoleInvestigator, "os:owner")
	const denied, unknown, absent = connect.CodePermissionDenied, connect.CodeUnauthenticated, connect.CodeNotFound
	for name, want := range map[string]struct{ own, changeShared, changeOthers, deleteShared, deleteOthers connect.Code }{
		"nobody":        {unknown, unknown, unknown, unknown, unknown},
		"viewer":        {denied, denied, denied, denied, denied},
		"source":        {denied, denied, denied, denied, denied},
		"investigator":  {0, denied, absent, denied, absent},
		"officer":       {0, denied, absent, 0, absent},
		"administrator": {0, denied, absent, 0, absent},
	} {
		shared, code := o.save(owner, &v1.SaveViewRequest{Name: "shared for " + name, Shared: true, Question: week()})
		private, code2 := o.save(owner, &v1.SaveViewRequest{Name: "kept from " + name, Question: week()})
		if code != 0 || code2 != 0 {
			t.Fatal(code, code2)
		}
		ctx := roles[name]
		_, own := o.save(ctx, &v1.SaveViewRequest{Name: "own", Question: week()})
		_, changeShared := o.save(ctx, &v1.SaveViewRequest{View: shared.View, Version: 1, Name: "mine now"})
		_, changeOthers := o.save(ctx, &v1.SaveViewRequest{View: private.View, Version: 1, Name: "mine now"})
		got := struct{ own, changeShared, changeOthers, deleteShared, deleteOthers connect.Code }{
			own, changeShared, changeOthers, o.delete(ctx, shared.View, 1), o.delete(ctx, private.View, 1),
		}
		if got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestTwoAtOneView: of two who change a version one is told to look again, in one process and in two that do not know of each other.
func TestTwoAtOneView(t *testing.T) {
	o := newOffice(t)
	ada := caller(proto.RoleInvestigator, "os:ada")
	v, _ := o.save(ada, &v1.SaveViewRequest{Name: "one", Question: week()})
	o.look()
	other := o.open()
	if _, code := o.save(ada, &v1.SaveViewRequest{View: v.View, Version: 1, Name: "two"}); code != 0 {
		t.Fatal(code)
	}
	if _, code := o.save(ada, &v1.SaveViewRequest{View: v.View, Version: 1, Name: "three"}); code != connect.CodeAborted {
		t.Errorf("in one process: %v", code)
	}
	_, err := other.SaveView(ada, connect.NewRequest(&v1.SaveViewRequest{View: v.View, Version: 1, Name: "four"}))
	if connect.CodeOf(err) != connect.CodeAborted {
		t.Errorf("in another process: %v", err)
	}
	o.look()
	if _, code := o.save(ada, &v1.SaveViewRequest{View: v.View, Version: 2, Name: "five"}); code != 0 {
		t.Errorf("from the latest: %v", code)
	}
	if _, code := o.save(ada, &v1.SaveViewRequest{View: v.View, Version: 9, Name: "six"}); code != connect.CodeAborted {
		t.Errorf("from a version that there is not: %v", code)
	}
}

func TestViewsOfOneOwner(t *testing.T) {
	o := newOffice(t)
	ada, bo := caller(proto.RoleInvestigator, "os:ada"), caller(proto.RoleInvestigator, "os:bo")
	v, code := o.save(ada, &v1.SaveViewRequest{Name: "Ward", Question: week()})
	if code != 0 {
		t.Fatal(code)
	}
	other := week()
	other.Window.LastDays = 8
	if _, code := o.save(ada, &v1.SaveViewRequest{Name: "WARD", Question: other}); code != connect.CodeAlreadyExists {
		t.Errorf("a second one of that name: %v", code)
	}
	if _, code := o.save(bo, &v1.SaveViewRequest{Name: "Ward", Question: week()}); code != 0 {
		t.Errorf("somebody else's of that name: %v", code)
	}
	if code := o.delete(ada, v.View, 1); code != 0 {
		t.Fatal(code)
	}
	for i := range 200 {
		if _, code := o.save(ada, &v1.SaveViewRequest{Name: fmt.Sprint("Ward ", i), Question: week()}); code != 0 {
			t.Fatalf("view %d: %v", i, code)
		}
	}
	if _, code := o.save(ada, &v1.SaveViewRequest{Name: "Ward", Question: week()}); code != connect.CodeFailedPrecondition {
		t.Errorf("one more than there may be: %v", code)
	}
}

func TestRefusedViews(t *testing.T) {
	o := newOffice(t)
	ada := caller(proto.RoleInvestigator, "os:ada")
	record := func(patient string) *v1.ViewQuestion {
		return &v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{Patient: patient}}}
	}
	with := func(edit func(q *v1.ViewQuestion)) *v1.ViewQuestion {
		q := week()
		edit(q)
		return q
	}
	many := make([]string, 501)
	for name, m := range map[string]*v1.SaveViewRequest{
		"name:":                           {Question: week()},
		"name: one line":                  {Name: "a\nb", Question: week()},
		"name: too long":                  {Name: strings.Repeat("ü", 101), Question: week()},
		"name: it shows":                  {Name: "Watch 4711", Question: record("urn:mrn|4711")},
		"name: it shows ":                 {Name: "jdoe again", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: &v1.ScopeQuery{Reader: "JDoe"}}}},
		"question: what":                  {Name: "a"},
		"question: the page":              {Name: "a", Question: &v1.ViewQuestion{}},
		"question.record.patient":         {Name: "a", Question: record(" ")},
		"question.patient: at most":       {Name: "a", Question: record(strings.Repeat("x", 2001))},
		"question.patient: plain text":    {Name: "a", Question: record("x\x00")},
		"question: at most 500":           {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: &v1.ScopeQuery{Events: many}}}},
		"question: at most 16":            {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: &v1.ScopeQuery{Events: []string{strings.Repeat("1", 17<<10)}}}}},
		"question.search: at least":       {Name: "a", Question: with(func(q *v1.ViewQuestion) { q.GetSearch().Workstation, q.GetSearch().BreakGlass = "", false })},
		"question.action: unknown":        {Name: "a", Question: with(func(q *v1.ViewQuestion) { q.GetSearch().Action = 99 })},
		"question.verdicts: unknown":      {Name: "a", Question: with(func(q *v1.ViewQuestion) { q.GetSearch().Verdicts = []v1.Verdict{99} })},
		"question.time_zone":              {Name: "a", Question: with(func(q *v1.ViewQuestion) { q.TimeZone = "Mars/Olympus" })},
		"question.window.last_days":       {Name: "a", Question: with(func(q *v1.ViewQuestion) { q.Window.LastDays = 3661 })},
		"question.window: either":         {Name: "a", Question: with(func(q *v1.ViewQuestion) { q.Window.FromUs = 1 })},
		"question.window: it ends":        {Name: "a", Question: with(func(q *v1.ViewQuestion) { q.Window = &v1.ViewWindow{FromUs: 2, UntilUs: 2} })},
		"question.scope: its times":       {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: &v1.ScopeQuery{Reader: "j", FromUs: 1}}}},
		"question.scope: at least":        {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: &v1.ScopeQuery{}}, Window: &v1.ViewWindow{FromUs: 1}}},
		"question.alerts.chance":          {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{Chance: 1001}}}},
		"question.alerts.scope":           {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{Scope: 1 << 31}}}},
		"question.cases.status":           {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{Status: 9}}}},
		"question.cases.assignee":         {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{Mine: true, Assignee: "-"}}}},
		"question.cases.due_within_days":  {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{DueWithinDays: 4000}}}},
		"question.window: cases":          {Name: "a", Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{}}, Window: &v1.ViewWindow{LastDays: 1}}},
		"version: 0 for a new view":       {Name: "a", Version: 1, Question: week()},
		"version: 0 for a new view, else": {Name: "a", View: "0ujsszwN8NRY24YaXiTIE2VWDTS", Question: week()},
		"view: an id":                     {Name: "a", View: "nonsense", Version: 1},
	} {
		_, err := o.service.SaveView(ada, connect.NewRequest(m))
		var failed *connect.Error
		if connect.CodeOf(err) != connect.CodeInvalidArgument || !errors.As(err, &failed) || !strings.HasPrefix(failed.Message(), strings.TrimSpace(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.Fail = func([]ingest.Entry) error { return errors.New("no space") }
	if _, code := o.save(ada, &v1.SaveViewRequest{Name: "a", Question: week()}); code != connect.CodeUnavailable {
		t.Errorf("saved though the journal takes nothing: %v", code)
	}
	if kept := o.viewEntries(); len(kept) != 0 {
		t.Errorf("kept: %v", kept)
	}
}

// TestRenamedViewNamesNobody: a new name is checked against what the view asks, also where the question is left as it is.
func TestRenamedViewNamesNobody(t *testing.T) {
	o := newOffice(t)
	ada := caller(proto.RoleInvestigator, "os:ada")
	q := &v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{Patient: "urn:mrn|4711"}}}
	v, code := o.save(ada, &v1.SaveViewRequest{Name: "Watch", Question: q})
	if code != 0 {
		t.Fatal(code)
	}
	if got, code := o.save(ada, &v1.SaveViewRequest{View: v.View, Version: v.Version, Name: "Watch 4711", Shared: true}); code != connect.CodeInvalidArgument {
		t.Errorf("%v, %v", got, code)
	}
	if n := len(o.viewEntries()); n != 1 {
		t.Errorf("%d versions are kept", n)
	}
}

func (o *office) tellView(_ context.Context, v views.View) (bool, error) {
	if o.doubting != nil {
		return false, o.doubting
	}
	return !o.untold[v.Entry.Owner], nil
}

// TestAViewThatIsNotToldIsNotThere: whoever may not be told of a shared view neither deletes nor changes it, whatever their role, and
// cannot tell it from one that never was. Its owner is not asked.
func TestAViewThatIsNotToldIsNotThere(t *testing.T) {
	o := newOffice(t)
	ada := caller(proto.RoleInvestigator, "os:ada")
	v, code := o.save(ada, &v1.SaveViewRequest{Name: "South", Shared: true, Question: week()})
	if code != 0 {
		t.Fatal(code)
	}
	o.untold = map[string]bool{"os:ada": true}
	for _, role := range []string{proto.RoleInvestigator, proto.RolePrivacyOfficer, proto.RoleAdministrator} {
		limited := caller(role, "os:limited")
		if code := o.delete(limited, v.View, 1); code != connect.CodeNotFound {
			t.Errorf("%s deletes it: %v", role, code)
		}
		if _, code := o.save(limited, &v1.SaveViewRequest{View: v.View, Version: 1, Name: "Mine"}); code != connect.CodeNotFound {
			t.Errorf("%s changes it: %v", role, code)
		}
	}
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	o.doubting = errors.New("the store is down")
	if code := o.delete(officer, v.View, 1); code != connect.CodeUnavailable {
		t.Errorf("deleted unseen: %v", code)
	}
	o.doubting = nil
	if n := len(o.viewEntries()); n != 1 {
		t.Errorf("%d versions are kept", n)
	}
	if _, code := o.save(ada, &v1.SaveViewRequest{View: v.View, Version: 1, Name: "North", Shared: true}); code != 0 {
		t.Errorf("its owner: %v", code)
	}
	o.untold = nil
	if code := o.delete(officer, v.View, 2); code != 0 {
		t.Errorf("an officer who sees it: %v", code)
	}
}
