package casework_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	pb "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// findCase is the read side's: the steps that it knows, unless one adds an alert about the caller.
func (o *office) findCase(ctx context.Context, id proto.EventID) (steps []cases.Step, found bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.known {
		if e := k.Item.GetCaseEntry(); e != nil && string(e.CaseId) == string(id[:]) {
			steps = append(steps, cases.Step{Position: k.Position, Entry: e})
		}
	}
	own, isReader := o.about[proto.CallerFrom(ctx).Name]
	if isReader && slices.Contains(cases.Fold(steps).Ever, own) {
		return nil, false, nil
	}
	return steps, len(steps) > 0, nil
}

// another is a further alert.
func (o *office) another(key string) proto.EventID {
	id := proto.NewEventID(proto.EventIdentity{Source: "alert", Key: []byte(key), Recorded: now})
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.more == nil {
		o.more = map[proto.EventID]bool{}
	}
	o.more[id] = true
	return id
}

// file is a case as a client sees it: it knows the version that it looked at.
type file struct {
	o       *office
	id      proto.EventID
	version uint32
}

func (o *office) newFile() *file {
	id, err := proto.MintEventID(now)
	if err != nil {
		o.t.Fatal(err)
	}
	return &file{o: o, id: id}
}

// write sends a step, from the version that was looked at.
func (f *file) write(ctx context.Context, m *v1.WriteCaseRequest) connect.Code {
	m, _ = pb.Clone(m).(*v1.WriteCaseRequest)
	m.Case, m.Version = f.id.String(), f.version
	res, err := f.o.service.WriteCase(ctx, connect.NewRequest(m))
	if err != nil {
		return connect.CodeOf(err)
	}
	f.version = res.Msg.Version
	return 0
}

// must writes a step that is to be taken.
func (f *file) must(ctx context.Context, steps ...*v1.WriteCaseRequest) *file {
	f.o.t.Helper()
	for _, m := range steps {
		if code := f.write(ctx, m); code != 0 {
			f.o.t.Fatalf("%v: %v", m, code)
		}
	}
	return f
}

// entries are the steps that the journal holds of a case.
func (f *file) entries() (out []*v1.CaseEntry) {
	for _, k := range f.o.Kept() {
		if e := k.Item.GetCaseEntry(); e != nil && string(e.CaseId) == string(f.id[:]) {
			out = append(out, e)
		}
	}
	return out
}

func (o *office) opening(assignee string) *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Opened{Opened: &v1.CaseOpened{
		Title: "Reads on ward 7", Alerts: [][]byte{o.alert.Bytes()}, DiscoveredUs: now.UnixMicro(), Assignee: assignee,
	}}}
}

func noted(text string) *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Noted{Noted: &v1.CaseNoted{Text: text}}}
}

func assigned(to string) *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{Assignee: to}}}
}

func asked(name string) *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Asked{Asked: &v1.CaseAsked{
		Respondent: v1.Respondent_RESPONDENT_READER, Name: name, Text: "Why did you open it?",
	}}}
}

func answered(question uint32) *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Answered{Answered: &v1.CaseAnswered{Question: question, Text: "By mistake."}}}
}

func assessed(change ...func(*v1.BreachAssessed)) *v1.WriteCaseRequest {
	a := &v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY, Text: "nothing left the house"}
	for f := range v1.BreachFactor_name {
		if f != 0 {
			a.Factors = append(a.Factors, &v1.FactorJudged{Factor: v1.BreachFactor(f), Risk: v1.BreachRisk_BREACH_RISK_LOW, Text: "low"})
		}
	}
	slices.SortFunc(a.Factors, func(x, y *v1.FactorJudged) int { return int(x.Factor) - int(y.Factor) })
	for _, f := range change {
		f(a)
	}
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assessed{Assessed: a}}
}

func breach(a *v1.BreachAssessed) {
	a.Conclusion, a.People, a.Factors = v1.BreachConclusion_BREACH_CONCLUSION_BREACH, 3, nil
}

func concluded() *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Concluded{Concluded: &v1.CaseConcluded{Outcome: misuse, Text: "curiosity"}}}
}

func notice(rule v1.NoticeRule, change ...func(*v1.CaseNotice)) *v1.WriteCaseRequest {
	n := &v1.CaseNotice{Rule: rule}
	for _, f := range change {
		f(n)
	}
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Notice{Notice: n}}
}

func sent(n *v1.CaseNotice) {
	n.SentUs, n.People = now.UnixMicro(), 3
	n.Contents = []v1.NoticeContent{1, 2, 3, 4, 5}
}

func held(is bool) *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Held{Held: &v1.CaseHeld{Held: is}}}
}

func closed() *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Closed{Closed: &v1.CaseClosed{}}}
}

func reopenedCase() *v1.WriteCaseRequest {
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Reopened{Reopened: &v1.CaseReopened{Text: "a further witness"}}}
}

func alertsOf(add, remove []proto.EventID) *v1.WriteCaseRequest {
	a := &v1.CaseAlerts{}
	for _, id := range add {
		a.Added = append(a.Added, id.Bytes())
	}
	for _, id := range remove {
		a.Removed = append(a.Removed, id.Bytes())
	}
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Alerts{Alerts: a}}
}

// TestWhoMayDoWhatInACase walks every role over every state of a case and every step.
func TestWhoMayDoWhatInACase(t *testing.T) {
	const denied, failed, none = connect.CodePermissionDenied, connect.CodeFailedPrecondition, connect.CodeUnauthenticated
	o := newOffice(t)
	more := o.another("more")
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	states := map[string]func(f *file){
		"new":       func(*file) {},
		"own":       func(f *file) { f.must(officer, o.opening("os:me"), asked("u17")) },
		"nobody's":  func(f *file) { f.must(officer, o.opening(""), asked("u17")) },
		"another's": func(f *file) { f.must(officer, o.opening("os:they"), asked("u17")) },
		"done":      func(f *file) { f.must(officer, o.opening("os:me"), asked("u17"), assessed(), concluded()) },
		"closed":    func(f *file) { f.must(officer, o.opening("os:me"), asked("u17"), assessed(), concluded(), closed()) },
	}
	steps := map[string]*v1.WriteCaseRequest{
		"open": o.opening("os:me"), "open for another": o.opening("os:they"), "add": alertsOf([]proto.EventID{more}, nil), "note": noted("n"),
		"take": assigned("os:me"), "give back": assigned(""), "assign": assigned("os:third"), "ask": asked("u18"), "answer": answered(1),
		"assess": assessed(), "conclude": concluded(), "notice": notice(v1.NoticeRule_NOTICE_RULE_HHS), "hold": held(true), "close": closed(),
		"delay":  delayed(),
		"reopen": reopenedCase(),
	}
	type codes map[string]connect.Code
	all := func(code connect.Code, but ...codes) codes {
		out := codes{}
		for step := range steps {
			out[step] = code
		}
		for _, some := range but {
			maps.Copy(out, some)
		}
		return out
	}
	const invalid = connect.CodeInvalidArgument
	officerOnly := codes{"assign": denied, "assess": denied, "conclude": denied, "notice": denied, "hold": denied, "delay": denied, "close": denied, "reopen": denied}
	// From a version that is not 0, a step that opens is refused as such.
	notNew := codes{"open": invalid, "open for another": invalid}
	investigator := map[string]codes{
		"new":       all(invalid, codes{"open": 0, "open for another": denied}),
		"own":       all(0, officerOnly, notNew, codes{"take": failed}),
		"nobody's":  all(failed, officerOnly, notNew, codes{"take": 0}),
		"another's": all(failed, officerOnly, notNew),
		"done":      all(0, officerOnly, notNew, codes{"take": failed}),
		"closed":    all(failed, officerOnly, notNew),
	}
	judge := map[string]codes{
		"new":       all(invalid, codes{"open": 0, "open for another": 0}),
		"own":       all(0, notNew, codes{"take": failed, "close": failed, "reopen": failed}),
		"nobody's":  all(0, notNew, codes{"give back": failed, "close": failed, "reopen": failed}),
		"another's": all(0, notNew, codes{"close": failed, "reopen": failed}),
		"done":      all(0, notNew, codes{"take": failed, "reopen": failed}),
		"closed":    all(failed, notNew, codes{"reopen": 0}),
	}
	nobody := map[string]codes{}
	strangers := map[string]codes{}
	for state := range states {
		nobody[state], strangers[state] = all(none), all(denied)
	}
	for role, byState := range map[string]map[string]codes{
		proto.RoleInvestigator: investigator, proto.RolePrivacyOfficer: judge, proto.RoleAdministrator: judge, proto.RoleViewer: strangers,
		"": strangers, "nobody": nobody,
	} {
		for state, byStep := range byState {
			for step, want := range byStep {
				f := o.newFile()
				states[state](f)
				ctx := caller(role, "os:me")
				if role == "nobody" {
					ctx = context.Background()
				}
				before := f.version
				got := f.write(ctx, steps[step])
				if got != want {
					t.Errorf("%s, %s, %s: %v, want %v", role, state, step, got, want)
				}
				if moved := f.version - before; (moved == 1) != (want == 0) {
					t.Errorf("%s, %s, %s: %d kept", role, state, step, moved)
				}
			}
		}
	}
}

// TestCaseStepIsKept: the entry says who did what, the same command again changes nothing, whatever happened since, and the log names
// nobody.
func TestCaseStepIsKept(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "token:7")
	f := o.newFile().must(officer, o.opening("token:7"))
	note := noted("Schwester Huber says:\nno referral. " + strings.Repeat("ä", 3900))
	f.must(officer, note, asked("Huber"))
	want := []*v1.CaseEntry{
		{CaseId: f.id.Bytes(), Version: 1, Body: &v1.CaseEntry_Opened{Opened: o.opening("token:7").GetOpened()}},
		{CaseId: f.id.Bytes(), Version: 2, Body: &v1.CaseEntry_Noted{Noted: note.GetNoted()}},
		{CaseId: f.id.Bytes(), Version: 3, Body: &v1.CaseEntry_Asked{Asked: asked("Huber").GetAsked()}},
	}
	want[2].GetAsked().Question = 1
	for i, e := range want {
		e.Asker, e.Role, e.AtUs = "token:7", proto.RolePrivacyOfficer, now.UnixMicro()
		e.EventId = cases.StepID(f.id, uint32(i+1)).Bytes()
	}
	for _, step := range []string{"at once", "after the read side caught up", "after a restart", "in a process that knows nothing yet"} {
		o.later += time.Minute // a retry is written later than what it repeats
		switch step {
		case "after the read side caught up":
			o.look()
		case "after a restart":
			o.service = o.open()
		case "in a process that knows nothing yet":
			o.service = o.open()
			o.known = o.known[:0]
			f.version = 0
			f.must(officer, o.opening("token:7"))
			continue
		}
		for i, m := range []*v1.WriteCaseRequest{o.opening("token:7"), note, asked("Huber")} {
			f.version = uint32(i)
			if code := f.write(officer, m); code != 0 || f.version != uint32(i+1) {
				t.Errorf("%s: step %d again: %v, version %d", step, i+1, code, f.version)
			}
		}
		f.version = 1
		if code := f.write(officer, noted("something else")); code != connect.CodeAborted {
			t.Errorf("%s: another step from a version that is over: %v", step, code)
		}
		f.version = 1
		if code := f.write(caller(proto.RolePrivacyOfficer, "token:8"), note); code != connect.CodeAborted {
			t.Errorf("%s: the same step by somebody else: %v", step, code)
		}
	}
	if diff := cmp.Diff(want, f.entries(), protocmp.Transform()); diff != "" {
		t.Fatal(diff)
	}
	for _, secret := range []string{"Huber", "referral", "ward 7", f.id.String()} {
		if strings.Contains(o.logged.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(o.logged.String(), "step=asked") {
		t.Errorf("the log does not say what kind of step was taken: %s", o.logged.String())
	}
}

// TestTwoAtOneCase: of many who write from one version one does, and the others are told; in one process, and in two that do not know of
// each other, where the journal decides and what lost changes nothing.
func TestTwoAtOneCase(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	f := o.newFile().must(officer, o.opening(""))
	o.look()
	services := []interface {
		WriteCase(context.Context, *connect.Request[v1.WriteCaseRequest]) (*connect.Response[v1.WriteCaseResponse], error)
	}{o.service, o.open()}
	got := make([]connect.Code, 8)
	var together sync.WaitGroup
	for i := range got {
		together.Go(func() {
			m := assigned("os:" + string(rune('a'+i)))
			m.Case, m.Version = f.id.String(), 1
			if _, err := services[i%2].WriteCase(officer, connect.NewRequest(m)); err != nil {
				got[i] = connect.CodeOf(err)
			}
		})
	}
	together.Wait()
	took := ""
	for i, code := range got {
		switch code {
		case 0:
			if took != "" {
				t.Error("two have it")
			}
			took = "os:" + string(rune('a'+i))
		case connect.CodeAborted:
		default:
			t.Errorf("refused with %v", code)
		}
	}
	o.look()
	steps, _, err := o.findCase(officer, f.id)
	if now := cases.Fold(steps); err != nil || took == "" || now.Version != 2 || now.Assignee != took {
		t.Errorf("%q took it, and the case says version %d, %q; %v", took, now.Version, now.Assignee, err)
	}
	if len(steps) < 3 { // the opening, who was first, and what the process that did not know of it wrote
		t.Errorf("%d steps are kept: the two did not meet", len(steps))
	}
}

// TestNobodyWorksOnACaseAboutThemself: whoever is a reader in one of its alerts has no such case, at once and after the read side knows,
// also when the alert is added or taken away later; nor does anybody put an alert about themself into a case.
func TestNobodyWorksOnACaseAboutThemself(t *testing.T) {
	o := newOffice(t)
	officer, self := caller(proto.RolePrivacyOfficer, "os:officer"), caller(proto.RoleAdministrator, "os:self")
	mine := o.another("mine")
	o.about = map[string]proto.EventID{"os:self": mine}
	f := o.newFile().must(officer, o.opening("os:self"))
	f.must(self, noted("this is not about me yet"))
	f.must(officer, alertsOf([]proto.EventID{mine}, nil))
	for _, when := range []string{"at once", "when the read side knows", "when it was taken away"} {
		switch when {
		case "when the read side knows":
			o.look()
		case "when it was taken away":
			f.must(officer, alertsOf(nil, []proto.EventID{mine}))
			o.look()
		}
		for name, m := range map[string]*v1.WriteCaseRequest{"note": noted("x"), "take away": alertsOf(nil, []proto.EventID{mine}), "close": closed()} {
			if code := f.write(self, m); code != connect.CodeNotFound {
				t.Errorf("%s, %s: %v", when, name, code)
			}
		}
	}
	g := o.newFile()
	m := o.opening("")
	m.GetOpened().Alerts = [][]byte{mine.Bytes()}
	if code := g.write(self, m); code != connect.CodeNotFound {
		t.Errorf("a case of an alert about oneself: %v", code)
	}
	g.must(self, o.opening("os:self"))
	if code := g.write(self, alertsOf([]proto.EventID{mine}, nil)); code != connect.CodeNotFound {
		t.Errorf("an alert about oneself into one's case: %v", code)
	}
	if n := len(g.entries()); n != 1 {
		t.Errorf("%d steps are kept", n)
	}
}

// TestCaseIsClosedWhenItIsDone: an assessment, an outcome, every notice that is owed or planned, no hold.
func TestCaseIsClosedWhenItIsDone(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	f := o.newFile().must(officer, o.opening(""))
	const individuals, hhs, other = v1.NoticeRule_NOTICE_RULE_INDIVIDUALS, v1.NoticeRule_NOTICE_RULE_HHS, v1.NoticeRule_NOTICE_RULE_OTHER
	board := func(n *v1.CaseNotice) { n.To, n.DueUs = "Board", now.AddDate(0, 1, 0).UnixMicro() }
	const not = connect.CodeFailedPrecondition
	const authority = v1.NoticeRule_NOTICE_RULE_AUTHORITY
	withdrawn := func(n *v1.CaseNotice) { n.Withdrawn, n.Text = true, "not theirs to know" }
	for i, tt := range []struct {
		step  *v1.WriteCaseRequest
		close connect.Code
	}{
		{held(true), not},
		{assessed(), not},
		{concluded(), not},
		{held(false), 0}, // a low probability owes nothing
		{assessed(breach), not},
		{notice(other, board), not},
		{notice(individuals, sent), not},
		{notice(hhs, sent), not},
		{notice(other, board, sent), 0},
		{notice(authority), not},
		{notice(authority, withdrawn), 0},
		{notice(individuals, sent), 0},
	} {
		f.must(officer, tt.step)
		if code := f.write(officer, closed()); code != tt.close {
			t.Errorf("closed after step %d: %v, want %v", i, code, tt.close)
		}
		if tt.close == 0 {
			f.must(officer, reopenedCase())
		}
	}
	f.must(officer, closed())
	if code := f.write(officer, noted("late")); code != connect.CodeFailedPrecondition {
		t.Errorf("a note in a closed case: %v", code)
	}
}

// TestLongCaseCanBeClosed: notes fill a case up, and do not keep it open.
func TestLongCaseCanBeClosed(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	f := o.newFile().must(officer, o.opening(""))
	for i := range 1999 {
		f.must(officer, noted(fmt.Sprint(i)))
	}
	if got := f.write(officer, noted("one more")); got != connect.CodeFailedPrecondition {
		t.Errorf("a note beyond the bound: %v", got)
	}
	f.must(officer, assessed(), concluded(), closed())
}

func TestRefusalsInACase(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	f := o.newFile().must(officer, o.opening(""), asked("u17"), answered(1))
	const bad, failed = connect.CodeInvalidArgument, connect.CodeFailedPrecondition
	opened := func(change func(*v1.CaseOpened)) *v1.WriteCaseRequest {
		m := o.opening("")
		change(m.GetOpened())
		return m
	}
	unknown := o.another("unknown")
	delete(o.more, unknown)
	for name, tt := range map[string]struct {
		m    *v1.WriteCaseRequest
		want connect.Code
	}{
		"no body":                           {&v1.WriteCaseRequest{}, bad},
		"no title":                          {opened(func(x *v1.CaseOpened) { x.Title = " " }), bad},
		"a title of two lines":              {opened(func(x *v1.CaseOpened) { x.Title = "a\nb" }), bad},
		"a title that moves the cursor":     {opened(func(x *v1.CaseOpened) { x.Title = "\x1b[2J" }), bad},
		"a long title":                      {opened(func(x *v1.CaseOpened) { x.Title = strings.Repeat("ä", 201) }), bad},
		"no alert":                          {opened(func(x *v1.CaseOpened) { x.Alerts = nil }), bad},
		"what is no id":                     {opened(func(x *v1.CaseOpened) { x.Alerts = [][]byte{{1}} }), bad},
		"an alert twice":                    {opened(func(x *v1.CaseOpened) { x.Alerts = append(x.Alerts, x.Alerts[0]) }), bad},
		"an alert that is not there":        {opened(func(x *v1.CaseOpened) { x.Alerts = [][]byte{unknown.Bytes()} }), connect.CodeNotFound},
		"discovered tomorrow":               {opened(func(x *v1.CaseOpened) { x.DiscoveredUs = now.Add(24 * time.Hour).UnixMicro() }), bad},
		"discovered never":                  {opened(func(x *v1.CaseOpened) { x.DiscoveredUs = 0 }), bad},
		"a law that is none":                {opened(func(x *v1.CaseOpened) { x.Laws = []v1.NoticeLaw{9} }), bad},
		"an assignee who is nobody":         {assigned("Ada"), bad},
		"an assignee of no kind":            {assigned("source:his"), bad},
		"a note of nothing":                 {noted("  "), bad},
		"a long note":                       {noted(strings.Repeat("ä", 4001)), bad},
		"a note that is no text":            {noted("\xff"), bad},
		"a question by number":              {&v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Asked{Asked: &v1.CaseAsked{Question: 2, Respondent: 1, Name: "x", Text: "x"}}}, bad},
		"a question to nobody":              {asked(""), bad},
		"an answer to nothing":              {answered(2), bad},
		"a second answer":                   {answered(1), failed},
		"an alert that the case has":        {alertsOf([]proto.EventID{o.alert}, nil), failed},
		"an alert that the case has not":    {alertsOf(nil, []proto.EventID{unknown}), failed},
		"the last alert":                    {alertsOf(nil, []proto.EventID{o.alert}), failed},
		"no alerts":                         {alertsOf(nil, nil), bad},
		"three factors":                     {assessed(func(a *v1.BreachAssessed) { a.Factors = a.Factors[:3] }), bad},
		"a factor twice":                    {assessed(func(a *v1.BreachAssessed) { a.Factors[1].Factor = a.Factors[0].Factor }), bad},
		"a factor without a judgement":      {assessed(func(a *v1.BreachAssessed) { a.Factors[1].Risk = 0 }), bad},
		"a factor without words":            {assessed(func(a *v1.BreachAssessed) { a.Factors[1].Text = "" }), bad},
		"an exception without a conclusion": {assessed(func(a *v1.BreachAssessed) { a.Exception = 1 }), bad},
		"an exception that is not named":    {assessed(func(a *v1.BreachAssessed) { a.Conclusion = v1.BreachConclusion_BREACH_CONCLUSION_EXCEPTION }), bad},
		"a breach of nobody":                {assessed(breach, func(a *v1.BreachAssessed) { a.People = 0 }), bad},
		"more in a state than there are":    {assessed(breach, func(a *v1.BreachAssessed) { a.MostInOneState = 4 }), bad},
		"a conclusion without reasons":      {assessed(func(a *v1.BreachAssessed) { a.Text = "" }), bad},
		"an outcome that is none":           {&v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Concluded{Concluded: &v1.CaseConcluded{Outcome: inReview, Text: "x"}}}, bad},
		"a notice by no rule":               {notice(0), bad},
		"a date of its own":                 {notice(1, func(n *v1.CaseNotice) { n.DueUs = 5 }), bad},
		"another rule without a date":       {notice(8, func(n *v1.CaseNotice) { n.To = "Board" }), bad},
		"another rule without a recipient":  {notice(8, func(n *v1.CaseNotice) { n.DueUs = 5 }), bad},
		"a notice sent tomorrow":            {notice(2, func(n *v1.CaseNotice) { n.SentUs = now.AddDate(0, 0, 1).UnixMicro() }), bad},
		"a notice that does not tell all":   {notice(1, sent, func(n *v1.CaseNotice) { n.Contents = n.Contents[:4] }), bad},
		"a notice sent and withdrawn":       {notice(2, sent, func(n *v1.CaseNotice) { n.Withdrawn = true }), bad},
		"a notice withdrawn for no reason":  {notice(2, func(n *v1.CaseNotice) { n.Withdrawn, n.Text = true, " " }), bad},
		"a hold that is so":                 {held(false), failed},
		"a full disk": {func() *v1.WriteCaseRequest {
			return noted("full")
		}(), connect.CodeUnavailable},
	} {
		if name == "a full disk" {
			o.Fail = func([]ingest.Entry) error { return errors.New("disk full") }
		}
		g := &file{o: o, id: f.id, version: f.version}
		if tt.m.GetOpened() != nil {
			g = o.newFile()
		}
		if got := g.write(officer, tt.m); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		o.Fail = nil
	}
	g := &file{o: o, id: f.id, version: math.MaxUint32}
	if got := g.write(officer, noted("x")); got != bad {
		t.Errorf("the largest version: %v", got)
	}
	g = &file{o: o, id: f.id, version: f.version + 1}
	if got := g.write(officer, noted("x")); got != bad {
		t.Errorf("a version to come: %v", got)
	}
	if got := (&file{o: o, id: unknown, version: 1}).write(officer, noted("x")); got != connect.CodeNotFound {
		t.Errorf("a case that is not there: %v", got)
	}
	old := &file{o: o, id: proto.NewEventID(proto.EventIdentity{Source: "x", Recorded: now.AddDate(0, 0, -2)})}
	if got := old.write(officer, o.opening("")); got != bad {
		t.Errorf("an id of another day: %v", got)
	}
	if n := len(f.entries()); n != 3 {
		t.Errorf("%d steps are kept", n)
	}
}
