package cases_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	hipaa      = v1.NoticeLaw_NOTICE_LAW_HIPAA
	california = v1.NoticeLaw_NOTICE_LAW_CALIFORNIA
	gdpr       = v1.NoticeLaw_NOTICE_LAW_GDPR

	individuals = v1.NoticeRule_NOTICE_RULE_INDIVIDUALS
	hhs         = v1.NoticeRule_NOTICE_RULE_HHS
	media       = v1.NoticeRule_NOTICE_RULE_MEDIA
	entity      = v1.NoticeRule_NOTICE_RULE_COVERED_ENTITY
	department  = v1.NoticeRule_NOTICE_RULE_CALIFORNIA_DEPARTMENT
	patients    = v1.NoticeRule_NOTICE_RULE_CALIFORNIA_PATIENTS
	authority   = v1.NoticeRule_NOTICE_RULE_AUTHORITY
	other       = v1.NoticeRule_NOTICE_RULE_OTHER
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// file makes the steps of one case.
type file struct {
	id    proto.EventID
	steps []cases.Step
}

func open(o *v1.CaseOpened) *file {
	f := &file{id: proto.NewEventID(proto.EventIdentity{Source: "test", Key: []byte("case"), Recorded: start})}
	return f.add(&v1.CaseEntry{Body: &v1.CaseEntry_Opened{Opened: o}})
}

func (f *file) add(e *v1.CaseEntry) *file {
	n := len(f.steps) + 1
	e.CaseId, e.Version, e.Asker, e.AtUs = f.id.Bytes(), uint32(n), "os:ada", start.Add(time.Duration(n)*time.Hour).UnixMicro()
	f.steps = append(f.steps, cases.Step{Position: proto.At(uint64(n), 0), Entry: e})
	return f
}

func (f *file) assess(a *v1.BreachAssessed) *file {
	return f.add(&v1.CaseEntry{Body: &v1.CaseEntry_Assessed{Assessed: a}})
}

func (f *file) notice(n *v1.CaseNotice) *file {
	return f.add(&v1.CaseEntry{Body: &v1.CaseEntry_Notice{Notice: n}})
}

func byLaw(law v1.NoticeLaw, conclusion v1.BreachConclusion) []*v1.LawConcluded {
	return []*v1.LawConcluded{{Law: law, Conclusion: conclusion, Text: "another standard"}}
}

func breach(people, most uint64) *v1.BreachAssessed {
	return &v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_BREACH, People: people, MostInOneState: most}
}

// TestDeadlines: the day on which a notice is still in time, and the moment that is too late, over leap years, ends of years and changes
// of the clock.
func TestDeadlines(t *testing.T) {
	for name, tt := range map[string]struct {
		zone, discovered string
		rule             v1.NoticeRule
		people           uint64
		day, due         string
	}{
		"sixty calendar days":             {"UTC", "2026-03-02T08:00:00Z", individuals, 3, "2026-05-01", "2026-05-02T00:00:00Z"},
		"over a leap day":                 {"UTC", "2028-01-01T23:59:59Z", individuals, 3, "2028-03-01", "2028-03-02T00:00:00Z"},
		"over no leap day":                {"UTC", "2027-01-01T23:59:59Z", individuals, 3, "2027-03-02", "2027-03-03T00:00:00Z"},
		"the local day counts":            {"America/New_York", "2026-01-02T03:00:00Z", individuals, 3, "2026-03-02", "2026-03-03T05:00:00Z"},
		"the clock moved meanwhile":       {"America/New_York", "2026-01-15T12:00:00Z", individuals, 3, "2026-03-16", "2026-03-17T04:00:00Z"},
		"east of the date line":           {"Pacific/Auckland", "2026-03-02T12:30:00Z", individuals, 3, "2026-05-02", "2026-05-02T12:00:00Z"},
		"media":                           {"UTC", "2026-03-02T08:00:00Z", media, 501, "2026-05-01", "2026-05-02T00:00:00Z"},
		"covered entity":                  {"UTC", "2026-03-02T08:00:00Z", entity, 3, "2026-05-01", "2026-05-02T00:00:00Z"},
		"hhs, 500":                        {"UTC", "2026-03-02T08:00:00Z", hhs, 500, "2026-05-01", "2026-05-02T00:00:00Z"},
		"hhs, 499":                        {"UTC", "2026-03-02T08:00:00Z", hhs, 499, "2027-03-01", "2027-03-02T00:00:00Z"},
		"hhs, 499, before a leap year":    {"UTC", "2027-12-31T08:00:00Z", hhs, 499, "2028-02-29", "2028-03-01T00:00:00Z"},
		"hhs, the year is the local one":  {"America/New_York", "2027-01-01T03:00:00Z", hhs, 1, "2027-03-01", "2027-03-02T05:00:00Z"},
		"fifteen business days":           {"America/Los_Angeles", "2026-03-02T20:00:00Z", department, 3, "2026-03-23", "2026-03-24T07:00:00Z"},
		"discovered on a Saturday":        {"America/Los_Angeles", "2026-03-07T20:00:00Z", patients, 3, "2026-03-27", "2026-03-28T07:00:00Z"},
		"holidays do not give more time":  {"America/Los_Angeles", "2026-12-21T20:00:00Z", department, 3, "2027-01-11", "2027-01-12T08:00:00Z"},
		"72 hours":                        {"Europe/Vienna", "2026-03-02T08:00:01Z", authority, 3, "2026-03-05", "2026-03-05T08:00:01Z"},
		"72 hours over a change of clock": {"Europe/Vienna", "2026-03-28T12:00:00Z", authority, 3, "2026-03-31", "2026-03-31T12:00:00Z"},
		"72 hours over a leap day":        {"UTC", "2028-02-27T12:00:00Z", authority, 3, "2028-03-01", "2028-03-01T12:00:00Z"},
	} {
		discovered, err := time.Parse(time.RFC3339, tt.discovered)
		if err != nil {
			t.Fatal(err)
		}
		f := open(&v1.CaseOpened{DiscoveredUs: discovered.UnixMicro()}).assess(breach(tt.people, 0)).notice(&v1.CaseNotice{Rule: tt.rule})
		all := cases.Fold(f.steps).Notices(zone(t, tt.zone))
		i := slices.IndexFunc(all, func(n cases.Notice) bool { return n.Rule == tt.rule })
		if i < 0 {
			t.Fatalf("%s: no such notice", name)
		}
		if got := all[i].Due.UTC().Format(time.RFC3339); got != tt.due || all[i].LastDay != tt.day {
			t.Errorf("%s: until %s, too late at %s; want %s, %s", name, all[i].LastDay, got, tt.day, tt.due)
		}
		if before, at := all[i].Due.Add(-time.Microsecond), all[i].Due; all[i].Overdue(before) || !all[i].Overdue(at) {
			t.Errorf("%s: a microsecond decides", name)
		}
	}
}

// TestWhichNoticesAreOwed walks laws and assessments.
func TestWhichNoticesAreOwed(t *testing.T) {
	low := &v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY}
	for name, tt := range map[string]struct {
		laws     []v1.NoticeLaw
		assessed *v1.BreachAssessed
		want     []v1.NoticeRule
	}{
		"presumed, no law named":          {nil, nil, []v1.NoticeRule{individuals}},
		"presumed, all laws":              {[]v1.NoticeLaw{hipaa, california, gdpr}, nil, []v1.NoticeRule{authority, department, patients, individuals}},
		"a breach of few":                 {nil, breach(499, 499), []v1.NoticeRule{individuals, hhs}},
		"a breach of many":                {nil, breach(900, 500), []v1.NoticeRule{individuals, hhs}},
		"of many in one state":            {nil, breach(900, 501), []v1.NoticeRule{individuals, hhs, media}},
		"none":                            {[]v1.NoticeLaw{hipaa, california, gdpr}, low, nil},
		"an exception":                    {nil, &v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_EXCEPTION}, nil},
		"the laws were corrected":         {[]v1.NoticeLaw{gdpr}, &v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_BREACH, Laws: []v1.NoticeLaw{hipaa}}, []v1.NoticeRule{individuals, hhs}},
		"none by HIPAA, a breach by GDPR": {[]v1.NoticeLaw{hipaa, gdpr}, &v1.BreachAssessed{Conclusion: low.Conclusion, ByLaw: byLaw(gdpr, v1.BreachConclusion_BREACH_CONCLUSION_BREACH)}, []v1.NoticeRule{authority}},
		"a breach, but not by GDPR":       {[]v1.NoticeLaw{hipaa, gdpr, california}, &v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_BREACH, People: 4, ByLaw: byLaw(gdpr, low.Conclusion)}, []v1.NoticeRule{department, patients, individuals, hhs}},
		"a breach by each law named":      {[]v1.NoticeLaw{california, gdpr}, &v1.BreachAssessed{Conclusion: low.Conclusion, ByLaw: append(byLaw(gdpr, v1.BreachConclusion_BREACH_CONCLUSION_BREACH), byLaw(california, v1.BreachConclusion_BREACH_CONCLUSION_BREACH)...)}, []v1.NoticeRule{authority, department, patients}},
		"the authority's law only":        {[]v1.NoticeLaw{gdpr}, breach(4, 4), []v1.NoticeRule{authority}},
	} {
		f := open(&v1.CaseOpened{DiscoveredUs: start.UnixMicro(), Laws: tt.laws})
		if tt.assessed != nil {
			f.assess(tt.assessed)
		}
		var got []v1.NoticeRule
		for _, n := range cases.Fold(f.steps).Notices(time.UTC) {
			got = append(got, n.Rule)
			if n.Presumed != (tt.assessed == nil) || n.Because == "" {
				t.Errorf("%s: %+v", name, n)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestNoticesThatWereTold: what was said of a notice replaces what was said before, an assessment moves its date, and one of another
// rule stands by its recipient.
func TestNoticesThatWereTold(t *testing.T) {
	sent := start.Add(48 * time.Hour)
	f := open(&v1.CaseOpened{DiscoveredUs: start.UnixMicro()}).
		notice(&v1.CaseNotice{Rule: individuals, Text: "letters are at the printer"}).
		notice(&v1.CaseNotice{Rule: other, To: "Board of Nursing", DueUs: start.Add(time.Hour).UnixMicro()}).
		notice(&v1.CaseNotice{Rule: other, To: "Insurer", DueUs: start.Add(24 * 90 * time.Hour).UnixMicro()}).
		notice(&v1.CaseNotice{Rule: individuals, SentUs: sent.UnixMicro(), People: 2, Text: "by post"}).
		notice(&v1.CaseNotice{Rule: other, To: "Board of Nursing", DueUs: start.Add(time.Hour).UnixMicro(), SentUs: sent.UnixMicro()})
	all := cases.Fold(f.steps).Notices(time.UTC)
	if len(all) != 3 || all[0].To != "Board of Nursing" || all[1].Rule != individuals || all[2].To != "Insurer" {
		t.Fatalf("%+v", all)
	}
	if !all[0].Late() || all[1].Late() || !all[1].Sent() || all[1].Told.Text != "by post" || all[2].Sent() || all[2].Overdue(start) {
		t.Errorf("%+v", all)
	}
	f.assess(&v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_BREACH, People: 2, DiscoveredUs: start.AddDate(0, 0, -61).UnixMicro()})
	for _, n := range cases.Fold(f.steps).Notices(time.UTC) {
		if n.Rule == individuals && (!n.Late() || n.Presumed) {
			t.Errorf("discovered earlier than was thought: %+v", n)
		}
	}
}

// TestWithdrawnNotice: what was planned and is not to be sent is gone, but for what the law wants.
func TestWithdrawnNotice(t *testing.T) {
	f := open(&v1.CaseOpened{DiscoveredUs: start.UnixMicro(), Laws: []v1.NoticeLaw{v1.NoticeLaw_NOTICE_LAW_HIPAA}}).
		notice(&v1.CaseNotice{Rule: individuals}).
		notice(&v1.CaseNotice{Rule: other, To: "Board", DueUs: start.UnixMicro()}).
		notice(&v1.CaseNotice{Rule: individuals, Withdrawn: true, Text: "a mistake"}).
		notice(&v1.CaseNotice{Rule: other, To: "Board", Withdrawn: true, Text: "not theirs"})
	if all := cases.Fold(f.steps).Notices(time.UTC); len(all) != 1 || all[0].Rule != individuals || all[0].Sent() || all[0].Due.IsZero() {
		t.Fatalf("presumed a breach: %+v", all)
	}
	f.assess(&v1.BreachAssessed{Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY})
	if all := cases.Fold(f.steps).Notices(time.UTC); len(all) != 0 {
		t.Errorf("no breach: %+v", all)
	}
}

// TestOfTwoThatClaimANumberTheFirstHolds: however steps are mixed with ones that lost, the case is what the ones that count make of it.
func TestOfTwoThatClaimANumberTheFirstHolds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f := open(&v1.CaseOpened{Title: "one", Assignee: "os:ada", DiscoveredUs: start.UnixMicro()})
		for range random.IntN(8) {
			f.add(&v1.CaseEntry{Body: &v1.CaseEntry_Noted{Noted: &v1.CaseNoted{Text: "n"}}})
		}
		clean := cases.Fold(f.steps)
		var mixed []cases.Step
		for _, step := range f.steps {
			mixed = append(mixed, step)
			for range random.IntN(3) { // claims a number that is taken, or one that is not next
				version := uint32(random.IntN(int(step.Entry.Version) + 1))
				if random.IntN(2) == 0 {
					version = step.Entry.Version + 2 + uint32(random.IntN(3))
				}
				mixed = append(mixed, cases.Step{Entry: &v1.CaseEntry{CaseId: f.id.Bytes(), Version: version, Body: &v1.CaseEntry_Closed{Closed: &v1.CaseClosed{}}}})
			}
		}
		got := cases.Fold(mixed)
		if got.Version != clean.Version || !got.Open() || len(got.Steps) != len(clean.Steps) {
			t.Fatalf("version %d of %d, open %v", got.Version, clean.Version, got.Open())
		}
	}
	if s := cases.Fold([]cases.Step{{Entry: &v1.CaseEntry{Version: 1, Body: &v1.CaseEntry_Noted{}}}}); s.Exists() {
		t.Error("a note opens no case")
	}
}

// TestCaseIsWhatItsStepsSay walks every kind of step.
func TestCaseIsWhatItsStepsSay(t *testing.T) {
	ids := make([]proto.EventID, 3)
	for i := range ids {
		ids[i] = proto.NewEventID(proto.EventIdentity{Source: "alert", Key: []byte{byte(i)}, Recorded: start})
	}
	f := open(&v1.CaseOpened{Title: "t", Reference: "r", Alerts: [][]byte{ids[0].Bytes(), ids[0].Bytes()}, Assignee: "a", DiscoveredUs: 5}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Alerts{Alerts: &v1.CaseAlerts{Added: [][]byte{ids[1].Bytes(), ids[2].Bytes()}, Removed: [][]byte{ids[0].Bytes()}}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Assigned{Assigned: &v1.CaseAssigned{Assignee: "b"}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: 1}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: 2}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 2, Text: "yes"}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 3, Text: "nobody asked"}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Concluded{Concluded: &v1.CaseConcluded{Outcome: v1.Disposition_DISPOSITION_MISUSE}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Held{Held: &v1.CaseHeld{Held: true}}}).
		add(&v1.CaseEntry{Body: &v1.CaseEntry_Closed{Closed: &v1.CaseClosed{}}})
	s := cases.Fold(f.steps)
	if s.ID != f.id || s.Title != "t" || s.Reference != "r" || s.Assignee != "b" || s.Open() || !s.Held || s.Version != 10 || s.DiscoveredUs != 5 ||
		s.Outcome.Outcome != v1.Disposition_DISPOSITION_MISUSE || s.Unanswered() != 1 || s.Questions[1].Answer.Text != "yes" {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff([][]proto.EventID{ids[1:], {ids[0], ids[1], ids[2]}}, [][]proto.EventID{s.Alerts, s.Ever}); diff != "" {
		t.Error(diff)
	}
	f.add(&v1.CaseEntry{Body: &v1.CaseEntry_Reopened{Reopened: &v1.CaseReopened{}}})
	if s := cases.Fold(f.steps); !s.Open() || s.ClosedUs != 0 {
		t.Error("it is not reopened")
	}
}

// TestStepIDs: an id follows from case and number, and from nothing else.
func TestStepIDs(t *testing.T) {
	f := open(&v1.CaseOpened{})
	seen := map[proto.EventID]bool{}
	for _, version := range []uint32{1, 2, 256, 1 << 24} {
		id := cases.StepID(f.id, version)
		if seen[id] || id != cases.StepID(f.id, version) || !id.Time().Equal(start) {
			t.Errorf("step %d: %v", version, id)
		}
		seen[id] = true
	}
}
